"""One holder for a bot's token, among gateways and among the profiles of one; nobody's process ends over it."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import pytest

from hermes_trio.home.credential_lock import credential_lock_path
from hermes_trio.home.paths import HomePaths
from hermes_trio.home.process_record import ProcessRecord, SystemProcesses
from hermes_trio.testing.home import telegram_files, write_home, write_profile
from tests.e2e.process import GatewayProcess, running
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


@pytest.mark.parametrize("names", [("default", "bob"), ("ada", "bob")])
def test_of_two_profiles_with_one_token_the_first_in_order_has_it(tmp_path, telegram, lock, names):
    winner, loser = names
    root = home(tmp_path / "home", telegram, **{"default": "", **dict.fromkeys(names, TOKEN)})
    with running(root) as gateway:
        wait_until(lambda: connected(gateway, winner), "the first in order did not connect")
        wait_until(lambda: parked(gateway, loser), "the other one is not parked")
        detail = adapter(gateway, loser)["detail"]
        assert f"profile '{loser}': {root}/profiles/{loser}/.env:" in detail
        assert f"TELEGRAM_BOT_TOKEN: profile '{winner}' of this gateway" in detail
        assert TOKEN not in detail
        assert winner.title() in answers(telegram, TOKEN, "who?")
        env = root / "profiles" / loser / ".env"
        env.write_text(env.read_text().replace(TOKEN, OTHER))
        wait_until(lambda: connected(gateway, loser), "its own token did not mend it")
        assert loser.title() in answers(telegram, OTHER, "and you?")
        assert connected(gateway, winner)
        assert gateway.stop() == 0
    assert not lock.exists()
    assert telegram.bot(TOKEN)["conflicts"] == 0


def test_a_token_that_default_gets_while_another_profile_uses_it_is_handed_over(tmp_path, telegram):
    files = {name: telegram_files(f"You are {name.title()}.", telegram.base_url, TOKEN) for name in ("default", "bob")}
    files["default"].config["platforms"]["telegram"]["enabled"] = True
    without = replace(files["default"], env={**files["default"].env, "TELEGRAM_BOT_TOKEN": ""})
    root = write_home(tmp_path / "home", {**files, "default": without}).root
    with running(root) as gateway:
        wait_until(lambda: connected(gateway, "bob"), "not connected")
        assert "Bob" in answers(telegram, TOKEN, "who?")
        write_profile(HomePaths(root), "default", files["default"])
        wait_until(lambda: parked(gateway, "bob"), "did not give way")
        wait_until(lambda: connected(gateway, "default"), "was not given the token")
        assert "Default" in answers(telegram, TOKEN, "and now?")
        assert gateway.stop() == 0
    assert telegram.bot(TOKEN)["conflicts"] == 0


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
        self.record = ProcessRecord(self.child.pid, self.argv, SystemProcesses().start_time(self.child.pid))
        lock.parent.mkdir(parents=True, exist_ok=True)
        more = {"scope": "telegram-bot-token", "updated_at": datetime.now(UTC).isoformat()}
        self.holds = not lock.exists()
        if self.holds:
            lock.write_text(json.dumps({**self.record.to_json(), **more}))

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


@pytest.mark.slow
@pytest.mark.parametrize("order", list(permutations(("holder", "gateway", "killed"))), ids=" ".join)
def test_in_whatever_order_processes_come_and_die_ours_serves_what_is_free(tmp_path, telegram, lock, order):
    """A gateway of hermes-agent with one of the tokens, ours, and what a killed one left of its lock and its home."""
    root = home(tmp_path / "home", telegram, default=TOKEN, bob=OTHER)
    lock_of_bob = credential_lock_path(lock.parent, "telegram-bot-token", OTHER)
    gateway, started = GatewayProcess(root), {}
    try:
        for what in order:
            if what == "gateway":
                gateway.start()
                wait_until(lambda: connected(gateway, "bob"), "a free token was not used")
                wait_until(lambda: connected(gateway) or parked(gateway), "the contested bot is undecided")
            else:
                started[what] = HermesLikeHolder(tmp_path, lock if what == "holder" else lock_of_bob)
            if what == "killed":
                (root / "gateway.pid").write_text(json.dumps(started[what].record.to_json()))
                started[what].kill()
        holder = started["holder"]
        assert connected(gateway) is not holder.holds
        assert "Bob" in answers(telegram, OTHER, "bob?")
        holder.kill()
        wait_until(lambda: connected(gateway), "the token was not taken over")
        assert "Default" in answers(telegram, TOKEN, "default?")
        assert gateway.stop() == 0
    finally:
        for process in started.values():
            process.kill()
        gateway.close()
