"""Sessions of chats that a program reads, deletes and ends over HTTP while people go on talking."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
import trio

from tests.gateway.chats.rig import open_chats


@asynccontextmanager
async def sessions_of(chats, profile="ada"):
    """A function that calls the sessions resource of a profile."""
    async with chats.gateway.client(profile) as client:
        base = f"http://gateway.test/p/{profile}/api/sessions"

        async def call(method, path="", body=None):
            return await client.request(method, base + path, **({} if body is None else {"json": body}))

        yield call


async def only_session(call):
    (session,) = (await call("GET", "?source=telegram")).json()["data"]
    return session


async def test_a_program_reads_what_is_said_in_a_chat_and_speaks_in_it(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats, sessions_of(chats) as call:
        await chats.ask("the word is plum")
        session = await only_session(call)
        assert (session["source"], session["user_id"]) == ("telegram", "1001")
        answer = await call("POST", f"/{session['id']}/chat", {"message": "!history"})
        assert "plum" in answer.json()["message"]["content"]
        assert "plum" in (await chats.ask("!history")).text


async def test_a_chat_whose_session_was_deleted_begins_anew_and_keeps_its_settings(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats, sessions_of(chats) as call:
        await chats.ask("the word is plum")
        await chats.ask("/footer on")
        session = await only_session(call)
        assert (await call("DELETE", f"/{session['id']}")).status_code == 200
        anew = (await chats.ask("!history")).text
        assert anew.startswith("0 messages before this one\n")
        assert "echo" in anew  # the footer
        assert (await only_session(call))["id"] != session["id"]


@pytest.mark.parametrize(("method", "body"), [("DELETE", None), ("PATCH", {"end_reason": "done"})])
async def test_a_session_whose_chat_is_being_answered_stays(tmp_path, autojump_clock, method, body):
    async with open_chats(tmp_path) as chats, sessions_of(chats) as call:
        await chats.ask("hello")
        session = await only_session(call)
        await chats.say("!sleep 20")
        await trio.sleep(10)
        answer = await call(method, f"/{session['id']}", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "session_busy")
        await chats.reply()
        await chats.settled()
        assert (await call(method, f"/{session['id']}", body)).status_code == 200


async def test_a_chat_whose_session_was_ended_begins_anew(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats, sessions_of(chats) as call:
        await chats.ask("the word is plum")
        session = await only_session(call)
        await call("PATCH", f"/{session['id']}", {"end_reason": "done"})
        assert (await chats.ask("!history")).text == "0 messages before this one"


async def test_a_message_that_comes_while_its_session_is_deleted_is_answered(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats, sessions_of(chats) as call:
        await chats.ask("the word is plum")
        session = await only_session(call)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call, "DELETE", f"/{session['id']}")
            nursery.start_soon(chats.say, "!say still here")
        assert (await chats.reply()).text == "still here"
        await chats.settled()
        assert "plum" not in str(chats.history())
