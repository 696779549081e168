"""The builtin model does what its script table says."""

from __future__ import annotations

import hashlib

import pytest
import trio

from hermes_trio.errors import ModelError
from hermes_trio.home.config import FallbackConfig, ModelConfig
from hermes_trio.models.echo import FLOOD_BATCH, NAMELESS, find_persona
from hermes_trio.models.events import Finish, ReasoningDelta, TextDelta, Usage
from hermes_trio.models.request import ChatMessage, ModelRequest
from hermes_trio.models.stream import open_stream
from tests.models.rig import ask, collect, collect_until_failure, make_scope

ECHO = ModelConfig(name="builtin/echo")


async def answer(text: str, *, system: str = "You are Ada.", earlier: tuple[ChatMessage, ...] = ()) -> str:
    messages = (ChatMessage("system", system), *earlier, ChatMessage("user", text))
    events = await collect(make_scope(ECHO), ModelRequest(messages))
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@pytest.mark.parametrize(
    ("system", "name"),
    [
        ("You are Ada.", "Ada"),
        ("You are Ada Lovelace, a mathematician.", "Ada Lovelace"),
        ("# Ada\nYou are a helpful assistant.", "Ada"),
        ("# 🤖 Ada, the coder", "Ada"),
        ("# Ada - the coder", "Ada"),
        ("# Soul\n\nYou are **Ada**.", "Ada"),
        ("Hello. From now on you are called Ada!", "Ada"),
        ("You are a helpful assistant.", NAMELESS),
        ("", NAMELESS),
        ("x" * 5000 + "\nYou are Ada.", NAMELESS),
        ("You are Ada.\n\n# Memory\nYou are Bob.", "Ada"),
    ],
)
def test_the_persona_s_name_is_in_the_system_prompt(system, name):
    assert find_persona(system) == name


async def test_it_answers_in_the_persona_s_name_and_repeats_the_message():
    assert await answer("hello") == "Ada here. You said: hello"
    assert await answer("hello", system="# Bob") == "Bob here. You said: hello"


async def test_it_says_something_to_nothing():
    assert await answer("  ") == "Ada here. You said nothing."
    assert await collect(make_scope(ECHO), ModelRequest(()))


async def test_the_answer_comes_word_by_word_and_ends_with_usage_and_finish():
    async with open_stream(make_scope(ECHO), ask("one two")) as stream:
        batches = [list(batch) async for batch in stream]
    assert batches[:4] == [[TextDelta("Ada ")], [TextDelta("here. ")], [TextDelta("You ")], [TextDelta("said: ")]]
    assert batches[-1] == [TextDelta("two"), Usage(5, 6), Finish("stop")]
    assert stream.target.provider == "builtin"


async def test_the_same_question_has_the_same_answer():
    assert await collect(make_scope(ECHO)) == await collect(make_scope(ECHO))


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("!say good  morning", "good  morning"),
        ("!say two\nlines", "two\nlines"),
        ("!persona", "Ada"),
        ("!model", "builtin/echo"),
        ("!system text", "You are Ada."),
        ("!usage", "1 words in 1 messages"),
        ("!tokens 3", "1 2 3 "),
        ("!tokens", ""),
        ("!unknown thing", "Ada here. You said: !unknown thing"),
        ("so !say no", "Ada here. You said: so !say no"),
        ("!", "Ada here. You said: !"),
    ],
)
async def test_a_message_can_script_the_answer(text, reply):
    assert await answer(text) == reply


async def test_system_tells_size_and_digest_of_the_prompt():
    digest = hashlib.sha256(b"You are Ada.").hexdigest()[:16]
    assert await answer("!system") == f"12 characters, sha256 {digest}"


async def test_history_tells_what_came_before():
    earlier = (ChatMessage("user", "my name is Bo"), ChatMessage("assistant", "hi"))
    assert await answer("!history", earlier=earlier) == "2 messages before this one, the first was: my name is Bo"
    assert await answer("!history") == "0 messages before this one"


async def test_parts_of_a_message_are_read_as_text():
    parts = ({"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:"}})
    events = await collect(make_scope(ECHO), ModelRequest((ChatMessage("user", parts),)))
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Echo here. You said: look"


async def test_think_reasons_first():
    events = await collect(make_scope(ECHO), ask("!think deep thoughts"))
    assert events[0] == ReasoningDelta("deep thoughts")
    assert isinstance(events[1], TextDelta)


async def test_sleep_waits_before_the_first_word(autojump_clock):
    begun = trio.current_time()
    await answer("!sleep 40")
    assert trio.current_time() - begun == pytest.approx(40)


async def test_tokens_can_be_paced(autojump_clock):
    begun = trio.current_time()
    assert await answer("!tokens 5 1000") == "1 2 3 4 5 "
    assert trio.current_time() - begun == pytest.approx(4)


async def test_a_flood_comes_in_larger_batches():
    async with open_stream(make_scope(ECHO), ask("!tokens 100")) as stream:
        batches = [list(batch) async for batch in stream]
    assert len(batches[0]) == FLOOD_BATCH
    assert sum(isinstance(event, TextDelta) for batch in batches for event in batch) == 100


async def test_a_failure_goes_the_way_of_a_provider_s_failure(autojump_clock):
    scope = make_scope(ECHO, attempts=3)
    begun = trio.current_time()
    with pytest.raises(ModelError) as caught:
        await collect(scope, ask("!fail 429 10"))
    error = caught.value
    assert (error.code, error.status, error.retry_after, error.profile) == ("model_rate_limited", 429, 10.0, "ada")
    assert trio.current_time() - begun == pytest.approx(20)  # asked three times


async def test_a_failure_can_fall_back(autojump_clock):
    scope = make_scope(
        ModelConfig(name="builtin/echo"), attempts=1, fallbacks=(FallbackConfig("custom", "m", "https://x.test/v1"),)
    )
    with pytest.raises(AssertionError, match="no request was expected"):
        await collect(scope, ask("!fail 503"))


async def test_drop_breaks_off_in_the_middle():
    said, error = await collect_until_failure(make_scope(ECHO), ask("!drop one two three four"))
    assert said == [TextDelta("one "), TextDelta("two ")]
    assert (error.code, error.partial) == ("model_interrupted", True)


async def test_hang_never_answers_until_the_deadline(autojump_clock):
    with pytest.raises(ModelError) as caught:
        await collect(make_scope(ECHO, attempts=1), ask("!hang"))
    assert caught.value.code == "model_timeout"
    assert trio.current_time() >= 120


async def test_it_can_be_cancelled_at_any_word():
    with trio.CancelScope() as cancelling:
        async with open_stream(make_scope(ECHO), ask("!tokens 100000")) as stream:
            async for _batch in stream:
                cancelling.cancel()
    assert cancelling.cancelled_caught
