from __future__ import annotations

import httpx
import pytest
import trio

from hermes_trio.testing.telegram import FaultKind, RateLimits
from tests.testing.telegram.caller import Caller, calling


async def ready(telegram, bot):
    telegram.user(7, "Alice").opens(bot)


@pytest.mark.parametrize(
    ("kind", "status", "description"),
    [
        (FaultKind.TOO_MANY_REQUESTS, 429, "Too Many Requests: retry after 3"),
        (FaultKind.SERVER_ERROR, 500, "Internal Server Error"),
        (FaultKind.UNAUTHORIZED, 401, "Unauthorized"),
        (
            FaultKind.CONFLICT,
            409,
            "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
        ),
        (FaultKind.ERROR, 400, "Bad Request: no luck"),
    ],
)
async def test_an_ordered_refusal_comes_once_and_nothing_is_done(kind, status, description):
    async with calling() as (telegram, bot, call):
        await ready(telegram, bot)
        telegram.inject(kind, seconds=3, description="Bad Request: no luck")
        assert (await call("sendMessage", chat_id=7, text="x")).refused == (status, description)
        assert telegram.sent == []
        assert (await call("sendMessage", chat_id=7, text="x")).status == 200


async def test_a_refusal_for_too_many_requests_says_for_how_long():
    async with calling() as (telegram, _bot, call):
        telegram.inject(FaultKind.TOO_MANY_REQUESTS, seconds=3)
        assert (await call("getMe")).body["parameters"] == {"retry_after": 3}


async def test_a_fault_strikes_one_bot_and_one_method_in_any_case_so_many_times():
    async with calling() as (telegram, bot, call):
        other = telegram.bot("43:secret")
        telegram.inject(FaultKind.SERVER_ERROR, bot=bot, method="GETME", times=2)
        async with Caller.open(telegram, other.token) as second:
            assert (await second("getMe")).status == 200
        assert (await call("getChat", chat_id=7)).status == 400
        assert [(await call("getMe")).status for _ in range(3)] == [500, 500, 200]


async def test_a_fault_without_end_is_cancelled():
    async with calling() as (telegram, _bot, call):
        fault = telegram.inject(FaultKind.SERVER_ERROR, times=None)
        assert [(await call("getMe")).status for _ in range(3)] == [500, 500, 500]
        fault.cancel()
        assert (await call("getMe")).status == 200


async def test_chance_is_the_same_for_the_same_seed():
    async def strikes(seed):
        async with calling(seed=seed) as (telegram, _bot, call):
            telegram.inject(FaultKind.SERVER_ERROR, times=None, probability=0.5)
            return [(await call("getMe")).status for _ in range(20)]

    first = await strikes(1)
    assert set(first) == {200, 500}
    assert await strikes(1) == first
    assert await strikes(2) != first


async def test_a_connection_dropped_before_the_act_leaves_nothing():
    async with calling() as (telegram, bot, call):
        await ready(telegram, bot)
        telegram.inject(FaultKind.DROP_BEFORE, method="sendMessage")
        with pytest.raises(httpx.RemoteProtocolError):
            await call("sendMessage", chat_id=7, text="x")
        assert telegram.sent == []


async def test_a_connection_dropped_after_the_act_leaves_the_message():
    async with calling() as (telegram, bot, call):
        await ready(telegram, bot)
        telegram.inject(FaultKind.DROP_AFTER, method="sendMessage")
        with pytest.raises(httpx.RemoteProtocolError):
            await call("sendMessage", chat_id=7, text="x")
        assert (await bot.next_reply()).text == "x"


async def test_updates_lost_with_the_connection_come_again():
    async with calling() as (telegram, bot, call):
        await telegram.user(7, "Alice").says(bot, "hi")
        telegram.inject(FaultKind.DROP_AFTER, method="getUpdates")
        with pytest.raises(httpx.RemoteProtocolError):
            await call("getUpdates")
        assert len((await call("getUpdates")).result) == 1


async def test_a_gateway_error_is_a_page_of_html():
    async with calling() as (telegram, _bot, call):
        telegram.inject(FaultKind.BAD_GATEWAY)
        answer = await call.client.get(f"{call.url}/getMe")
        assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")


async def test_a_malformed_answer_is_no_json():
    async with calling() as (telegram, _bot, call):
        telegram.inject(FaultKind.MALFORMED)
        with pytest.raises(ValueError, match="Expecting value"):
            await call("getMe")


async def test_a_hanging_call_never_answers(autojump_clock):
    async with calling() as (telegram, bot, call):
        await ready(telegram, bot)
        telegram.inject(FaultKind.HANG, method="sendMessage")
        with trio.move_on_after(1000) as scope:
            await call("sendMessage", chat_id=7, text="x")
        assert scope.cancelled_caught
        assert telegram.sent == []


async def test_a_slow_call_answers_late(autojump_clock):
    async with calling() as (telegram, _bot, call):
        telegram.inject(FaultKind.SLOW, seconds=7)
        began = trio.current_time()
        assert (await call("getMe")).status == 200
        assert trio.current_time() - began == 7


async def test_downloads_have_faults_of_their_own():
    async with calling() as (telegram, bot, call):
        sent = await telegram.user(7, "Alice").sends_document(bot, b"x", "a.txt")
        telegram.inject(FaultKind.SERVER_ERROR, method="file")
        address = f"{call.file_url}/{sent.files[0].path}"
        assert [(await call.client.get(address)).status_code for _ in range(2)] == [500, 200]


async def test_flood_control_allows_so_many_a_second_in_a_chat(autojump_clock):
    async with calling() as (telegram, bot, call):
        await ready(telegram, bot)
        telegram.user(8, "Bob").opens(bot)
        telegram.limit_rates(RateLimits())
        assert (await call("sendMessage", chat_id=7, text="1")).status == 200
        refused = await call("sendMessage", chat_id=7, text="2")
        assert (refused.status, refused.body["parameters"]) == (429, {"retry_after": 1})
        assert (await call("sendMessage", chat_id=8, text="3")).status == 200
        assert (await call("sendChatAction", chat_id=7, action="typing")).status == 200
        await trio.sleep(1)
        assert (await call("sendMessage", chat_id=7, text="4")).status == 200


async def test_flood_control_allows_so_many_a_second_of_a_bot(autojump_clock):
    async with calling() as (telegram, bot, call):
        for number in range(1, 5):
            telegram.user(number, "Someone").opens(bot)
        telegram.limit_rates(RateLimits(per_bot=3))
        statuses = [(await call("sendMessage", chat_id=number, text="x")).status for number in range(1, 5)]
        assert statuses == [200, 200, 200, 429]
        telegram.limit_rates(None)
        assert (await call("sendMessage", chat_id=4, text="x")).status == 200
