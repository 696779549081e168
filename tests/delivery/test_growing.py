"""An answer that grows in the chat."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_trio.adapter_api.errors import MarkupRefused, RateLimited, Unreachable
from hermes_trio.delivery.growing import STOP_SECONDS, GrowingSettings, open_growing_message
from hermes_trio.delivery.markdown import parse_markdown
from hermes_trio.delivery.measure import text_length
from hermes_trio.delivery.plain import plain_text
from hermes_trio.home.chat_config import StreamingConfig
from tests.delivery.chat import HERE, Chat
from tests.delivery.markup import capabilities

ABLE = capabilities(edits=True, deletes=True)
STREAMING = StreamingConfig(enabled=True, edit_interval=1.0)


@pytest.fixture
def chat():
    return Chat()


@pytest.fixture
def grow(ada, chat):
    @asynccontextmanager
    async def grow(able=ABLE, streaming=STREAMING, **other):
        async with open_growing_message(ada, chat, HERE, able, GrowingSettings(streaming, **other)) as growing:
            yield growing

    return grow


async def write(growing, text, seconds_each=0.05):
    for word in text.split(" "):
        growing.add(word + " ")
        await trio.sleep(seconds_each)


async def test_the_first_words_appear_at_once_with_a_cursor(grow, chat, autojump_clock):
    async with grow() as growing:
        growing.add("Hello")
        await trio.sleep(0.01)
        assert chat.texts == ["Hello ▉"]


async def test_edits_keep_their_interval(grow, chat, autojump_clock):
    async with grow(streaming=replace(STREAMING, buffer_threshold=10_000)) as growing:
        await write(growing, "word " * 100)
    times = [*chat.times("send"), *chat.times("edit")]
    assert all(later - earlier >= 0.999 for earlier, later in pairwise(times[:-1]))
    assert len(times) >= 5


async def test_much_new_text_halves_the_interval(grow, chat, autojump_clock):
    async with grow(streaming=replace(STREAMING, buffer_threshold=10)) as growing:
        await write(growing, "word " * 100)
    assert 9 <= len(chat.times("edit")) <= 12


async def test_a_slow_platform_makes_edits_rarer_and_the_turn_no_slower(grow, chat, autojump_clock):
    chat.seconds = 4
    async with grow() as growing:
        started = trio.current_time()
        await write(growing, "word " * 100)
        assert trio.current_time() - started == pytest.approx(5.05, abs=0.2)
        assert len(chat.calls) == 2
        assert chat.texts[0].count("word") > 0


async def test_a_tool_call_ends_a_message_and_the_next_text_begins_another(grow, chat, autojump_clock):
    async with grow() as growing:
        await write(growing, "Let me look.")
        growing.boundary()
        await trio.sleep(3)
        await write(growing, "Found it.")
        assert await growing.stop() == (list(chat.messages)[1],)
    assert chat.texts == ["Let me look.", "Found ▉"]


async def test_text_between_tool_calls_disappears_where_the_settings_say_so(grow, chat, autojump_clock):
    async with grow(keeps_interim=False) as growing:
        await write(growing, "Let me look.")
        growing.boundary()
        await trio.sleep(3)
        assert chat.messages == {}
        growing.add("Found it.")
        await trio.sleep(3)
        await growing.stop()
    assert chat.texts == ["Found it. ▉"]


async def test_boundaries_without_text_show_nothing(grow, chat, autojump_clock):
    async with grow() as growing:
        for _ in range(50):
            growing.boundary()
        await growing.stop()
    assert chat.calls == []


async def test_many_passages_at_once_lose_no_text(grow, chat, autojump_clock):
    async with grow() as growing:
        for number in range(30):
            growing.add(f"text{number}")
            growing.boundary()
        await growing.stop()
    assert " ".join(chat.texts).split() == [f"text{number}" for number in range(30)]


async def test_a_long_answer_goes_on_in_new_messages(grow, chat, autojump_clock):
    text = "\n".join(f"line {number} with **words**" for number in range(60))
    able = capabilities(400, edits=True, deletes=True, numbers_parts=True)
    async with grow(able) as growing:
        for line in text.splitlines(keepends=True):
            growing.add(line)
            await trio.sleep(0.4)
        assert len(chat.messages) > 3
        assert all(shown.endswith("words") for shown in chat.texts[:-1])
        await trio.sleep(5)
        assert await growing.stop() == tuple(chat.messages)
    assert "\n".join(chat.texts) == plain_text(parse_markdown(text)) + " ▉"


async def test_a_block_of_code_goes_on_as_code_in_the_next_message(grow, chat, autojump_clock):
    able = capabilities(400, edits=True)
    async with grow(able) as growing:
        growing.add("```python\n")
        for number in range(60):
            growing.add(f"x = {number}\n")
            await trio.sleep(0.4)
        assert len(chat.messages) > 1
        assert all(message.formatted.startswith('<pre lang="python">') for message in chat.messages.values())


async def test_thinking_and_tags_of_files_are_not_shown(grow, chat, autojump_clock):
    async with grow() as growing:
        await write(growing, "<think>secret plan</think>Here: MEDIA:/secret/a.png")
        await trio.sleep(5)
    assert chat.calls
    assert not any("secret" in what or "MEDIA" in what or "think" in what for _, _, what in chat.calls)


async def test_what_may_become_silence_is_not_shown(grow, chat, autojump_clock):
    async with grow() as growing:
        await write(growing, "NO REPLY")
        await growing.stop()
    assert chat.calls == []


async def test_flood_control_is_waited_for(grow, chat, autojump_clock):
    chat.failures = [None, RateLimited("slow", retry_after=7)]
    async with grow() as growing:
        await write(growing, "word " * 300)
    times = [at for at, _, _ in chat.calls]
    assert times[2] - times[1] >= 7


async def test_after_three_failures_nothing_changes_until_the_end(grow, chat, autojump_clock):
    chat.failures = [None, *[RateLimited("slow", retry_after=1)] * 3]
    async with grow() as growing:
        await write(growing, "word " * 900)
        assert len(chat.calls) == 4
        assert await growing.stop() == tuple(chat.messages)
        assert len(chat.calls) == 4


async def test_refused_markup_is_shown_plain(grow, chat, autojump_clock):
    chat.failures = [MarkupRefused("cannot parse")]
    async with grow() as growing:
        growing.add("**Hello**")
        await trio.sleep(0.01)
        (message,) = chat.messages.values()
        assert message.formatted is None


async def test_an_interrupted_answer_loses_its_cursor(grow, chat, autojump_clock):
    with trio.move_on_after(2):
        async with grow() as growing:
            growing.add("Hello")
            await trio.sleep_forever()
    assert chat.texts == ["Hello"]


async def test_an_error_of_the_turn_stays_itself(grow, autojump_clock):
    with pytest.raises(KeyError):
        async with grow():
            raise KeyError("x")


async def test_without_edits_nothing_is_shown_before_the_end(grow, chat, autojump_clock):
    async with grow(capabilities(edits=False)) as growing:
        await write(growing, "word " * 10)
        assert await growing.stop() == ()
    assert chat.calls == []


async def test_only_the_first_message_quotes_the_question_and_rings(grow, chat, autojump_clock):
    async with grow(capabilities(300, edits=True), reply_to="7") as growing:
        await write(growing, "word " * 200)
        first, *others = chat.messages.values()
        assert (first.reply_to, first.silent) == ("7", False)
        assert {(message.reply_to, message.silent) for message in others} == {(None, True)}


async def test_a_platform_that_hangs_holds_up_the_end_only_so_long(grow, chat, autojump_clock):
    async with grow() as growing:
        growing.add("Hello")
        chat.seconds = 10_000
        await trio.sleep(1)
        started = trio.current_time()
        assert await growing.stop() == ()
        assert trio.current_time() - started <= STOP_SECONDS + 0.1


async def test_nothing_is_changed_after_the_stop(grow, chat, autojump_clock):
    async with grow() as growing:
        growing.add("Hello")
        await growing.stop()
        calls = len(chat.calls)
        growing.add(" there")
        await trio.sleep(10)
        assert len(chat.calls) == calls


async def test_an_answer_gets_old_where_the_settings_say_so(grow, chat, autojump_clock):
    async with grow(streaming=replace(STREAMING, fresh_final_after_seconds=10)) as growing:
        growing.add("Hello")
        await trio.sleep(5)
        assert not growing.is_old
        await trio.sleep(6)
        assert growing.is_old


FAILURES = st.sampled_from([None, None, RateLimited("slow", retry_after=2), Unreachable("x"), MarkupRefused("x")])
PIECES = st.sampled_from(["word ", "**bold** ", "\n\n", "```\n", "<think>", "</think>", "MEDIA:/a.png ", "|"])


@settings(max_examples=25)
@given(st.lists(PIECES, max_size=60), st.lists(FAILURES, max_size=10), st.sampled_from([0.0, 0.3, 5.0]))
def test_whatever_happens_every_message_in_the_chat_is_handed_over(pieces, failures, seconds):
    able = capabilities(300, edits=True, deletes=True, numbers_parts=True)

    async def main():
        chat = Chat(seconds, list(failures))
        scope = SimpleNamespace(name="ada", generation=1)
        async with open_growing_message(scope, chat, HERE, able, GrowingSettings(STREAMING)) as growing:
            for piece in pieces:
                growing.add(piece)
                await trio.sleep(0.1)
            assert await growing.stop() == tuple(chat.messages)
        assert all(text_length(message.formatted or "", able.text_unit) <= 300 for message in chat.messages.values())

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
