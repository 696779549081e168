"""Bots that are delivered to over HTTP: through the one listener, below each profile's own prefix."""

import http.client
import json

import pytest

from hermes_trio.testing.home import telegram_files, write_home
from tests.e2e.process import GatewayProcess
from tests.e2e.telegram import fake_telegram, wait_until
from tests.e2e.test_chats import adapter

SECRET = "s3cret-of-the-webhook"
TOKENS = {
    "default": "41:token-of-default-0123456789",
    "ada": "42:token-of-ada-0123456789",
    "bob": "43:token-of-bob-012345",
}


@pytest.fixture
def telegram():
    with fake_telegram() as process:
        yield process


@pytest.fixture
def gateway(tmp_path, telegram):
    """Every profile's bot has a webhook; the settings of ``ada`` ask for a listener of its own as well."""
    process = GatewayProcess(tmp_path / "home")
    variables = {
        "TELEGRAM_WEBHOOK_URL": f"http://127.0.0.1:{process.port}",
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
        "TELEGRAM_WEBHOOK_PORT": "8443",
    }
    profiles = {
        name: telegram_files(f"You are {name.title()}.", telegram.base_url, TOKENS[name], env=variables)
        for name in TOKENS
    }
    in_vain = {"api_server": {"enabled": True, "port": process.port}, "webhook": {"enabled": True}}
    in_vain = {"api_server": {"enabled": True, "port": process.port}, "webhook": {"enabled": True}}
    profiles["ada"].config["platforms"].update(in_vain)
    write_home(process.root, profiles)
    try:
        yield process.start()
    finally:
        process.close()


def post(gateway, path, update, secret=SECRET):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=5)
    try:
        connection.request("POST", path, json.dumps(update), {"X-Telegram-Bot-Api-Secret-Token": secret})
        return connection.getresponse().status
    finally:
        connection.close()


def test_each_bot_is_delivered_to_below_its_profiles_prefix(gateway, telegram):
    gateway.ready(*TOKENS)
    for name, token in TOKENS.items():
        wait_until(lambda name=name: adapter(gateway, name)["state"] == "connected", f"{name} is not connected")
        prefix = "" if name == "default" else f"/p/{name}"
        assert telegram.bot(token)["webhook"] == f"http://127.0.0.1:{gateway.port}{prefix}/telegram"
        telegram.say(token, "who?")
        assert name.title() in telegram.wait_text(token, "You said: who?")
        assert telegram.bot(token)["polls"] == 0
    assert gateway.stop() == 0


def test_one_profiles_path_does_not_open_anothers_bot(gateway):
    gateway.ready("ada")
    wait_until(lambda: adapter(gateway, "ada")["state"] == "connected", "not connected")
    assert post(gateway, "/p/ada/telegram", {"update_id": 1}) == 200
    assert post(gateway, "/p/ada/telegram", {"update_id": 2}, secret="of-somebody-else") == 401
    assert post(gateway, "/p/nobody/telegram", {"update_id": 3}) == 404
    assert post(gateway, "/p/ada/elsewhere", {"update_id": 4}) == 404


def test_what_is_switched_on_there_in_vain_stops_nothing_and_is_said_at_the_start(gateway, tmp_path):
    gateway.ready("default", "ada", "bob")
    log = (gateway.root / "profiles" / "ada" / "logs" / "gateway.log").read_text()
    assert "platforms.api_server: the HTTP API of this profile is served at /p/ada/v1 anyway" in log
    assert "platforms.api_server: host and port count in the default profile only" in log
    assert "move the routes to platforms.webhook of the default profile's config.yaml, each with `profile: ada`" in log
