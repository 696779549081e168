"""The inbox commands, as a user types them, beside a running gateway and without one."""

from __future__ import annotations

import contextlib
import json
import sqlite3

import pytest

from hermes_trio.adapter_api.messages import InboundMessage
from hermes_trio.cli.inbox import describe_inboxes
from hermes_trio.cli.terminal import Style
from hermes_trio.gateway.accepted import new_row
from hermes_trio.routing.source import MessageSource
from hermes_trio.store.inbox import InboxRow
from hermes_trio.testing.home import ProfileFiles, write_home
from tests.cli.fake_gateway import control_socket, gateway_report
from tests.store.stand_in import open_store

PLAIN = Style(color=False)
NOW = 1_790_000_060.0


def said(text, message_id="7", profile="coder"):
    """A message as the gateway stores it."""
    source = MessageSource("telegram", "dm", chat_id="42", user_id="42")
    message = InboundMessage(source, message_id, text, 1_790_000_000.0)
    return new_row(message, profile, f"agent:{profile}:telegram:dm:42")


def row(**changes):
    values = {
        "id": 1,
        "transport_profile": "coder",
        "platform": "telegram",
        "chat_id": "42",
        "message_id": "7",
        "session_key": "agent:coder:telegram:dm:42",
        "message": said("hello  there").message,
        "thread_id": None,
        "state": "dead",
        "attempts": 3,
        "accepted_at": 1_790_000_000.0,
        "updated_at": 1_790_000_000.0,
        "last_error": "it broke",
    }
    return InboxRow(**values | changes)


@pytest.fixture
def home(tmp_path):
    return write_home(tmp_path / "home", {"coder": ProfileFiles(), "writer": ProfileFiles()})


@pytest.fixture
def inbox(command, home):
    """Run ``hermes-trio inbox ...`` on the home."""
    return lambda *arguments: command("inbox", *arguments, "--home", home.root)


@pytest.fixture
def put(home):
    """Put messages into a profile's inbox, in the given states; their ids."""
    import trio

    from hermes_trio.store import inbox as store

    async def accept(profile, states):
        async with open_store(home.profile(profile).root, profile) as scope:
            for number, state in enumerate(states):
                row_id = await store.accept(scope, said(f"message {number}", str(number), profile))
                if state in ("dead", "running"):
                    await store.mark_running(scope, [row_id])
                if state == "dead":
                    await store.set_back(scope, [row_id], "it broke", max_attempts=1)
                if state == "done":
                    await store.finish(scope, [row_id])

    return lambda profile, *states: trio.run(accept, profile, states)


def states_of(home, profile="coder"):
    with contextlib.closing(sqlite3.connect(home.profile(profile).state_db)) as connection:
        return [state for (state,) in connection.execute("SELECT state FROM trio_inbox ORDER BY id")]


def test_the_table():
    found = {"default": [row(id=3, transport_profile="default", state="accepted", attempts=0, last_error=None)]}
    found["coder"] = [row(transport_profile="default")]
    assert describe_inboxes(found, NOW, PLAIN) == [
        "PROFILE  ID  STATE     SINCE  TRIES  FROM                               MESSAGE      ERROR",
        "default  3   accepted  60 s   0      telegram 42                        hello there  -",
        "coder    1   dead      60 s   3      telegram 42 by the bot of default  hello there  it broke",
    ]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (said("\x1b[31mred\n\n and more").message, " [31mred and more"),
        ('{"text": "of another program"}', '{"text": "of another program"}'),
        ("{broken", "{broken"),
        ("", "-"),
        (said("").message, "-"),
        (said("word " * 40).message, "word word word word word word word word word ..."),
    ],
)
def test_what_strangers_write_is_shown_on_one_harmless_line(message, shown):
    lines = describe_inboxes({"coder": [row(message=message, last_error=None)]}, NOW, PLAIN)
    assert lines[1].endswith(f"{shown}".ljust(len("MESSAGE")) + "  -")
    assert all(line.isprintable() for line in lines)


