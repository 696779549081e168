from __future__ import annotations

import json
from contextlib import asynccontextmanager

import trio
from trio.testing import memory_stream_pair

from hermes_trio.http.connection import serve_connection
from hermes_trio.http.types import ListenerLimits
from tests.testing.telegram.caller import calling

URL = "http://bot.test/hook"
ACTIVE = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


class Receiver:
    """A bot's web server: keeps what it gets and answers as told."""

    def __init__(self) -> None:
        self.requests = []
        self.answers: list[tuple[int, bytes]] = []

    async def __call__(self, request, responder) -> None:
        self.requests.append(request)
        status, body = self.answers.pop(0) if self.answers else (200, b"")
        await responder.send(status, body)

    @property
    def texts(self) -> list[str]:
        return [json.loads(request.body)["message"]["text"] for request in self.requests]


@asynccontextmanager
async def receiving():
    receiver = Receiver()
    async with trio.open_nursery() as nursery:

        async def connect(*_address):
            client, server = memory_stream_pair()
            nursery.start_soon(serve_connection, server, receiver, ListenerLimits(), print)
            return client

        async with calling(webhook_connect=connect) as (telegram, bot, call):
            yield telegram, bot, call, receiver
        nursery.cancel_scope.cancel()


async def test_updates_are_posted_with_the_secret(autojump_clock):
    async with receiving() as (telegram, bot, call, receiver):
        assert (await call("setWebhook", url=URL, secret_token="s3cret")).result is True
        alice = telegram.user(7, "Alice")
        await alice.says(bot, "one")
        await alice.says(bot, "two")
        await trio.sleep(0.1)
        assert receiver.texts == ["one", "two"]
        assert receiver.requests[0].path == "/hook"
        assert receiver.requests[0].headers.get("X-Telegram-Bot-Api-Secret-Token") == "s3cret"
        assert bot.pending_updates == 0


async def test_an_update_that_is_not_taken_is_posted_again_before_later_ones(autojump_clock):
    async with receiving() as (telegram, bot, call, receiver):
        receiver.answers = [(500, b""), (503, b"")]
        await call("setWebhook", url=URL)
        alice = telegram.user(7, "Alice")
        await alice.says(bot, "one")
        await alice.says(bot, "two")
        await trio.sleep(0.5)
        info = (await call("getWebhookInfo")).result
        assert (info["pending_update_count"], info["last_error_message"]) == (
            2,
            "Wrong response from the webhook: 500 Internal Server Error",
        )
        await trio.sleep(10)
        assert receiver.texts == ["one", "one", "one", "two"]


async def test_get_updates_is_refused_while_a_webhook_is_set(autojump_clock):
    async with receiving() as (_telegram, _bot, call, _receiver):
        await call("setWebhook", url=URL)
        assert (await call("getUpdates")).refused == (409, ACTIVE)
        await call("deleteWebhook")
        assert (await call("getUpdates")).result == []


async def test_a_poll_that_waits_ends_when_a_webhook_is_set(autojump_clock):
    async with receiving() as (telegram, bot, call, _receiver):
        answers = []

        async def poll():
            answers.append(await call("getUpdates", timeout=50))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(poll)
            await telegram.wait_until(lambda: bot.is_polling)
            await call("setWebhook", url=URL)
        assert answers[0].refused == (409, "Conflict: terminated by setWebhook request")


async def test_what_was_not_taken_stays_for_polling_unless_dropped(autojump_clock):
    async with receiving() as (telegram, bot, call, receiver):
        receiver.answers = [(500, b"")] * 3
        await call("setWebhook", url=URL)
        await telegram.user(7, "Alice").says(bot, "one")
        await trio.sleep(0.5)
        await call("deleteWebhook")
        assert len((await call("getUpdates")).result) == 1
        await call("deleteWebhook", drop_pending_updates=True)
        assert (await call("getUpdates")).result == []
        await trio.sleep(100)
        assert len(receiver.requests) == 1


async def test_an_answer_can_be_a_call(autojump_clock):
    async with receiving() as (telegram, bot, call, receiver):
        receiver.answers = [(200, b'{"method": "sendMessage", "chat_id": 7, "text": "at once"}')]
        await call("setWebhook", url=URL)
        alice = telegram.user(7, "Alice")
        await alice.says(bot, "hi")
        assert (await bot.next_reply(alice)).text == "at once"


async def test_webhook_info_tells_what_is_set():
    async with calling() as (_telegram, _bot, call):
        assert (await call("getWebhookInfo")).result["url"] == ""
        await call("setWebhook", url=URL, allowed_updates=["message"])
        info = (await call("getWebhookInfo")).result
        assert (info["url"], info["allowed_updates"]) == (URL, ["message"])


async def test_addresses_and_secrets_that_telegram_would_not_take_are_refused():
    async with calling() as (_telegram, _bot, call):
        assert (await call("setWebhook", url="ftp://x")).status == 400
        refused = await call("setWebhook", url=URL, secret_token="a b")
        assert refused.refused == (400, "Bad Request: secret token contains unallowed characters")
