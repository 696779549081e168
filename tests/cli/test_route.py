"""``hermes-trio route``: what it prints, with and without a running gateway."""

from __future__ import annotations

import json

import pytest

from hermes_trio.cli.route import describe_explanation, describe_routes
from hermes_trio.cli.terminal import Style
from hermes_trio.gateway.route_report import (
    AccessView,
    CandidateView,
    Explanation,
    RoutesReport,
    RouteState,
    RouteView,
)
from hermes_trio.testing.home import ProfileFiles, write_home

PLAIN = Style(color=False)
CONFIG = """
model: builtin/echo
gateway:
  route_unavailable: hold
  profile_routes:
    - {name: jobs, platform: telegram, chat_id: -100, thread_id: 6, profile: career}
    - {platform: telegram, chat_id: -100, profile: gone}
    - {platform: telegram, user_id: 7, profile: away}
"""
ENV = {"TELEGRAM_BOT_TOKEN": "123456:abcdefghijklmnop", "TELEGRAM_ALLOWED_USERS": "1"}
PLACE = ("--platform", "telegram", "--chat", "-100", "--user", "1")


@pytest.fixture
def home(tmp_path):
    files = {"default": ProfileFiles(config=CONFIG, env=ENV), "career": "", "away": ""}
    home = write_home(tmp_path / "home", files)
    home.profile("away").parked_marker.touch()
    return home


def test_the_table_begins_with_the_most_specific_route():
    jobs = RouteView("career", "profile_routes[0]", name="jobs", platform="telegram", chat_id="-100", thread_id="6")
    whole = RouteView("gone", "profile_routes[1]", platform="telegram", chat_id="-100")
    states = (RouteState(jobs, 13, None), RouteState(whole, 5, "route_target_unknown"))
    assert describe_routes(RoutesReport(states, holds=False), PLAIN)[:3] == [
        "SCORE  PROFILE  BOT      PLATFORM  GUILD  CHAT  THREAD  USER  NAME  STATE",
        "13     career   default  telegram  -      -100  6       -     jobs  ok",
        "5      gone     default  telegram  -      -100  -       -     -     route_target_unknown",
    ]


def test_without_routes_there_is_no_table():
    (line,) = describe_routes(RoutesReport((), holds=False), PLAIN)
    assert "own profile" in line


def test_an_explanation_begins_with_the_outcome_and_ends_with_all_routes():
    route = RouteView("career", "profile_routes[0]", name="jobs", platform="telegram", thread_id="6")
    said = Explanation(
        transport_profile="default",
        runtime_profile=None,
        target="career",
        winner=route,
        reason="route_target_parked",
        outcome="dropped",
        candidates=(CandidateView(route, 9, matches=True, mismatches=()),),
        access=AccessView(True, "allowlist", "profile 'default': user 1 is on a list"),
        session_key="",
        hook_decides=False,
    )
    assert describe_explanation(said, PLAIN) == [
        "the message is dropped",
        "  bot:     default (its rules say who may write, and it answers)",
        "  route:   jobs (profile_routes[0])",
        "  reason:  route_target_parked",
        "  access:  allowed: profile 'default': user 1 is on a list",
        "",
        "SCORE  ROUTE                     TO      MATCHES",
        "9      jobs (profile_routes[0])  career  yes",
    ]


def test_without_a_gateway_the_files_say_which_routes_there_are(command, home):
    ran = command("route", "list", "--home", home.root, "--json")
    report = json.loads(ran.out)
    assert ran.code == 0
    assert [(one["route"]["profile"], one["unavailable"]) for one in report["routes"]] == [
        ("away", "route_target_parked"),
        ("career", None),
        ("gone", "route_target_unknown"),
    ]
    assert report["holds"] is True


def explain(command, home, *arguments: str):
    ran = command("route", "explain", "--home", home.root, *arguments, "--json")
    return ran.code, json.loads(ran.out)[0]


def test_without_a_gateway_the_files_explain_a_message(command, home):
    code, said = explain(command, home, *PLACE, "--thread", "6")
    assert (code, said["outcome"], said["runtime_profile"]) == (0, "taken", "career")
    assert said["access"]["reason"] == "allowlist"
    assert said["session_key"] == "agent:career:telegram:group:-100:6"


def test_a_message_that_waits_for_its_profile_is_not_answered(command, home):
    code, said = explain(command, home, *PLACE, "--thread", "9")
    assert (code, said["outcome"], said["reason"]) == (1, "held", "route_target_unknown")


def test_who_may_not_write_is_told_before_all_else(command, home):
    code, said = explain(command, home, "--platform", "telegram", "--chat", "-100", "--thread", "6", "--user", "2")
    assert (code, said["outcome"], said["runtime_profile"]) == (1, "refused", "career")


def test_a_message_without_a_platform_is_no_message(command, home):
    assert command("route", "explain", "--home", home.root).code == 2


def test_a_message_that_has_come_is_known_to_a_running_gateway_only(command, home):
    ran = command("route", "explain", "--home", home.root, "--message", "4711")
    assert (ran.code, "gateway_not_running" in ran.err) == (1, True)


def test_a_check_of_routes_says_nothing_of_anything_else(command, home):
    ran = command("route", "check", "--home", home.root, "--json")
    codes = {one["code"] for one in json.loads(ran.out)["findings"]}
    assert codes == {"route_target_unknown", "route_target_parked"}
    assert ran.code == 2
