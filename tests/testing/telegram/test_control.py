from __future__ import annotations

import base64
import signal
import subprocess
import sys

import httpx
import pytest
import trio

from hermes_trio.io.http_transport import TrioTransport
from hermes_trio.io.tls import SharedTls
from hermes_trio.io.workers import InlineWorkers
from tests.testing.telegram.caller import calling


class Control:
    def __init__(self, call) -> None:
        self._client = call.client
        self._address = f"{call.telegram.address}/_control"

    async def __call__(self, name, body=None, *, method="POST"):
        answer = await self._client.request(method, f"{self._address}/{name}", json=body)
        return answer.status_code, answer.json()


async def test_a_person_writes_edits_and_presses_a_button():
    async with calling() as (_telegram, bot, call):
        control = Control(call)
        _, wrote = await control("messages", {"token": bot.token, "user": 7, "name": "Alice", "text": "hi"})
        keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
        reply = (await call("sendMessage", chat_id=7, text="Shall I?", reply_markup=keyboard)).result
        await control("messages", {"token": bot.token, "user": 7, "text": "hello", "edit": wrote["message_ids"][0]})
        press = {"token": bot.token, "user": 7, "chat": 7, "message_id": reply["message_id"], "button": "Yes"}
        _, pressed = await control("presses", press)
        message, edit, query = (await call("getUpdates")).result
        assert (message["message"]["text"], edit["edited_message"]["text"]) == ("hi", "hello")
        assert query["callback_query"]["id"] == pressed["query_id"]


async def test_several_messages_come_with_files_into_a_group_and_its_topics():
    async with calling() as (_telegram, bot, call):
        control = Control(call)
        _, chat = await control("chats", {"kind": "supergroup", "title": "F", "forum": True, "tokens": [bot.token]})
        _, topic = await control("topics", {"chat": chat["id"], "name": "Plans"})
        file = {"kind": "document", "content": base64.b64encode(b"x").decode(), "name": "a.txt"}
        await control("messages", [{"chat": chat["id"], "text": "a"}, {"chat": chat["id"], "file": file, **topic}])
        _, plain, with_file = (update["message"] for update in (await call("getUpdates")).result)
        assert (plain["text"], with_file["document"]["file_name"]) == ("a", "a.txt")
        assert with_file["message_thread_id"] == topic["thread"]


async def test_faults_and_limits_are_switched_on_and_off():
    async with calling() as (telegram, bot, call):
        control = Control(call)
        await control("faults", {"kind": "server_error", "times": None})
        assert (await call("getMe")).status == 500
        await control("faults", method="DELETE")
        assert (await call("getMe")).status == 200
        telegram.user(7, "Alice").opens(bot)
        await control("limits", {"per_chat": 0, "per_bot": 1})
        assert telegram.api.limits is not None
        await control("limits", method="DELETE")
        assert telegram.api.limits is None


async def test_what_was_sent_is_told_from_an_index_on_and_waited_for(autojump_clock):
    async with calling() as (telegram, bot, call), trio.open_nursery() as nursery:
        control = Control(call)
        telegram.user(7, "Alice").opens(bot)
        await call("sendMessage", chat_id=7, text="a")
        told = []

        async def wait():
            told.append(await control("sent?since=1&wait=60", method="GET"))

        nursery.start_soon(wait)
        await trio.sleep(5)
        await call("sendMessage", chat_id=7, text="b")
        await trio.sleep(1)
        assert [row["text"] for row in told[0][1]["rows"]] == ["b"]
        assert told[0][1]["next"] == 2


async def test_the_state_counts_polls_and_calls():
    async with calling() as (_telegram, bot, call):
        await call("getUpdates")
        _, state = await Control(call)("state", method="GET")
        assert state["bots"][bot.token] == {
            "polls": 1,
            "is_polling": False,
            "pending": 0,
            "conflicts": 0,
            "webhook": "",
        }
        assert state["calls"] == {"getUpdates": 1}
        assert state["errors"] == []


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("bots", {"token": "42:x", "nonsense": 1}, 400),
        ("bots", {"token": "nonsense"}, 400),
        ("faults", {"kind": "nonsense"}, 400),
        ("faults", {"kind": "hang", "nonsense": 1}, 400),
        ("chats", {"kind": "private", "title": "x"}, 400),
        ("topics", {"chat": 5, "name": "x"}, 400),
        ("nonsense", {}, 404),
    ],
)
async def test_what_makes_no_sense_is_refused(name, body, status):
    async with calling() as (_telegram, _bot, call):
        answered, error = await Control(call)(name, body)
        assert answered == status
        assert error["error"]


@pytest.mark.slow
async def test_as_a_process_it_prints_its_port_and_ends_on_a_signal():
    async with trio.open_nursery() as nursery:
        command = [sys.executable, "-m", "hermes_trio.testing.telegram", "--port", "0"]
        process = await nursery.start(
            lambda task_status: trio.run_process(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False, task_status=task_status
            )
        )
        with trio.fail_after(30):
            port = int((await process.stdout.receive_some()).strip())
            async with httpx.AsyncClient(transport=TrioTransport(SharedTls(InlineWorkers()))) as client:
                answer = await client.get(f"http://127.0.0.1:{port}/bot42:any/getMe")
            assert answer.json()["result"]["id"] == 42
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
