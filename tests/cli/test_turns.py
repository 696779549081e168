import json

import pytest

from hermes_trio.cli.terminal import Style
from hermes_trio.cli.turns import describe_turns
from hermes_trio.home.paths import HomePaths
from tests.cli.fake_gateway import control_socket, gateway_report, profile_report, turn_report


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return HomePaths(tmp_path / "home")


BUSY = gateway_report(
    profile_report("default", turns=[turn_report()]),
    profile_report("coder", turns=[turn_report(turn="turn_2", transport_profile="default", tool="")]),
)


def test_the_table_shows_what_each_turn_does():
    running = {profile.name: profile.turns for profile in BUSY.profiles}
    assert describe_turns(running, Style(color=False)) == [
        "PROFILE  TURN    RUNS  IDLE  TOOL      CALLS  QUEUED  CONVERSATION",
        "default  turn_1  61 s  2 s   terminal  3      1       agent:main:telegram:dm:7",
        "coder    turn_2  61 s  2 s   -         3      1       agent:main:telegram:dm:7 (by the bot of default)",
    ]


@pytest.mark.parametrize("arguments", [("turns",), ("turns", "list")])
def test_without_a_verb_turns_are_listed(command, home, arguments):
    with control_socket(home, BUSY):
        ran = command(*arguments, "--home", home.root)
    assert ran.code == 0
    assert "turn_1" in ran.out
    assert "turn_2" in ran.out


def test_a_quiet_gateway_has_no_table(command, home):
    with control_socket(home, gateway_report(profile_report("default"))):
        assert command("turns", "--home", home.root).out == "No answer to a chat is being made.\n"


def test_a_profile_filters(command, home):
    with control_socket(home, BUSY):
        ran = command("turns", "-p", "coder", "--home", home.root)
        unknown = command("turns", "-p", "nobody", "--home", home.root)
    assert "turn_2" in ran.out
    assert "turn_1" not in ran.out
    assert (unknown.code, "[unknown_profile]" in unknown.err) == (1, True)


@pytest.mark.parametrize("arguments", [("turns", "--json"), ("turns", "list", "--json")])
def test_json_names_the_profile_of_each_turn(command, home, arguments):
    with control_socket(home, BUSY):
        shown = json.loads(command(*arguments, "--home", home.root).out)["turns"]
    assert [(turn["profile"], turn["turn"]) for turn in shown] == [("default", "turn_1"), ("coder", "turn_2")]


def test_cancel_tells_the_gateway(command, home):
    told = []
    with control_socket(home, BUSY, told=told):
        ran = command("turns", "cancel", "turn_2", "--home", home.root)
    assert (ran.code, ran.out) == (0, "Turn turn_2 of 'coder' was cancelled.\n")
    assert told == [("/control/cancel-turn", {"turn": "turn_2"})]


def test_cancel_as_json(command, home):
    with control_socket(home, BUSY, told=[]):
        ran = command("turns", "cancel", "turn_2", "--json", "--home", home.root)
    assert json.loads(ran.out) == {"turn": "turn_2", "profile": "coder", "cancelled": True}


@pytest.mark.parametrize("arguments", [("turn_3",), ("turn_2", "-p", "default")])
def test_a_turn_that_does_not_run_there_cannot_be_cancelled(command, home, arguments):
    told = []
    with control_socket(home, BUSY, told=told):
        ran = command("turns", "cancel", *arguments, "--home", home.root)
    assert (ran.code, ran.out, told) == (1, "", [])
    assert "[turn_unknown]" in ran.err
    assert "turns" in ran.err


def test_a_turn_that_ends_meanwhile_cannot_be_cancelled(command, home):
    with control_socket(home, BUSY):  # answers 404 to what it is told
        ran = command("turns", "cancel", "turn_2", "--home", home.root)
    assert (ran.code, "[turn_unknown]" in ran.err) == (1, True)


@pytest.mark.parametrize("arguments", [("turns",), ("turns", "cancel", "turn_1")])
def test_without_a_gateway_it_says_how_to_start_one(command, home, arguments):
    ran = command(*arguments, "--home", home.root)
    assert (ran.code, "[gateway_not_running]" in ran.err) == (1, True)


@pytest.mark.parametrize("arguments", [("turns",), ("turns", "list"), ("turns", "cancel")])
def test_help_has_examples_and_exit_codes(command, arguments):
    page = command(*arguments, "--help").out
    assert "Examples:" in page
    assert "hermes-trio turns" in page
