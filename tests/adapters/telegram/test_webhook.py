from __future__ import annotations

import msgspec
import pytest
import trio

from hermes_trio.adapter_api import ConfigError, CredentialRefused, HermesTrioError, WebRequest
from hermes_trio.http.connection import serve_connection
from hermes_trio.http.types import ListenerLimits
from hermes_trio.testing.telegram import FaultKind
from hermes_trio_adapters.telegram.webhook import SECRET_HEADER, address_for, path_of
from tests.adapters.telegram.rig import Core, open_rig

SECRET = "s3cret"
VARIABLES = {"TELEGRAM_WEBHOOK_URL": "https://bots.test/hook", "TELEGRAM_WEBHOOK_SECRET": SECRET}


def delivery(number: int = 1, text: str = "hello", secret: str | None = SECRET) -> WebRequest:
    chat = {"id": 7, "type": "private"}
    message = {"message_id": number, "date": 1, "chat": chat, "from": {"id": 7}, "text": text}
    headers = {} if secret is None else {SECRET_HEADER: secret}
    body = msgspec.json.encode({"update_id": number, "message": message})
    return WebRequest("POST", "/hook", {}, headers, body)


async def test_telegram_delivers_to_the_listener(autojump_clock):
    core = Core()

    async def connect(*_address):
        async def handle(request, responder):
            headers = {name.decode(): value.decode() for name, value in request.headers.raw}
            path = request.path.removeprefix("/p/ada")
            answer = await core.handlers[path](WebRequest(request.method, path, {}, headers, request.body))
            await responder.send(answer.status, answer.body)

        client, server = trio.testing.memory_stream_pair()
        nursery.start_soon(serve_connection, server, handle, ListenerLimits(), errors.append)
        return client

    errors: list[BaseException] = []
    async with trio.open_nursery() as nursery:
        async with open_rig(variables=VARIABLES, core=core, webhook_connect=connect) as rig, rig.running():
            alice = rig.telegram.user(7, "Alice")
            core.failures = [HermesTrioError("the disk is full", code="store_unwritable")]
            await alice.says(rig.bot, "hello")
            await core.until(1)
            await trio.sleep(1)
            assert rig.bot.pending_updates == 0
        nursery.cancel_scope.cancel()
    assert core.texts == ["hello"]
    assert core.states == ["store_unwritable", "connected"]
    assert core.handlers == {}
    assert errors == []


async def test_a_delivery_that_is_nested_without_end_is_passed_over(autojump_clock):
    nested = b'{"update_id":1,"message":' + b"[" * 100_000
    async with open_rig(variables=VARIABLES) as rig, rig.running():
        answer = await rig.core.handlers["/hook"](WebRequest("POST", "/hook", {}, {SECRET_HEADER: SECRET}, nested))
        assert (await rig.core.handlers["/hook"](delivery(2))).status == 200
    assert answer.status == 200
    assert rig.core.texts == ["hello"]


def test_only_the_profiles_own_prefix_is_taken_off_a_path():
    assert path_of("https://bots.test/p/adam/hook", "ada") == "/p/adam/hook"
    assert path_of("https://bots.test/p/ada", "ada") == "/telegram"


async def test_the_address_told_has_the_profiles_prefix_and_nothing_is_dropped(autojump_clock):
    async with open_rig(variables=VARIABLES) as rig, rig.running():
        assert list(rig.core.handlers) == ["/hook"]
        assert rig.bot.bot_state.webhook.url == "https://bots.test/p/ada/hook"
        assert rig.bot.bot_state.webhook.secret == SECRET
        assert rig.bot.polls == 0


@pytest.mark.parametrize("secret", [None, "", "wrong", "s3creT", "ü"])
async def test_who_does_not_know_the_secret_is_turned_away(autojump_clock, secret):
    async with open_rig(variables=VARIABLES) as rig, rig.running():
        answer = await rig.core.handlers["/hook"](delivery(secret=secret))
    assert answer.status == 401
    assert rig.core.messages == []


async def test_telegram_hears_ok_only_once_the_core_has_the_message(autojump_clock):
    async with open_rig(variables=VARIABLES) as rig, rig.running():
        rig.core.failures = [HermesTrioError("full")]
        assert (await rig.core.handlers["/hook"](delivery())).status == 500
        assert (await rig.core.handlers["/hook"](delivery())).status == 200
    assert rig.core.texts == ["hello"]


async def test_rubbish_with_the_right_secret_does_not_come_again(autojump_clock):
    request = WebRequest("POST", "/hook", {}, {SECRET_HEADER: SECRET}, b"{nonsense")
    async with open_rig(variables=VARIABLES) as rig, rig.running():
        assert (await rig.core.handlers["/hook"](request)).status == 200
    assert any("cannot be read" in line for line in rig.log.lines)


async def test_an_address_that_telegram_does_not_take_is_a_wrong_setting(autojump_clock):
    async with open_rig(variables=VARIABLES) as rig:
        rig.telegram.inject(
            FaultKind.ERROR, method="setWebhook", status=400, description="Bad Request: bad webhook: IP is reserved"
        )
        with pytest.raises(ConfigError, match="IP is reserved"):
            await rig.run()


async def test_outages_at_the_start_are_ridden_out(autojump_clock):
    async with open_rig(variables=VARIABLES) as rig:
        rig.telegram.inject(FaultKind.SERVER_ERROR, method="setWebhook", times=3)
        async with rig.running():
            assert rig.core.states == [*["platform_unreachable"] * 3, "connected"]


async def test_a_revoked_token_ends_the_run(autojump_clock):
    async with open_rig(variables=VARIABLES) as rig:
        rig.telegram.inject(FaultKind.UNAUTHORIZED, method="setWebhook")
        with pytest.raises(CredentialRefused):
            await rig.run()


@pytest.mark.parametrize(
    ("url", "profile", "path", "address"),
    [
        ("https://a.b/hook", "ada", "/hook", "https://a.b/p/ada/hook"),
        ("https://a.b/p/ada/hook", "ada", "/hook", "https://a.b/p/ada/hook"),
        ("https://a.b", "ada", "/telegram", "https://a.b/p/ada/telegram"),
        ("https://a.b/hook", "default", "/hook", "https://a.b/hook"),
        ("https://a.b", "default", "/telegram", "https://a.b/p/default/telegram"),
    ],
)
def test_paths_and_addresses(url, profile, path, address):
    assert path_of(url, profile) == path
    assert address_for(url, f"/p/{profile}{path}", profile) == address
