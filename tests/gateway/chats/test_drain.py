"""An orderly end finds turns in every state: what people see running is answered first, the rest by the next start."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.gateway import chat_turn
from hermes_trio.gateway.views import turn_reports
from tests.gateway.chats.rig import Bot, open_home

ANSWER = "Ada here. You said: hello"


@pytest.fixture
def slow_begin(monkeypatch):
    """Turns need so many seconds before they ask the model."""

    def slow_down(seconds: float) -> None:
        find_session = chat_turn.get_or_create

        async def slow(*args, **options):
            await trio.sleep(seconds)
            return await find_session(*args, **options)

        monkeypatch.setattr(chat_turn, "get_or_create", slow)

    return slow_down


async def shown(chats, of="ada"):
    """Wait until the status shows a turn."""
    await chats.until(lambda: turn_reports(chats.gateway.slot(of).runtime.chats))


async def test_a_turn_is_drained_from_the_moment_on_in_which_it_is_shown(tmp_path, autojump_clock, slow_begin):
    slow_begin(2)
    async with open_home(tmp_path, ada=Bot()) as chats, chats.serving() as gateway:
        await chats.say("hello")
        await shown(chats)
        assert gateway.gateway.capacity.running() == 0
        await gateway.gateway.drain()
        assert chats.texts() == [ANSWER]
        assert chats.inbox() == ["done"]
        assert gateway.slot("ada").runtime.chats.lanes.find("ada", "agent:ada:telegram:dm:1001") is None


async def test_a_turn_that_takes_too_long_to_begin_is_left_to_the_next_start(tmp_path, autojump_clock, slow_begin):
    config = {"agent": {"restart_drain_timeout": 5}}
    async with open_home(tmp_path, ada=Bot(config)) as chats, chats.serving() as gateway:
        slow_begin(1000)
        await chats.say("hello")
        await shown(chats)
        with trio.fail_after(6):
            await gateway.gateway.drain()
        assert chats.inbox() == ["accepted"]
        assert chats.rows("ada", "SELECT attempts, last_error FROM trio_inbox") == [(0, "interrupted")]


async def test_what_waits_for_more_pieces_is_left_to_the_next_start(tmp_path, autojump_clock):
    async with open_home(tmp_path, ada=Bot({"continuation_seconds": 3})) as chats:
        async with chats.serving() as gateway:
            await chats.say("hello")
            await chats.until(lambda: chats.inbox() == ["accepted"])
            begun = trio.current_time()
            await gateway.gateway.drain()
            assert trio.current_time() - begun < 5
            assert chats.inbox() == ["accepted"]
            assert chats.texts() == []
        async with chats.serving():
            assert (await chats.reply()).text == ANSWER


async def test_a_turn_that_waits_for_a_seat_holds_up_no_drain(tmp_path, autojump_clock):
    config = {"max_concurrent_sessions": 1}
    async with open_home(tmp_path, ada=Bot(config)) as chats:
        async with chats.serving() as gateway:
            await chats.say("!sleep 4")
            await shown(chats)
            await chats.until(lambda: gateway.gateway.capacity.running() == 1)
            for person in (chats.bob, chats.telegram.user(1003, "Carol")):
                await chats.say("hello", by=person)
            await chats.until(lambda: len(turn_reports(gateway.slot("ada").runtime.chats)) == 3)
            begun = trio.current_time()
            await gateway.gateway.drain()
            assert trio.current_time() - begun < 5
            assert chats.inbox() == ["done", "accepted", "accepted"]
        async with chats.serving():
            assert (await chats.reply(by=chats.bob)).text == ANSWER
