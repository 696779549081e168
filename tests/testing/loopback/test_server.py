from __future__ import annotations

import httpx
import pytest
import trio

from hermes_trio.testing.loopback import FaultKind, NothingHappened, open_loopback
from tests.testing.loopback.caller import calling, open_caller


def texts(events):
    return [event["message"]["text"] for event in events["events"]]


async def test_a_bot_knows_who_it_is(autojump_clock):
    async with calling() as (_server, _bot, call):
        assert await call.get("/me") == {"id": "bot-ada", "name": "ada"}


async def test_a_token_nobody_registered_is_refused(autojump_clock):
    async with calling() as (_server, _bot, call):
        call.token = "somebody-else"
        assert await call("GET", "/me") == (401, {"error": "bad_token", "message": "no bot has this token"})


async def test_any_token_is_a_bot_where_that_is_wanted(autojump_clock):
    async with open_loopback(sockets=False, any_token=True) as server, open_caller(server, connect=server.connect) as c:
        assert (await c.get("/me"))["name"] == "bot1"


async def test_events_come_until_a_later_question_confirms_them(autojump_clock):
    async with calling() as (server, bot, call):
        await server.says(bot, "one")
        await server.says(bot, "two")
        for _ in range(2):
            assert texts(await call.get("/events?after=0")) == ["one", "two"]
        assert len(bot.events) == 2
        assert texts(await call.get("/events?after=1")) == ["two"]
        assert texts(await call.get("/events?after=2")) == []
        assert len(bot.events) == 0


async def test_a_question_waits_for_an_event_and_no_longer_than_it_says(autojump_clock):
    async with calling() as (server, bot, call):
        begun = trio.current_time()
        assert texts(await call.get("/events?after=0&wait=20")) == []
        assert trio.current_time() - begun == pytest.approx(20)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.says, bot, "hello")
            assert texts(await call.get("/events?after=0&wait=20")) == ["hello"]
        assert trio.current_time() - begun == pytest.approx(20)


