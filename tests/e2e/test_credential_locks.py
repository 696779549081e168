"""One holder for a bot's token, among gateways and among the profiles of one; nobody's process ends over it."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from hermes_trio.home.credential_lock import credential_lock_path
from hermes_trio.home.process_record import ProcessRecord, SystemProcesses
from hermes_trio.testing.home import telegram_files, write_home
from tests.e2e.process import running
from tests.e2e.telegram import fake_telegram, wait_until
from tests.e2e.test_chats import adapter

TOKEN = "42:the-one-token-0123456789"
OTHER = "43:a-token-of-its-own-0123456789"


@pytest.fixture
def telegram():
    with fake_telegram() as process:
        yield process


@pytest.fixture
def lock(tmp_path):
    """The lock's file; the gateways' HOME is the folder above their homes."""
    folder = tmp_path / ".local" / "state" / "hermes" / "gateway-locks"
    return credential_lock_path(folder, "telegram-bot-token", TOKEN)


def home(root, telegram, **tokens):
    profiles = {name: telegram_files(f"You are {name.title()}.", telegram.base_url, tokens[name]) for name in tokens}
    write_home(root, profiles)
    return root


def connected(gateway, profile="default"):
    return adapter(gateway, profile)["state"] == "connected"


def parked(gateway, profile="default"):
    return adapter(gateway, profile)["reason"] == "duplicate_credential"


def answers(telegram, token, text):
    telegram.say(token, text)
    return telegram.wait_text(token, f"You said: {text}")


def test_of_two_gateways_the_second_waits_for_the_token_and_serves_the_rest(tmp_path, telegram):
    first_root = home(tmp_path / "one", telegram, default=TOKEN)
    second_root = home(tmp_path / "two", telegram, default=TOKEN, bob=OTHER)
    with running(first_root) as first:
        wait_until(lambda: connected(first), "the first one did not connect")
        with running(second_root) as second:
            wait_until(lambda: parked(second), "the second one took the token too")
            waiting = adapter(second, "default")
            assert (waiting["state"], f"pid {first.child.pid}" in waiting["detail"]) == ("parked", True)
            assert TOKEN not in json.dumps(waiting)
            assert "Bob" in answers(telegram, OTHER, "bob?")
            assert second.child.poll() is None
            assert first.stop() == 0
            wait_until(lambda: connected(second), "the token was not taken over")
            answers(telegram, TOKEN, "default?")
            assert second.stop() == 0
    assert telegram.bot(TOKEN)["conflicts"] == 0


def test_two_profiles_of_one_gateway_do_not_share_a_token(tmp_path, telegram, lock):
    root = home(tmp_path / "home", telegram, ada=TOKEN, bob=TOKEN, default="")
    with running(root) as gateway:
        wait_until(lambda: {connected(gateway, "ada"), connected(gateway, "bob")} == {True, False}, "no single holder")
        winner, loser = ("ada", "bob") if connected(gateway, "ada") else ("bob", "ada")
        wait_until(lambda: parked(gateway, loser), "the loser is not parked")
        assert f"profile '{winner}' of this gateway" in adapter(gateway, loser)["detail"]
        assert winner.title() in answers(telegram, TOKEN, "who?")
        env = root / "profiles" / loser / ".env"
        env.write_text(env.read_text().replace(TOKEN, OTHER))
        wait_until(lambda: connected(gateway, loser), "its own token did not mend it")
        assert loser.title() in answers(telegram, OTHER, "and you?")
        assert connected(gateway, winner)
        assert gateway.stop() == 0
    assert not lock.exists()


def test_the_lock_of_a_killed_gateway_is_taken_over(tmp_path, telegram, lock):
    root = home(tmp_path / "home", telegram, default=TOKEN)
    with running(root) as gateway:
        wait_until(lambda: connected(gateway), "not connected")
        gateway.stop(signal.SIGKILL)
    assert lock.exists()
    with running(home(tmp_path / "other", telegram, default=TOKEN)) as gateway:
        wait_until(lambda: connected(gateway), "the stale lock was not taken over")


class HermesLikeHolder:
    """A process that looks like a gateway of hermes-agent and holds the token as one does: by the file alone."""

    def __init__(self, folder, lock):
        program = folder / "hermes"
        program.write_text("import time\ntime.sleep(600)\n")
        self.argv = (sys.executable, str(program), "gateway", "run")
        self.child = subprocess.Popen(self.argv)
        record = ProcessRecord(self.child.pid, self.argv, SystemProcesses().start_time(self.child.pid))
        lock.parent.mkdir(parents=True, exist_ok=True)
        more = {"scope": "telegram-bot-token", "updated_at": datetime.now(UTC).isoformat()}
        lock.write_text(json.dumps({**record.to_json(), **more}))

    def kill(self):
        self.child.kill()
        self.child.wait(5)


@pytest.fixture
def holder(tmp_path, lock):
    made = HermesLikeHolder(tmp_path, lock)
    yield made
    made.kill()


def test_a_token_that_hermes_agent_holds_is_waited_for(tmp_path, telegram, holder, lock):
    before = lock.read_text()
    with running(home(tmp_path / "home", telegram, default=TOKEN, bob=OTHER)) as gateway:
        wait_until(lambda: parked(gateway), "the token was taken away from hermes-agent")
        detail = adapter(gateway, "default")["detail"]
        assert f"pid {holder.child.pid}" in detail
        assert "gateway run" in detail
        assert "Bob" in answers(telegram, OTHER, "bob?")
        assert lock.read_text() == before
        holder.kill()
        wait_until(lambda: connected(gateway), "the dead holder's lock was not taken over")
        answers(telegram, TOKEN, "default?")
        assert gateway.stop() == 0


def test_a_poller_without_a_lock_is_noticed_and_outlived(tmp_path, telegram):
    telegram.fail("conflict", token=TOKEN, times=2)
    with running(home(tmp_path / "home", telegram, default=TOKEN, bob=OTHER)) as gateway:
        wait_until(lambda: parked(gateway), "the conflict was not noticed")
        assert "Bob" in answers(telegram, OTHER, "bob?")
        wait_until(lambda: connected(gateway), "did not come back")
        answers(telegram, TOKEN, "default?")
