"""The official SDK is the judge: where it does not work with the fake, the fake is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from hermes_trio.testing.telegram import FaultKind, open_fake_telegram
from tests.testing.telegram.caller import Caller

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("sdk_bot.py")
TOKEN = "4242:sdk-secret"


class SdkBot:
    """The bot's process: what it tells, and how to end it."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._buffer = b""

    async def hears(self, event: str) -> dict:
        with trio.fail_after(20):
            while True:
                while b"\n" not in self._buffer:
                    data = await self._process.stdout.receive_some()
                    assert data, f"the SDK ended before it told '{event}'"
                    self._buffer += data
                line, _, self._buffer = self._buffer.partition(b"\n")
                told = json.loads(line)
                if told["event"] == event:
                    return told

    async def stop(self) -> None:
        await self._process.stdin.send_all(b"stop\n")
        await self.hears("stopped")
        with trio.fail_after(20):
            assert await self._process.wait() == 0


@asynccontextmanager
async def sdk_bot():
    async with open_fake_telegram() as telegram, trio.open_nursery() as nursery:
        bot = telegram.bot(TOKEN, "judge_bot")
        command = [sys.executable, str(SCRIPT), telegram.address, TOKEN]
        process = await nursery.start(
            lambda task_status: trio.run_process(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, check=False, task_status=task_status
            )
        )
        sdk = SdkBot(process)
        assert (await sdk.hears("polling"))["username"] == "judge_bot"
        yield telegram, bot, sdk
        await sdk.stop()
        nursery.cancel_scope.cancel()


async def test_it_receives_replies_and_edits():
    async with sdk_bot() as (telegram, bot, _sdk):
        alice = telegram.user(7, "Alice")
        said = await alice.says(bot, "hello")
        reply = await bot.next_reply(alice)
        assert reply.reply_to is said
        await telegram.wait_until(lambda: reply.text == "final: hello")
        assert reply.edits == ["echo: hello"]


async def test_it_shows_a_keyboard_and_hears_of_a_pressed_button():
    async with sdk_bot() as (telegram, bot, _sdk):
        alice = telegram.user(7, "Alice")
        await alice.says(bot, "/start")
        question = await bot.next_reply(alice)
        assert (question.text, question.buttons) == ("Shall I?", (("Yes", "No"),))
        pressed = await alice.presses(question, "Yes")
        assert (await pressed.answer())["text"] == "noted"
        await telegram.wait_until(lambda: question.text == "You said y")


async def test_it_downloads_a_file_and_sends_one():
    async with sdk_bot() as (telegram, bot, _sdk):
        alice = telegram.user(7, "Alice")
        await alice.sends_document(bot, b"line\r\n\x00\xff", "notes.txt")
        reply = await bot.next_reply(alice)
        assert (reply.text, reply.files[0].name, reply.files[0].content) == (
            "notes.txt",
            "answer.txt",
            b"LINE\r\n\x00\xff",
        )


async def test_it_is_told_to_wait_and_for_how_long():
    async with sdk_bot() as (telegram, bot, _sdk):
        alice = telegram.user(7, "Alice")
        telegram.inject(FaultKind.TOO_MANY_REQUESTS, method="sendMessage", seconds=7)
        await alice.says(bot, "/flood")
        assert (await bot.next_reply(alice)).text == "waited 7"


async def test_it_sees_a_conflict_when_somebody_else_polls():
    async with sdk_bot() as (telegram, bot, sdk):
        await telegram.wait_until(lambda: bot.is_polling)
        async with Caller.open(telegram, TOKEN) as caller, trio.open_nursery() as nursery:
            nursery.start_soon(caller.get_updates_until_cancelled)
            assert (await sdk.hears("error"))["name"] == "Conflict"
            nursery.cancel_scope.cancel()


async def test_it_confirms_its_last_updates_when_it_stops():
    async with sdk_bot() as (telegram, bot, _sdk):
        await telegram.user(7, "Alice").says(bot, "hello")
        await bot.next_reply()
    assert bot.pending_updates == 0


async def test_it_understands_the_answers_to_its_calls():
    async with open_fake_telegram() as telegram:
        bot = telegram.bot(TOKEN, "judge_bot")
        bot.bot_state.queue.allow(["my_chat_member", "message_reaction", "message"])
        alice, bob = telegram.user(7, "Alice"), telegram.user(8, "Bob")
        await alice.reacts(await alice.says(bot, "hi"), "👍")
        await bob.blocks(bot)
        forum, group = telegram.supergroup("Forum", bot, forum=True), telegram.group("Friends", bot)
        new = await group.upgrades()
        arguments = [telegram.address, TOKEN, str(alice.id), str(forum.id), str(group.id)]
        with trio.fail_after(30):
            ran = await trio.run_process(
                [sys.executable, str(SCRIPT.with_name("sdk_calls.py")), *arguments], capture_stdout=True
            )
        assert json.loads(ran.stdout) == {
            "updates": ["message", "message_reaction", "my_chat_member"],
            "chat": ["Forum", True, "supergroup"],
            "topic": ["Plans", True],
            "album": 1,
            "photo": [2, "a_b"],
            "reaction": True,
            "action": True,
            "commands": ["help"],
            "webhook": "",
            "deleted": True,
            "migrated": new.id,
            "not found": "Chat not found",
            "blocked": "Forbidden: bot was blocked by the user",
        }
