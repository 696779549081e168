"""The wire formats against an emulator that is not ours, over real sockets."""

from __future__ import annotations

from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
import trio

from hermes_trio.home.config import (
    AgentConfig,
    FallbackConfig,
    ModelConfig,
    NetworkConfig,
    ProfileConfig,
    ProviderConfig,
)
from hermes_trio.home.secrets import Secrets
from hermes_trio.io.clock import SystemClock
from hermes_trio.io.files import FileCache
from hermes_trio.io.http_client import open_http
from hermes_trio.io.tls import SharedTls
from hermes_trio.io.workers import ThreadWorkers
from hermes_trio.models.events import Finish, ReasoningDelta, ReplayItem, TextDelta, ToolCallDelta, Usage
from hermes_trio.models.provider_gate import ProviderGate
from hermes_trio.models.request import ChatMessage, ModelRequest, ToolCall
from hermes_trio.models.stream import open_stream
from tests.e2e.emulator import running_emulator
from tests.models.rig import Journal, ask, collect, collect_until_failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from hermes_trio.scope import ProfileScope
    from tests.e2e.emulator import Emulator

PARTS = ("id", "name", "arguments")
TWO_CALLS = (
    ToolCall("call_a", "list_files", '{"path":"/tmp/some/longer/path"}'),
    ToolCall("call_b", "read_file", '{"path":"notes.txt"}'),
)
TOOL = {"type": "function", "function": {"name": "list_files", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(tmp_path_factory.mktemp("emulator") / "output.txt") as running:
        yield running


@pytest.fixture(params=["chat_completions", "codex_responses", "anthropic_messages"])
def mode(request: pytest.FixtureRequest) -> str:
    """Each of the wire formats."""
    return request.param


@asynccontextmanager
async def open_rig(
    emulator: Emulator, mode: str = "chat_completions", *, key: str = "", attempts: int = 1, **more: object
) -> AsyncIterator[ProfileScope]:
    """A scope with a real HTTP client and the emulator's model ``big``, with ``small`` to fall back to."""
    entry = ProviderConfig(
        "emulator",
        "emulator",
        base_url=emulator.base_url,
        api_key=key or emulator.key,
        api_mode=mode,
        extra_headers={"X-Test-Id": mode},  # the emulator counts repeated questions for each of them
        **more,
    )
    config = ProfileConfig(
        model=ModelConfig(name="big", provider="emulator"),
        providers=(entry,),
        fallback_providers=(FallbackConfig("emulator", "small"),),
        agent=AgentConfig(api_max_retries=attempts),
    )
    async with open_http(NetworkConfig(), SharedTls(ThreadWorkers())) as http:
        scope = SimpleNamespace(
            name="ada",
            config=config,
            secrets=Secrets({}),
            http=http,
            log=Journal(),
            clock=SystemClock(),
            shared=SimpleNamespace(jitter=lambda: 0.0, provider_gate=ProviderGate()),
            check_open=lambda: None,
            files=FileCache(ThreadWorkers(), trio.CapacityLimiter(1)),
        )
        yield cast("ProfileScope", scope)


def text_of(events) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_an_answer_streams_in_pieces(emulator, mode):
    async with open_rig(emulator, mode) as scope:
        events = await collect(scope, ask("plain"))
    assert text_of(events) == "Hello from the emulator, streamed in small pieces."
    assert sum(isinstance(event, TextDelta) for event in events) > 1
    assert events[-1] == Finish("stop")


async def test_usage_is_asked_for_and_told(emulator):
    async with open_rig(emulator) as scope:
        events = await collect(scope, ask("usage"))
    assert events[-2] == Usage(21, 4)


async def test_reasoning_is_not_text(emulator, mode):
    async with open_rig(emulator, mode) as scope:
        events = await collect(scope, ask("think"))
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "Six times seven."
    assert text_of(events) == "42"


def calls_of(events) -> tuple[ToolCall, ...]:
    """The tool calls of an answer."""
    pieces = [event for event in events if isinstance(event, ToolCallDelta)]
    count = max((piece.index for piece in pieces), default=-1) + 1
    return tuple(
        ToolCall(*("".join(getattr(piece, part) for piece in pieces if piece.index == index) for part in PARTS))
        for index in range(count)
    )


async def test_parallel_tool_calls(emulator, mode):
    async with open_rig(emulator, mode) as scope:
        events = await collect(scope, ModelRequest((ChatMessage("user", "tools"),), tools=(TOOL,)))
    assert calls_of(events) == TWO_CALLS
    assert events[-1] == Finish("tool_calls")


async def test_a_whole_session_with_tools(emulator, mode):
    async with open_rig(emulator, mode) as scope:
        asked = (ChatMessage("system", "You are Ada."), ChatMessage("user", "session"))
        first = await collect(scope, ModelRequest(asked, tools=(TOOL,)))
        said = ChatMessage("assistant", text_of(first), tool_calls=calls_of(first))
        results = (ChatMessage("tool", "notes.txt", tool_call_id="call_a"), ChatMessage("tool", "hi", (), "call_b"))
        second = await collect(scope, ModelRequest((*asked, said, *results), tools=(TOOL,)))
    assert (text_of(first), calls_of(first), first[-1]) == ("Let me look.", TWO_CALLS, Finish("tool_calls"))
    assert (text_of(second), second[-2:]) == ("There are two files.", [Usage(40, 5), Finish("stop")])


async def test_what_the_model_thought_before_a_tool_call_goes_back_to_it(emulator):
    async with open_rig(emulator, "anthropic_messages") as scope:
        asked = ChatMessage("user", "thoughtful")
        first = await collect(scope, ModelRequest((asked,), tools=(TOOL,)))
        replay = tuple(event for event in first if isinstance(event, ReplayItem))
        said = ChatMessage("assistant", None, tool_calls=calls_of(first), replay=replay)
        result = ChatMessage("tool", "notes.txt", tool_call_id="call_t")
        second = await collect(scope, ModelRequest((asked, said, result), tools=(TOOL,)))
    assert b"c2lnbmVk" in replay[0].data
    assert text_of(second) == "As I thought."


async def test_tool_arguments_that_are_no_json_are_handed_out_as_they_are_and_sent_back_as_json(emulator, mode):
    async with open_rig(emulator, mode) as scope:
        events = await collect(scope, ModelRequest((ChatMessage("user", "wrong arguments"),), tools=(TOOL,)))
        (call,) = calls_of(events)
        said = ChatMessage("assistant", None, tool_calls=(call,))
        result = ChatMessage("tool", "that was no JSON", tool_call_id=call.id)
        again = await collect(scope, ModelRequest((said, result, ChatMessage("user", "plain")), tools=(TOOL,)))
    assert (call.id, call.name) == ("call_w", "list_files")
    assert call.arguments == ("{}" if mode == "anthropic_messages" else '{"path": oops')  # the emulator mends it there
    assert text_of(again).startswith("Hello")


async def test_comments_that_keep_the_connection_alive_are_no_text(emulator):
    async with open_rig(emulator) as scope:
        assert text_of(await collect(scope, ask("comments"))) == "worth the wait"


async def test_a_wrong_key_is_refused_without_being_repeated(emulator, mode):
    async with open_rig(emulator, mode, key="wrong-key-0123456789") as scope:
        _, error = await collect_until_failure(scope, ask("plain"))
    assert (error.code, error.status, error.retryable) == ("model_unauthorized", 401, False)
    assert "wrong-key" not in str(error)


async def test_a_rate_limit_passes_after_the_time_the_provider_asked_for(emulator, mode):
    async with open_rig(emulator, mode, attempts=2) as scope:
        begun = trio.current_time()
        events = await collect(scope, ask("busy once"))
        waited = trio.current_time() - begun
    assert text_of(events) == "second time lucky"
    assert waited >= 1.0
    assert len(scope.log.lines) == 1


async def test_a_long_rate_limit_is_told_at_once(emulator, mode):
    async with open_rig(emulator, mode, attempts=3) as scope:
        begun = trio.current_time()
        _, error = await collect_until_failure(scope, ask("busy for long"))
        waited = trio.current_time() - begun
    assert (error.code, error.retry_after) == ("model_rate_limited", 600.0)
    assert waited < 1.0


async def test_a_conversation_that_is_too_long_is_recognised(emulator, mode):
    async with open_rig(emulator, mode) as scope:
        _, error = await collect_until_failure(scope, ask("too long"))
    assert error.code == "model_context_length"


async def test_the_fallback_answers(emulator, mode):
    async with open_rig(emulator, mode) as scope, open_stream(scope, ask("down")) as stream:
        events = [event async for batch in stream for event in batch]
    assert (text_of(events), stream.target.model) == ("the small one answers", "small")


async def test_a_stream_cut_in_the_middle_is_partial(emulator, mode):
    async with open_rig(emulator, mode, attempts=3) as scope:
        events, error = await collect_until_failure(scope, ask("truncated"))
    assert "this answer will never be told to its end".startswith(text_of(events))
    assert text_of(events)
    assert (error.code, error.partial) == ("model_interrupted", True)


async def test_a_stream_cut_by_a_lost_connection_is_partial(emulator, mode):
    async with open_rig(emulator, mode, attempts=3) as scope:
        events, error = await collect_until_failure(scope, ask("cut off"))
    assert "this answer is cut off by a lost connection, and nobody will ever know how it would have ended".startswith(
        text_of(events)
    )
    assert text_of(events)
    assert (error.code, error.partial) == ("model_interrupted", True)


async def test_an_overloaded_provider_is_told_from_a_broken_one(emulator, mode):
    async with open_rig(emulator, mode) as scope:
        _, error = await collect_until_failure(scope, ask("overloaded"))
    assert (error.code, error.status, error.retryable) == ("model_overloaded", 529, True)


async def test_a_dropped_request_is_a_passing_failure(emulator, mode):
    async with open_rig(emulator, mode) as scope:
        _, error = await collect_until_failure(scope, ask("dropped"))
    assert (error.code, error.retryable) == ("model_overloaded", True)


async def test_a_rate_limit_out_of_nowhere_says_how_long_it_lasts(emulator, mode):
    async with open_rig(emulator, mode) as scope:
        _, error = await collect_until_failure(scope, ask("chaotic limit"))
    assert (error.code, error.status) == ("model_rate_limited", 429)
    assert error.retry_after


async def test_a_body_that_is_no_json(emulator, mode):
    async with open_rig(emulator, mode) as scope:
        _, error = await collect_until_failure(scope, ask("malformed"))
    assert error.code == "model_bad_response"


async def test_a_provider_that_hangs_up(emulator, mode):
    async with open_rig(emulator, mode, attempts=2) as scope:
        _, error = await collect_until_failure(scope, ask("hang up"))
    assert (error.code, error.retryable, error.partial) == ("model_unreachable", True, False)


async def test_a_question_nobody_knows(emulator, mode):
    async with open_rig(emulator, mode) as scope:
        _, error = await collect_until_failure(scope, ask("something else"))
    assert (error.code, error.status) == ("model_bad_request", 404)


async def test_a_late_answer_times_out(emulator, mode):
    async with open_rig(emulator, mode, request_timeout_seconds=0.2) as scope:
        _, error = await collect_until_failure(scope, ask("late"))
    assert error.code == "model_timeout"


async def test_a_slow_stream_is_cancelled_at_once(emulator, mode):
    async with open_rig(emulator, mode) as scope:
        with trio.move_on_after(5):
            async with open_stream(scope, ask("slow")) as stream:
                await stream.__anext__()
                begun = trio.current_time()
        assert trio.current_time() - begun < 0.5


async def test_nobody_listens():
    from tests.e2e.emulator import Emulator
    from tests.e2e.process import free_port

    async with open_rig(Emulator(f"http://127.0.0.1:{free_port()}/v1")) as scope:
        _, error = await collect_until_failure(scope, ask("plain"))
    assert (error.code, error.retryable) == ("model_unreachable", True)


async def test_a_hundred_answers_at_once(emulator, mode):
    answers: list[str] = []

    async def one(scope: ProfileScope) -> None:
        answers.append(text_of(await collect(scope, ask("plain"))))

    async with open_rig(emulator, mode) as scope, trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(one, scope)
    assert set(answers) == {"Hello from the emulator, streamed in small pieces."}
    assert len(answers) == 100
