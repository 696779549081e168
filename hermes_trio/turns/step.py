"""One step of a turn: ask the model once, relay its answer while it comes, and gather it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from hermes_trio.errors import ModelError
from hermes_trio.models.events import Finish, ReasoningDelta, ReplayItem, TextDelta, ToolCallDelta, Usage
from hermes_trio.models.request import ToolCall
from hermes_trio.models.stream import open_stream
from hermes_trio.turns.events import TurnEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.models.events import ModelEvent
    from hermes_trio.models.request import ModelRequest
    from hermes_trio.models.target import ModelTarget
    from hermes_trio.scope import ProfileScope

Emit = Callable[[Sequence[TurnEvent]], Awaitable[None]]
"""Shows events to whoever waits for the answer; may wait for a slow reader, which slows the model down as well."""

GRACE_SECONDS = 1.0
"""An inactivity deadline is moved no more often than this."""


@dataclass(frozen=True, slots=True)
class Step:
    """A complete answer of the model.

    Attributes:
        text: What it said.
        reasoning: What it thought aloud.
        tool_calls: Tools it wants to use; none in a final answer.
        finish_reason: Why it stopped.
        usage: Tokens it took.
        target: Which model it was; a fallback may have stepped in.
        replay: What the provider wants to see again with the tool results; opaque.
    """

    text: str
    reasoning: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str
    usage: Usage
    target: ModelTarget
    replay: tuple[ReplayItem, ...] = ()


class Gathering:
    """Puts the events of one answer together."""

    __slots__ = ("_calls", "finish_reason", "reasoning", "replay", "text", "usage")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.replay: list[ReplayItem] = []
        self.usage = Usage()
        self.finish_reason = "stop"
        self._calls: dict[int, list[ToolCallDelta]] = {}

    def start_over(self) -> None:
        """Forget an attempt that failed after it had reasoned; one that said something is never repeated."""
        self.reasoning.clear()
        self.replay.clear()
        self.usage = Usage()

    def add(self, events: Sequence[ModelEvent]) -> list[TurnEvent]:
        """Take in events that came together; returns those the reader gets to see."""
        visible: list[TurnEvent] = []
        for event in events:
            if type(event) is TextDelta:
                self.text.append(event.text)
                visible.append(event)
            elif type(event) is ReasoningDelta:
                self.reasoning.append(event.text)
                visible.append(event)
            else:
                self._add_rare(event)
        return visible

    def tool_calls(self) -> Iterator[ToolCall]:
        """The tool calls, in the order the model made them."""
        for _, pieces in sorted(self._calls.items()):
            call_id = next((piece.id for piece in pieces if piece.id), "")
            name = next((piece.name for piece in pieces if piece.name), "")
            yield ToolCall(call_id, name, "".join(piece.arguments for piece in pieces))

    def _add_rare(self, event: ModelEvent) -> None:
        if isinstance(event, ToolCallDelta):
            self._calls.setdefault(event.index, []).append(event)
        elif isinstance(event, ReplayItem):
            self.replay.append(event)
        elif isinstance(event, Usage):
            self.usage = event
        elif isinstance(event, Finish):
            self.finish_reason = event.reason


class Patience:
    """An inactivity limit: gives up when nothing happens for ``seconds``, however long the whole takes.

    Use it as ``with patience.scope:`` and tell it of every sign of life.

    Args:
        seconds: The limit; it may take up to `GRACE_SECONDS` longer. 0 or less waits for ever.

    Attributes:
        last_alive: When the last sign of life came, in trio's time.
    """

    __slots__ = ("_moved", "_seconds", "last_alive", "scope", "text_shown")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds if seconds > 0 else float("inf")
        self._moved = self.last_alive = trio.current_time()
        self.scope = trio.CancelScope(deadline=self._moved + self._seconds + GRACE_SECONDS)
        self.text_shown = False

    def alive(self) -> None:
        """Something happened."""
        self.last_alive = now = trio.current_time()
        # Moving a deadline costs more than looking at the clock, and events come thousands a second.
        if now - self._moved >= GRACE_SECONDS:
            self._moved = now
            self.scope.deadline = now + self._seconds + GRACE_SECONDS

    def error(self, scope: ProfileScope) -> ModelError:
        """The error to raise when patience ran out."""
        return ModelError(
            f"nothing happened for {self._seconds:g} s",
            code="model_timeout",
            profile=scope.name,
            where="agent.gateway_timeout",
            mend="try again, or raise agent.gateway_timeout in config.yaml if the model needs longer",
            retryable=True,
            partial=self.text_shown,
        )


async def run_step(scope: ProfileScope, request: ModelRequest, emit: Emit, patience: Patience) -> Step:
    """Ask the model once and relay its answer.

    Raises:
        ModelError: The model failed, after the retries and fallbacks that were possible.
    """
    gathering, attempt = Gathering(), 1
    async with open_stream(scope, request) as stream:
        async for events in stream:
            if stream.attempts != attempt:
                attempt = stream.attempts
                gathering.start_over()
            visible = gathering.add(events)
            patience.alive()
            if visible:
                await emit(visible)
                patience.text_shown = True
                patience.alive()
        target = stream.target
    return Step(
        text="".join(gathering.text),
        reasoning="".join(gathering.reasoning),
        tool_calls=tuple(gathering.tool_calls()),
        finish_reason=gathering.finish_reason,
        usage=gathering.usage,
        target=target,
        replay=tuple(gathering.replay),
    )


def add_usage(one: Usage, other: Usage) -> Usage:
    """Tokens of two answers together."""
    return Usage(
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        cache_read_tokens=one.cache_read_tokens + other.cache_read_tokens,
        cache_write_tokens=one.cache_write_tokens + other.cache_write_tokens,
        reasoning_tokens=one.reasoning_tokens + other.reasoning_tokens,
    )
