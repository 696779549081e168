"""Real gateways whose profiles have bots on a fake Telegram in another process."""

import json
import signal

import pytest

from hermes_trio.cli.control import fetch_status
from hermes_trio.home.paths import HomePaths
from hermes_trio.testing.home import telegram_files, write_home
from tests.e2e.process import running
from tests.e2e.telegram import fake_telegram, wait_until

ADMIN = 1001


@pytest.fixture(scope="module")
def telegram():
    with fake_telegram() as process:
        yield process


@pytest.fixture
def tokens(request):
    """Tokens of this test's own; what other tests' bots said is not mixed up with it."""
    number = abs(hash(request.node.name)) % 1_000_000
    return f"{number}1:token-of-ada-0123456789", f"{number}2:token-of-bob-0123456789"


@pytest.fixture
def root(tmp_path, telegram, tokens):
    ada, bob = tokens
    admins = {"telegram": {"allow_admin_from": [ADMIN]}}
    write_home(
        tmp_path / "home",
        {
            "default": telegram_files("You are Ada.", telegram.base_url, ada, config=admins),
            "bob": telegram_files("You are Bob.", telegram.base_url, bob),
        },
    )
    return tmp_path / "home"


def report(gateway):
    """What `status --json` shows; the control socket opens a moment after the listener."""
    found = []

    def ask():
        found[:] = [fetch_status(HomePaths(gateway.root))]
        return found[0] is not None

    wait_until(ask, "the gateway has no control socket")
    return json.loads(found[0][1])


def adapter(gateway, profile):
    (found,) = [one for one in report(gateway)["profiles"] if one["name"] == profile]
    return (found["adapters"] or [{"state": "none", "reason": None}])[0]


def turns(gateway):
    return [{"profile": one["name"], **turn} for one in report(gateway)["profiles"] for turn in one["turns"]]


def marker(root):
    return root / ".clean_shutdown"


def test_each_bot_answers_as_its_profile_and_the_status_shows_it(root, telegram, tokens):
    ada, bob = tokens
    with running(root) as gateway:
        telegram.say(ada, "hello")
        telegram.say(bob, "hello")
        assert "Ada" in telegram.wait_text(ada, "You said: hello")
        assert "Bob" in telegram.wait_text(bob, "You said: hello")
        wait_until(lambda: adapter(gateway, "bob").get("sent") == 1, "the answer was not counted")
        assert adapter(gateway, "default")["state"] == "connected"
        page = gateway.run("status", "--home", str(root)).stdout
        assert page.count("  telegram  connected  @") == 2
        state = json.loads((root / "gateway_state.json").read_text())
        assert {name: one["state"] for name, one in state["platforms"].items()} == {
            "telegram": "connected",
            "bob:telegram": "connected",
        }
        assert gateway.stop() == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGUSR1, 75)])
def test_a_signal_during_an_answer_lets_it_be_delivered(root, telegram, tokens, number, code):
    ada, _ = tokens
    with running(root) as gateway:
        telegram.say(ada, "!sleep 2")
        wait_until(lambda: turns(gateway), "no turn began")
        assert telegram.texts(ada) == []
        assert gateway.stop(number) == code
    assert len(telegram.texts(ada)) == 1
    assert marker(root).exists()
    state = json.loads((root / "gateway_state.json").read_text())
    assert state["gateway_state"] == "stopped"
    assert {one["state"] for one in state["platforms"].values()} == {"disconnected"}
    with running(root) as gateway:
        wait_until(lambda: adapter(gateway, "default")["state"] == "connected", "not connected again")
        assert not marker(root).exists()
        gateway.stop()
    assert len(telegram.texts(ada)) == 1


def test_a_killed_gateway_leaves_no_marker_and_the_next_one_answers(root, telegram, tokens):
    ada, _ = tokens
    with running(root) as gateway:
        telegram.say(ada, "!sleep 2")
        wait_until(lambda: turns(gateway), "no turn began")
        gateway.stop(signal.SIGKILL)
    assert not marker(root).exists()
    with running(root) as gateway:
        telegram.wait_text(ada, "Ada")
        assert "the last stop was no orderly one" in (root / "logs" / "agent.log").read_text()
        gateway.stop()
    assert len(telegram.texts(ada)) == 1


def test_an_admin_restarts_the_gateway_from_a_chat(root, telegram, tokens):
    ada, _ = tokens
    with running(root) as gateway:
        telegram.say(ada, "/restart gateway", user=ADMIN)
        assert gateway.child.wait(30) == 75
    assert len(telegram.texts(ada)) == 1


@pytest.mark.parametrize(("which", "user"), [(0, 77), (1, ADMIN)])
def test_nobody_else_restarts_the_gateway_from_a_chat(root, telegram, tokens, which, user):
    token = tokens[which]
    with running(root) as gateway:
        telegram.say(token, "/restart gateway", user=user)
        wait_until(lambda: telegram.texts(token), "no answer")
        telegram.say(token, "hello", user=user)
        telegram.wait_text(token, "You said: hello")
        assert gateway.child.poll() is None


def test_a_hanging_turn_is_seen_and_cancelled(root, telegram, tokens):
    _, bob = tokens
    with running(root) as gateway:
        telegram.say(bob, "!hang")
        wait_until(lambda: turns(gateway), "no turn began")
        (turn,) = turns(gateway)
        assert (turn["profile"], turn["transport_profile"]) == ("bob", "bob")
        assert turn["turn"] in gateway.run("turns", "--home", str(root), "-p", "bob").stdout
        refused = gateway.run("turns", "cancel", turn["turn"], "-p", "default", "--home", str(root))
        assert (refused.returncode, "[turn_unknown]" in refused.stderr) == (1, True)
        assert gateway.run("turns", "cancel", turn["turn"], "--home", str(root)).returncode == 0
        telegram.wait_text(bob, "stopped")
        assert turns(gateway) == []
        telegram.say(bob, "still there?")
        telegram.wait_text(bob, "You said: still there?")