def test_what_waits_and_what_was_given_up_is_listed_for_all_profiles(inbox, put):
    put("coder", "accepted", "dead", "done", "running")
    put("writer", "dead")
    ran = inbox("list")
    assert (ran.code, ran.err) == (0, "")
    assert [line.split()[:3] for line in ran.out.splitlines()[1:]] == [
        ["coder", "4", "running"],
        ["coder", "2", "dead"],
        ["coder", "1", "accepted"],
        ["writer", "1", "dead"],
    ]
    assert "it broke" in ran.out
    assert ["message 3" in line for line in ran.out.splitlines()[1:]] == [True, False, False, False]


def test_only_what_is_asked_for_is_listed(inbox, put):
    put("coder", "dead", "done", "dead")
    put("writer", "dead")
    assert len(inbox("list", "-p", "coder", "--state", "dead", "--limit", "1").out.splitlines()) == 2
    assert inbox("list", "-p", "coder", "--state", "running").out == "No such messages.\n"


def test_the_list_for_scripts_has_everything(inbox, put):
    put("coder", "dead")
    report = json.loads(inbox("list", "--json").out)
    assert [one["profile"] for one in report["profiles"]] == ["default", "coder", "writer"]
    (message,) = report["profiles"][1]["messages"]
    assert (message["id"], message["state"], message["chat_id"]) == (1, "dead", "42")
    assert json.loads(message["message"])["message"]["text"] == "message 0"


def test_looking_makes_no_database(inbox, home):
    assert inbox("list").out == "No such messages.\n"
    assert inbox("replay", "-p", "coder", "1").code == 1
    assert not home.profile("coder").state_db.exists()


def test_one_unreadable_profile_does_not_hide_the_others(inbox, put, home):
    put("coder", "dead")
    home.profile("writer").state_db.write_bytes(b"nonsense" * 1000)
    ran = inbox("list")
    assert ran.code == 1
    assert "coder" in ran.out
    assert "store_corrupt" in ran.err


def test_a_dead_message_is_replayed_by_the_next_gateway(inbox, put, home):
    put("coder", "dead", "dead")
    ran = inbox("replay", "-p", "coder", "1", "2")
    assert (ran.code, ran.err) == (0, "")
    assert "Message 1 of 'coder' will be answered." in ran.out
    assert "No gateway runs" in ran.out
    assert states_of(home) == ["accepted", "accepted"]


def test_a_running_gateway_is_told(inbox, put, home):
    put("coder", "dead")
    told = []
    with control_socket(home, gateway_report(), told=told):
        ran = inbox("replay", "-p", "coder", "1")
    assert (ran.code, ran.out) == (0, "Message 1 of 'coder' will be answered.\n")
    assert told == [("/control/inbox-changed", {"profile": "coder"})]


def test_a_gateway_that_does_not_listen_to_that_is_no_failure(inbox, put, home):
    put("coder", "dead")
    with control_socket(home, gateway_report()):
        ran = inbox("replay", "-p", "coder", "1", "--json")
    report = json.loads(ran.out)
    assert ran.code == 0
    assert report["messages"] == [{"id": 1, "done": True}]
    assert "could not be told" in report["notice"]
    assert states_of(home) == ["accepted"]


@pytest.mark.parametrize("order", ["replay", "drop"])
def test_what_is_impossible_is_said_and_the_rest_is_done(inbox, put, home, order):
    put("coder", "dead", "done")
    ran = inbox(order, "-p", "coder", "1", "2", "99")
    assert ran.code == 1
    assert len(ran.err.splitlines()) == 2
    assert states_of(home) == ["accepted" if order == "replay" else "done", "done"]


def test_a_message_is_dropped(inbox, put, home):
    put("coder", "dead", "accepted")
    assert inbox("drop", "-p", "coder", "1", "2").out.count("was dropped") == 2
    assert states_of(home) == ["done", "done"]


def test_orders_wait_while_somebody_else_writes(inbox, put, home):
    put("coder", "dead")
    with contextlib.closing(sqlite3.connect(home.profile("coder").state_db, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM trio_inbox").fetchone()
        assert inbox("drop", "-p", "coder", "1").code == 0


def test_an_unknown_profile(inbox):
    ran = inbox("drop", "-p", "codr", "1")
    assert ran.code == 78
    assert "did you mean 'coder'?" in ran.err


@pytest.mark.parametrize("name", ["list", "replay", "drop"])
def test_every_command_explains_itself(command, name):
    page = command("inbox", name, "--help").out
    assert "Examples:" in page
    assert "--json" in page
