"""What ``check`` says about routes."""

from __future__ import annotations

import pytest

from hermes_trio.cli.checks.analysis import analyse_home
from hermes_trio.cli.checks.routes import check_routes
from hermes_trio.cli.checks.survey import survey_home
from hermes_trio.testing.home import ProfileFiles, write_home

TOKEN = {"TELEGRAM_BOT_TOKEN": "123456:abcdefghijklmnop"}


@pytest.fixture
def check(tmp_path):
    """The findings about routes of a home whose default profile has these settings and a Telegram bot."""

    def find(config, *, parked=(), env=TOKEN, **others):
        files = {"default": ProfileFiles(config=config, env=env)}
        files |= {name: ProfileFiles(config=text) for name, text in others.items()}
        home = write_home(tmp_path, files)
        for name in parked:
            (home.profile(name).root / "gateway.parked").touch()
        return list(check_routes(survey_home(home, {})))

    return find


def summary(findings):
    return [(one.level.value, one.code, one.profile) for one in findings]


ROUTE = "profile_routes:\n  - {platform: telegram, chat_id: 1, profile: kids}\n"


def test_a_route_from_a_bot_to_a_profile_is_fine(check):
    assert check(ROUTE, kids="") == []


def test_a_route_to_the_default_profile_is_fine(check):
    assert check("profile_routes: [{platform: telegram, profile: default}]") == []


def test_a_route_to_a_profile_that_does_not_exist(check):
    [finding] = check(ROUTE, coder="")
    assert summary([finding]) == [("error", "route_target_unknown", "default")]
    assert finding.where.endswith("config.yaml:2 profile_routes[0]")
    assert finding.mend.endswith("default, coder")


def test_a_route_to_a_profile_that_is_not_served(check):
    found = check(f"{ROUTE}multiplex_profile_allowlist: [coder]\n", kids="", coder="")
    assert summary(found) == [("error", "route_target_not_served", "default")]


def test_a_route_to_a_parked_profile(check):
    assert summary(check(ROUTE, kids="", parked=["kids"])) == [("warning", "route_target_parked", "default")]


def test_two_routes_with_the_same_conditions(check):
    config = f"{ROUTE}routes: [{{platform: telegram, chat_id: '1', agent: coder}}]\n"
    [finding] = check(config, kids="", coder="")
    assert (finding.code, finding.where.split()[-1]) == ("route_tie", "routes[0]")
    assert "profile_routes[0]" in finding.message


@pytest.mark.parametrize("platform", ["discord", "tellegram"])
def test_a_route_from_a_platform_without_a_bot(check, platform):
    config = f"profile_routes: [{{platform: {platform}, profile: default}}]"
    assert summary(check(config)) == [("warning", "route_without_bot", "default")]


def test_a_route_from_a_bot_that_is_switched_off(check):
    assert [one.code for one in check(f"{ROUTE}telegram: {{enabled: false}}\n", kids="")] == ["route_without_bot"]


@pytest.mark.parametrize("bot", ["kids", "nobody"])
def test_a_route_from_the_bot_of_a_profile_that_has_none(check, bot):
    config = f"profile_routes: [{{platform: telegram, bot_profile: {bot}, profile: default}}]"
    [finding] = check(config, kids="")
    assert finding.code == "route_without_bot"
    assert bot in finding.message


@pytest.mark.parametrize("platform", ["api_server", "webhook"])
def test_http_needs_no_bot(check, platform):
    assert check(f"profile_routes: [{{platform: {platform}, profile: default}}]", env={}) == []


def test_a_default_agent_needs_no_bot(check):
    assert check("default_agent: kids", kids="", env={}) == []


def test_routes_of_another_profile_are_not_read(check):
    [finding] = check("", kids="gateway:\n  profile_routes:\n    - {platform: telegram, profile: default}\n")
    assert summary([finding]) == [("warning", "routes_not_read", "kids")]
    assert finding.where.endswith("config.yaml:3 gateway.profile_routes[0]")


def test_a_route_with_a_mistake_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("hermes_trio.cli.checks.listening.bind_problem", lambda *_: None)
    config = "model: builtin/echo\nprofile_routes: [{platform: telegram, chat_id: , profile: kids}]\n"
    report = analyse_home(write_home(tmp_path, {"default": ProfileFiles(config=config)}), {})
    assert [(one.code, one.level.value) for one in report.findings] == [("route_invalid", "error")]