async def test_of_two_questions_the_older_one_ends(autojump_clock):
    async with calling() as (server, bot, call):
        answers = []

        async def ask():
            answers.append(await call("GET", "/events?after=0&wait=50"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await trio.sleep(1)
            nursery.start_soon(ask)
            await trio.sleep(1)
            await server.says(bot, "hello")
        assert [status for status, _ in answers] == [409, 200]


async def test_a_revoked_token_ends_a_waiting_question(autojump_clock):
    async with calling() as (server, bot, call):
        async with trio.open_nursery() as nursery:

            async def revoke():
                await trio.sleep(1)
                server.revoke(bot)

            nursery.start_soon(revoke)
            status, body = await call("GET", "/events?after=0&wait=50")
        assert (status, body["error"]) == (401, "bad_token")


async def test_the_same_key_sends_nothing_again(autojump_clock):
    async with calling() as (server, bot, call):
        message = {"chat": "7", "text": "hello"}
        first = await call.post("/send", message, key="k")
        assert await call.post("/send", message, key="k") == first
        assert await call.post("/send", message, key="other") != first
        assert [done.text for done in server.state.done] == ["hello", "hello"]
        upload = "/upload?chat=7&kind=photo&name=a.png"
        assert await call.post(upload, content=b"png", key="p") == await call.post(upload, content=b"png", key="p")
        assert [done.content for done in server.state.done if done.action == "upload"] == [b"png"]
        assert len(bot.keys) == 3


async def test_keys_are_each_bots_own(autojump_clock):
    async with calling() as (server, _bot, call):
        server.bot("bob-token", "bob")
        await call.post("/send", {"chat": "7", "text": "ada's"}, key="k")
        call.token = "bob-token"
        await call.post("/send", {"chat": "7", "text": "bob's"}, key="k")
        assert [(done.token, done.text) for done in server.state.done] == [
            ("ada-token", "ada's"),
            ("bob-token", "bob's"),
        ]


async def test_a_message_is_edited_and_deleted(autojump_clock):
    async with calling() as (_server, bot, call):
        sent = await call.post("/send", {"chat": "7", "text": "draft"})
        edit = {"chat": "7", **sent, "text": "final"}
        await call.post("/edit", edit)
        assert bot.messages["7", sent["id"]].text == "final"
        assert (await call("POST", "/edit", edit))[1]["error"] == "not_modified"
        await call.post("/delete", {"chat": "7", **sent})
        assert (await call("POST", "/delete", {"chat": "7", **sent}))[1]["error"] == "no_message"


async def test_what_is_too_long_or_empty_is_refused(autojump_clock):
    async with calling() as (server, _bot, call):
        assert (await call("POST", "/send", {"chat": "7", "text": "x" * 1001}))[1]["error"] == "too_long"
        assert (await call("POST", "/send", {"chat": "7", "text": ""}))[1]["error"] == "empty"
        assert (await call("POST", "/send", {"text": "no chat"}))[1]["error"] == "bad_request"
        assert (await call("POST", "/nowhere", {}))[0] == 404
        assert server.state.done == []


async def test_a_press_of_a_button_reaches_the_bot(autojump_clock):
    async with calling() as (server, bot, call):
        sent = await call.post("/send", {"chat": "7", "text": "Shall I?", "buttons": [[["Yes", "y"], ["No", "n"]]]})
        press = await server.presses(bot, "7", sent["id"], "No")
        (event,) = (await call.get("/events?after=0"))["events"]
        assert (event["press"]["id"], event["press"]["data"]) == (press, "n")
        await call.post("/answer", {"press": press, "text": "as you like"})
        assert server.state.done[-1].text == "as you like"
        with pytest.raises(ValueError, match="no button 'Maybe'"):
            await server.presses(bot, "7", sent["id"], "Maybe")


@pytest.mark.parametrize(
    ("kind", "status"), [(FaultKind.SERVER_ERROR, 500), (FaultKind.CONFLICT, 409), (FaultKind.UNAUTHORIZED, 401)]
)
async def test_faults_strike_as_often_as_ordered(kind, status, autojump_clock):
    async with calling() as (server, bot, call):
        server.inject(kind, bot=bot, method="me", times=2)
        assert [(await call("GET", "/me"))[0] for _ in range(3)] == [status, status, 200]


async def test_a_rate_limit_says_how_long_to_wait(autojump_clock):
    async with calling() as (server, _bot, call):
        server.inject(FaultKind.TOO_MANY_REQUESTS, method="send", seconds=9)
        status, body = await call("POST", "/send", {"chat": "7", "text": "hello"})
        assert (status, body["error"], body["retry_after"]) == (429, "rate_limited", 9)


async def test_a_connection_is_dropped_before_or_after_the_deed(autojump_clock):
    async with calling() as (server, _bot, call):
        for kind, done in ((FaultKind.DROP_BEFORE, 0), (FaultKind.DROP_AFTER, 1)):
            server.inject(kind, method="send")
            with pytest.raises(httpx.HTTPError):
                await call("POST", "/send", {"chat": "7", "text": "hello"})
            assert len(server.state.done) == done


async def test_a_hanging_call_ends_when_the_client_goes(autojump_clock):
    async with calling() as (server, _bot, call):
        server.inject(FaultKind.HANG, method="me")
        with trio.move_on_after(1000) as scope:
            await call("GET", "/me")
        assert scope.cancelled_caught
        assert (await call("GET", "/me"))[0] == 200


async def test_what_does_not_happen_is_told_with_what_did(autojump_clock):
    async with calling() as (server, _bot, call):
        await call.post("/send", {"chat": "7", "text": "something else"})
        with pytest.raises(NothingHappened, match="something else"):
            await server.wait_for(lambda done: done.text == "hello", seconds=5)


async def test_a_file_goes_in_and_out(autojump_clock):
    async with calling() as (server, bot, call):
        await server.says(bot, "look", file=server.state.add_file("photo", "a.png", b"\x00png"))
        ((file,),) = [event["message"]["files"] for event in (await call.get("/events?after=0"))["events"]]
        assert (file["kind"], file["name"], file["size"]) == ("photo", "a.png", 4)
        assert (await call("GET", "/files/none"))[1]["error"] == "no_file"
