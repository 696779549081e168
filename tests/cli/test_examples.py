"""Every example home loads, and `check` finds nothing wrong with it."""

import shutil
from pathlib import Path

import pytest

from hermes_trio.cli.checks.analysis import analyse_home
from hermes_trio.home.discovery import discover_profiles
from hermes_trio.home.paths import HomePaths
from hermes_trio.home.settings import load_profile_settings
from hermes_trio.routing.route_table import build_route_table, resolve_route
from hermes_trio.routing.source import MessageSource

EXAMPLES = Path(__file__).parents[2] / "config_examples"


@pytest.fixture(autouse=True)
def free_port(monkeypatch):
    monkeypatch.setattr("hermes_trio.cli.checks.listening.bind_problem", lambda *_: None)


def copy_of(name: str, target: Path) -> HomePaths:
    """The example as a user would have it: the secrets filled in, and private."""
    shutil.copytree(EXAMPLES / name, target)
    for example in target.rglob(".env.example"):
        lines = example.read_text().splitlines()
        filled = [filled_in(line, example.parent.name) for line in lines]
        example.with_name(".env").write_text("\n".join(filled))
    for env in target.rglob(".env"):
        env.chmod(0o600)
    return HomePaths(target)


def filled_in(line: str, profile: str) -> str:
    if line.endswith("_USERS="):
        return f"{line}1001"
    return f"{line}0123456789abcdef-{profile}" if line.endswith("=") else line


NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_of_the_example_loads_without_a_remark(name, tmp_path):
    home = copy_of(name, tmp_path / name)
    for profile in discover_profiles(home, wanted=None, allowlist=None):
        config = load_profile_settings(home, profile.name, {}).config
        assert (config.unknown_keys, config.notices) == ((), ())


@pytest.mark.parametrize("name", NAMES)
def test_check_finds_nothing(name, tmp_path):
    assert analyse_home(copy_of(name, tmp_path / name), {}).findings == []


def test_a_real_home_without_its_secrets_says_what_to_fill_in(tmp_path):
    shutil.copytree(EXAMPLES / "real-provider", tmp_path / "home")
    codes = {finding.code for finding in analyse_home(HomePaths(tmp_path / "home"), {}).findings}
    assert {"key_missing", "model_not_configured"} <= codes


def test_the_telegram_example_has_two_bots_with_rules_of_their_own(tmp_path):
    home = copy_of("telegram", tmp_path / "home")
    bots = [load_profile_settings(home, name, {}).config.platforms["telegram"] for name in ("default", "helper")]
    assert all(bot.enabled and bot.token for bot in bots)
    assert len({bot.token for bot in bots}) == 2
    assert [bool(bot.access.allowed_users) for bot in bots] == [True, False]
    assert [bot.access.unauthorized_dm_behavior for bot in bots] == ["ignore", "pair"]


def test_the_forum_example_gives_four_topics_of_one_bot_to_four_profiles(tmp_path):
    home = copy_of("forum", tmp_path / "home")
    table = build_route_table(load_profile_settings(home, "default", {}).config.gateway.profile_routes)
    found = [
        resolve_route(table, "default", MessageSource("telegram", "group", "-1003961179976", topic)).runtime_profile
        for topic in ("6", "7", "9", "13", "1")
    ]
    assert found == ["career", "finance", "research", "systems", "default"]
    assert {profile.name for profile in discover_profiles(home, wanted=None, allowlist=None)} == set(found)


def test_the_quickstart_has_three_personas_on_the_built_in_model(tmp_path):
    home = copy_of("quickstart", tmp_path / "home")
    settings = [load_profile_settings(home, name, {}) for name in ("default", "coder", "poet")]
    assert {one.config.model.name for one in settings} == {"builtin/echo"}
    assert len({one.paths.soul.read_text() for one in settings}) == 3
    assert len({one.config.api_server.key for one in settings}) == 3
