import json
import os

import msgspec
import pytest

from hermes_trio.cli.status import describe_gateway
from hermes_trio.cli.terminal import Style
from hermes_trio.home.paths import HomePaths
from hermes_trio.home.process_record import current_process_record
from tests.cli.fake_gateway import adapter_report, control_socket, gateway_report, profile_report, turn_report

NOW = 1060.0
PLAIN = Style(color=False)


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return HomePaths(tmp_path / "home")


def test_the_page_has_a_line_for_the_gateway_and_an_aligned_table():
    report = gateway_report(
        profile_report("default", active_turns=2),
        profile_report("b", state="backoff", reason="crashed", next_retry=NOW + 8, detail="KeyError: 'x'", model=""),
    )
    assert describe_gateway(report, report.profiles, NOW, PLAIN) == [
        "hermes-trio 9.9.9, pid 4711, running for 60 s",
        "/home/u/.hermes on http://127.0.0.1:8642",
        "",
        "PROFILE  STATE    REASON   SINCE  RETRY   TURNS  MODEL",
        "default  running  -        60 s   -       2      builtin/echo",
        "b        backoff  crashed  60 s   in 8 s  0      -",
        "",
        "b: KeyError: 'x'",
    ]


def test_bots_stand_below_their_profile_and_their_trouble_below_the_table():
    parked = adapter_report(
        state="parked",
        reason="bad_credential",
        detail="profile 'coder': getMe: the token is refused. To mend it: set TELEGRAM_BOT_TOKEN",
        bot="",
        received=0,
        sent=0,
    )
    retrying = adapter_report(state="retrying", reason="platform_unreachable", next_retry=NOW + 4, detail="away")
    report = gateway_report(
        profile_report("default", adapters=[adapter_report(dropped={"stranger": 2, "duplicate": 1})]),
        profile_report("quiet"),
        profile_report("coder", adapters=[parked, msgspec.structs.replace(retrying, platform="irc")]),
    )
    assert describe_gateway(report, report.profiles, NOW, PLAIN)[3:] == [
        "PROFILE  STATE    REASON  SINCE  RETRY  TURNS  MODEL",
        "default  running  -       60 s   -      0      builtin/echo",
        "  telegram  connected  @ada_bot              60 s                12 in, 11 out, 3 dropped",
        "quiet    running  -       60 s   -      0      builtin/echo",
        "coder    running  -       60 s   -      0      builtin/echo",
        "  telegram  parked     bad_credential        60 s                0 in, 0 out",
        "  irc       retrying   platform_unreachable  60 s, retry in 4 s  12 in, 11 out",
        "",
        "coder telegram: getMe: the token is refused. To mend it: set TELEGRAM_BOT_TOKEN",
        "",
        "coder irc: away",
    ]


def test_json_has_bots_and_turns(command, home):
    profile = profile_report("default", adapters=[adapter_report(dropped={"stranger": 2})], turns=[turn_report()])
    with control_socket(home, gateway_report(profile)):
        (shown,) = json.loads(command("status", "--json", "--home", home.root).out)["profiles"]
    assert shown["adapters"][0]["dropped"] == {"stranger": 2}
    assert shown["turns"][0]["turn"] == "turn_1"


def test_a_report_of_a_gateway_that_knows_no_chats_is_understood(command, home):
    report = msgspec.to_builtins(gateway_report(profile_report("default")))
    for profile in report["profiles"]:
        del profile["adapters"], profile["turns"]
    with control_socket(home, json.dumps(report).encode()):
        assert command("status", "--home", home.root).code == 0


def test_a_gateway_that_does_not_listen_yet():
    report = gateway_report(address="")
    assert "/home/u/.hermes on (not listening yet)" in describe_gateway(report, [], NOW, PLAIN)


def test_status_of_a_running_gateway(command, home):
    with control_socket(home, gateway_report(profile_report("default"), profile_report("coder"))):
        ran = command("status", "--home", home.root)
    assert ran.code == 0
    assert "default" in ran.out
    assert "coder" in ran.out


def test_status_of_one_profile(command, home):
    with control_socket(home, gateway_report(profile_report("default"), profile_report("coder"))):
        ran = command("-p", "coder", "status", "--home", home.root)
    assert "coder" in ran.out
    assert "default" not in ran.out


def test_status_of_a_profile_that_is_not_served(command, home):
    with control_socket(home, gateway_report(profile_report("default"))):
        ran = command("status", "-p", "codr", "--home", home.root)
    assert ran.code == 1
    assert "[unknown_profile]" in ran.err
    assert "one of default" in ran.err


def test_json_is_the_report(command, home):
    with control_socket(home, gateway_report(profile_report("default"), profile_report("coder"))):
        whole = json.loads(command("status", "--json", "--home", home.root).out)
        one = json.loads(command("status", "--json", "--home", home.root, "-p", "coder").out)
    assert (whole["running"], whole["pid"], whole["active_turns"]) == (True, 4711, 3)
    assert [profile["name"] for profile in one["profiles"]] == ["coder"]


def test_without_a_gateway_it_says_how_to_start_one(command, home):
    ran = command("status", "--home", home.root)
    assert (ran.code, ran.out) == (1, "")
    assert "no gateway runs on this home [gateway_not_running]" in ran.err
    assert f"`hermes-trio run --home {home.root}`" in ran.err


def test_without_a_gateway_json_says_so_too(command, home):
    ran = command("status", "--json", "--home", home.root)
    assert (ran.code, json.loads(ran.out)["running"]) == (1, False)


def test_a_socket_that_nobody_listens_on_counts_as_no_gateway(command, home):
    with control_socket(home, gateway_report()):
        pass
    assert home.control_socket.exists()
    assert "gateway_not_running" in command("status", "--home", home.root).err


def test_a_gateway_of_another_kind_is_named(command, home, monkeypatch):
    record = current_process_record(("hermes", "gateway", "run"))
    monkeypatch.setattr("hermes_trio.home.process_record.read_live_gateway", lambda _: record)
    ran = command("status", "--home", home.root)
    assert ran.code == 1
    assert "[gateway_foreign]" in ran.err
    assert f"pid {os.getpid()}: hermes gateway run" in ran.err


@pytest.mark.parametrize(("body", "status"), [(b"not json", 200), (b'{"pid": "x"}', 200), (b"{}", 500)])
def test_a_socket_that_talks_nonsense_is_an_error(command, home, body, status):
    with control_socket(home, body, status):
        ran = command("status", "--home", home.root)
    assert (ran.code, "[control_failed]" in ran.err) == (1, True)


def test_who_may_not_open_the_socket_is_told_so(command, home, monkeypatch):
    def refuse(_connection):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("hermes_trio.cli.control._UnixConnection.connect", refuse)
    ran = command("status", "--home", home.root)
    assert ran.code == 1
    assert "[control_forbidden]" in ran.err
    assert "the user that runs the gateway" in ran.err
