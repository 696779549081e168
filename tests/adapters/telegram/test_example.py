from __future__ import annotations

from pathlib import Path

import hermes_trio_adapters.telegram
from hermes_trio.home.settings import load_profile_settings
from hermes_trio.testing import ProfileFiles, write_home
from hermes_trio_adapters.telegram.settings import load_settings
from tests.adapters.telegram.rig import TOKEN

EXAMPLE = Path(hermes_trio_adapters.telegram.__file__).with_name("example.yaml")


def platform(tmp_path, config, env):
    home = write_home(tmp_path, {"ada": ProfileFiles(config=config, env=env)})
    return load_profile_settings(home, "ada", {}).config.platforms["telegram"]


def test_the_example_is_a_working_configuration(tmp_path):
    config = platform(tmp_path, EXAMPLE.read_text(), {"TELEGRAM_BOT_TOKEN": TOKEN})
    assert config.enabled
    settings = load_settings("ada", config)
    assert (settings.token, settings.official, settings.webhook) == (TOKEN, True, None)


def test_every_commented_setting_of_the_example_works(tmp_path):
    lines = EXAMPLE.read_text().splitlines()
    uncommented = [line.replace("# ", "", 1) if line.startswith("      # ") else line for line in lines]
    config = platform(tmp_path, "\n".join(uncommented), {"TELEGRAM_BOT_TOKEN": TOKEN})
    settings = load_settings("ada", config)
    assert settings.proxy == "http://proxy.example:3128"
    assert settings.method_base == f"http://127.0.0.1:8081/bot{TOKEN}/"
    assert settings.file_base == f"http://127.0.0.1:8081/file/bot{TOKEN}/"
    assert settings.webhook is not None
    assert settings.webhook.url == "https://bots.example/telegram"


def test_a_setting_may_stand_in_the_platforms_own_section(tmp_path):
    config = platform(
        tmp_path, {"model": "builtin/echo", "telegram": {"reactions": True}}, {"TELEGRAM_BOT_TOKEN": TOKEN}
    )
    assert load_settings("ada", config).reactions
