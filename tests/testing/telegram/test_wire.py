from __future__ import annotations

import json

import pytest
import trio

from hermes_trio.testing.telegram import open_fake_telegram
from tests.testing.telegram.caller import Caller, calling

PARAMETERS = {"chat_id": "7", "text": "hello there"}


@pytest.mark.parametrize("method", ["sendMessage", "sendmessage", "SENDMESSAGE"])
async def test_method_names_are_found_in_any_case_and_logged_as_documented(method):
    async with calling() as (telegram, bot, call):
        telegram.user(7, "Alice").opens(bot)
        assert (await call(method, **PARAMETERS)).result["text"] == "hello there"
        assert telegram.sent[0].method == "sendMessage"


@pytest.mark.parametrize(
    "request_arguments",
    [
        {"method": "GET", "params": PARAMETERS},
        {"method": "POST", "params": PARAMETERS},
        {"method": "POST", "data": PARAMETERS},
        {"method": "POST", "json": {"chat_id": 7, "text": "hello there"}},
        {"method": "POST", "data": PARAMETERS, "files": {"unused": b"x"}},
        {"method": "POST", "params": {"chat_id": "7"}, "data": {"text": "hello there"}},
    ],
    ids=["query", "query of a POST", "urlencoded", "JSON", "multipart", "query and form"],
)
async def test_parameters_are_taken_however_they_are_sent(request_arguments):
    async with calling() as (telegram, bot, call):
        telegram.user(7, "Alice").opens(bot)
        answer = await call.client.request(url=f"{call.url}/sendMessage", **request_arguments)
        assert answer.json()["result"]["text"] == "hello there"


async def test_structures_in_a_form_are_json_strings():
    async with calling() as (telegram, bot, call):
        alice = telegram.user(7, "Alice")
        said = await alice.says(bot, "hi")
        reply = json.dumps({"message_id": said.id})
        await call.client.post(f"{call.url}/sendMessage", data={**PARAMETERS, "reply_parameters": reply})
        assert (await bot.next_reply()).reply_to is said


@pytest.mark.parametrize(
    ("path", "status", "description"),
    [
        ("bot42:wrong/getMe", 401, "Unauthorized"),
        ("bot99:secret/getMe", 401, "Unauthorized"),
        ("botnonsense/getMe", 404, "Not Found"),
        ("42:secret/getMe", 404, "Not Found"),
        ("bot42:secret/getMeNot", 404, "Not Found: method not found"),
        ("nothing", 404, "Not Found"),
        ("file/bot42:secret/documents/none.txt", 404, "Not Found"),
        ("file/bot42:wrong/documents/none.txt", 401, "Unauthorized"),
    ],
)
async def test_wrong_tokens_methods_and_paths_are_refused(path, status, description):
    async with calling() as (telegram, _bot, call):
        answer = await call.client.get(f"{telegram.address}/{path}")
        assert (answer.status_code, answer.json()) == (
            status,
            {"ok": False, "error_code": status, "description": description},
        )


async def test_a_revoked_token_is_unauthorized():
    async with calling() as (_telegram, bot, call):
        bot.revoke()
        assert (await call("getMe")).refused == (401, "Unauthorized")


async def test_a_poll_that_waits_ends_when_the_token_is_revoked(autojump_clock):
    async with calling() as (telegram, bot, call), trio.open_nursery() as nursery:

        async def revoke():
            await telegram.wait_until(lambda: bot.is_polling)
            bot.revoke()

        nursery.start_soon(revoke)
        assert (await call("getUpdates", timeout=50)).refused == (401, "Unauthorized")
        assert bot.conflicts == 0


async def test_any_well_formed_token_makes_a_bot_where_that_is_wanted():
    async with open_fake_telegram(sockets=False, any_token=True) as telegram, Caller.open(telegram, "77:abc") as call:
        assert (await call("getMe")).result["id"] == 77


async def test_broken_bodies_are_refused():
    async with calling() as (_telegram, _bot, call):
        json_type = {"content-type": "application/json"}
        answer = await call.client.post(f"{call.url}/getMe", content=b"{", headers=json_type)
        assert answer.status_code == 400
        broken = {"content-type": "multipart/form-data; boundary=x"}
        answer = await call.client.post(f"{call.url}/getMe", content=b"no part", headers=broken)
        assert answer.status_code == 400


@pytest.mark.slow
async def test_it_listens_on_a_socket():
    async with open_fake_telegram() as telegram:
        telegram.bot("42:secret", "ada_bot")
        async with Caller.open(telegram, "42:secret") as call:
            assert (await call("getMe")).result["username"] == "ada_bot"


async def test_get_me_says_that_it_is_a_bot_and_what_it_may_read():
    async with calling() as (telegram, _bot, call):
        me = (await call("getMe")).result
        assert (me["is_bot"], me["can_read_all_group_messages"]) == (True, True)
        telegram.bot("43:secret", privacy=True)
        async with Caller.open(telegram, "43:secret") as other:
            assert (await other("getMe")).result["can_read_all_group_messages"] is False
