"""`kill -9` at any moment: no message is lost, no finished answer is repeated. `kill_rig` runs more.of these."""

import contextlib
import signal
import sqlite3

import pytest

from hermes_trio.home.paths import HomePaths
from hermes_trio.testing.home import write_home
from tests.e2e.kill_rig import Outcome, live_through, platform, token_of
from tests.e2e.process import GatewayProcess, running
from tests.e2e.telegram import wait_until


def assert_good(outcome: Outcome) -> None:
    assert outcome.lost == []
    assert outcome.repeated == []
    assert outcome.strays == []


@pytest.mark.parametrize(("name", "seed"), [("loopback", 101), ("telegram", 102)])
def test_nothing_is_lost_or_repeated_however_often_the_gateway_is_killed(tmp_path, name, seed):
    assert_good(live_through(seed, name, tmp_path / "home", messages=120, kills=3))


@pytest.mark.parametrize(("name", "storm", "seed"), [("loopback", "all", 201), ("telegram", "all", 202)])
def test_nor_when_connections_drop_and_calls_are_refused(tmp_path, name, storm, seed):
    assert_good(live_through(seed, name, tmp_path / "home", messages=80, kills=2, storm=storm))


@pytest.mark.parametrize("profile", ["default", "bea"])
def test_an_answer_that_was_not_sent_yet_is_sent_by_its_own_bot_after_the_next_start(tmp_path, profile):
    with platform("loopback") as fake:
        bots = {"default": "ada", "bea": "bea"}
        write_home(tmp_path / "home", {name: fake.files(bot) for name, bot in bots.items()})
        fake.ask("faults", {"kind": "server_error", "times": None, "method": "send"})
        with running(tmp_path / "home") as gateway:
            fake.say(bots[profile], "message-00001", 7)
            wait_until(lambda: waits_to_be_sent(gateway, profile), "the answer is not in the outbox")
            gateway.stop(signal.SIGKILL)
        fake.calm()
        with running(tmp_path / "home"):
            wait_until(lambda: fake.answers() != [], "the answer was not sent")
        ((token, text),) = fake.answers()
        assert token == token_of(bots[profile])
        assert text.endswith("here. You said: message-00001")


def test_messages_from_while_the_gateway_was_down_are_all_answered(tmp_path):
    with platform("telegram") as fake:
        write_home(tmp_path / "home", {"ada": fake.files("ada")})
        for number in range(10):
            fake.say("ada", f"message-{number:05}", 1000 + number)
        with running(tmp_path / "home"):
            wait_until(lambda: len(fake.answers()) == 10, "not all were answered")


def test_a_message_that_kills_the_process_is_put_aside_in_the_end(tmp_path):
    with platform("telegram") as fake:
        write_home(tmp_path / "home", {"ada": fake.files("ada", attempts=3)})
        fake.say("ada", "!hang", 7)
        for number in (1, 2, 3):
            with running(tmp_path / "home") as gateway:
                wait_until(lambda gateway=gateway, n=number: attempts(gateway) == n, "the turn does not begin")
                gateway.stop(signal.SIGKILL)
        with running(tmp_path / "home"):
            wait_until(lambda: any("put it aside" in text for _, text in fake.answers()), "nobody is told")
            fake.say("ada", "message-00001", 7)
            wait_until(lambda: any("message-00001" in text for _, text in fake.answers()), "the next is held up")


def attempts(gateway: GatewayProcess) -> int:
    """How many turns have begun to answer the only message."""
    path = HomePaths(gateway.root).profile("ada").state_db
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            return connection.execute("SELECT COALESCE(MAX(attempts), 0) FROM trio_inbox").fetchone()[0]
        except sqlite3.OperationalError:
            return 0  # the table is made with the first message


def waits_to_be_sent(gateway: GatewayProcess, profile: str) -> bool:
    return count_of(gateway, profile, "trio_outbox", "pending") == 1


def count_of(gateway: GatewayProcess, profile: str, table: str, state: str) -> int:
    with contextlib.closing(sqlite3.connect(HomePaths(gateway.root).profile(profile).state_db)) as connection:
        try:
            query = f"SELECT count(*) FROM {table} WHERE state = ?"
            return connection.execute(query, (state,)).fetchone()[0]
        except sqlite3.OperationalError:  # not there yet
            return 0
