from __future__ import annotations

import pytest

from hermes_trio.errors import ConfigError, ScopeClosed
from hermes_trio.home.platform_config import AccessConfig
from hermes_trio.settings_edit import remove_from_config, update_config, update_env
from tests.access.rig import Bots, open_bots

PROFILES = {"coder": AccessConfig(), "writer": AccessConfig()}


def files(bots: Bots, profile: str) -> tuple[str, str]:
    paths = bots.home.profile(profile)
    return paths.config.read_text(), paths.env.read_text()


async def test_a_profile_changes_its_own_files_only(tmp_path) -> None:
    async with open_bots(tmp_path, PROFILES) as bots:
        others = files(bots, "writer")
        config, env = files(bots, "coder")
        assert await update_config(bots["coder"], "display.busy_input_mode", "queue")
        assert await update_env(bots["coder"], "TELEGRAM_HOME_CHANNEL", "-1001")
        changed_config, changed_env = files(bots, "coder")
        assert "busy_input_mode: queue" in changed_config
        assert changed_env.startswith(env)
        assert "TELEGRAM_HOME_CHANNEL=-1001\n" in changed_env
        assert await remove_from_config(bots["coder"], "display")
        assert await update_env(bots["coder"], "TELEGRAM_HOME_CHANNEL", None)
        assert files(bots, "coder") == (config, env)
        assert files(bots, "writer") == others


async def test_the_running_settings_stay_as_they_are(tmp_path) -> None:
    async with open_bots(tmp_path, PROFILES) as bots:
        await update_config(bots["coder"], "agent.max_turns", 5)
        assert bots["coder"].config.agent.max_turns == 90


async def test_a_refused_edit_names_the_profile(tmp_path) -> None:
    async with open_bots(tmp_path, PROFILES) as bots:
        bots.home.profile("coder").config.write_text("display: text\n")
        with pytest.raises(ConfigError) as caught:
            await update_config(bots["coder"], "display.busy_input_mode", "queue")
        assert caught.value.profile == "coder"


async def test_after_the_end_of_the_scope_nothing_is_written(tmp_path) -> None:
    async with open_bots(tmp_path, PROFILES) as bots:
        scope = bots["coder"]
    before = files(bots, "coder")
    with pytest.raises(ScopeClosed):
        await update_env(scope, "A", "1")
    assert files(bots, "coder") == before
