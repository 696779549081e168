"""What hooks are told of the model's work in a turn, and what they may add to its question or make of its answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from hermes_trio.errors import ModelError
from hermes_trio.models.events import TextDelta
from hermes_trio.tools.hook_events import BEFORE_MODEL
from hermes_trio.turns.events import ToolStarted
from hermes_trio.turns.opening import first_target
from hermes_trio.turns.step import run_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.models.request import ChatMessage, ModelRequest
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.hooks import Hooks
    from hermes_trio.tools.tool_turn import ToolTurn
    from hermes_trio.turns.events import TurnEvent
    from hermes_trio.turns.request import TurnRequest
    from hermes_trio.turns.step import Emit, Patience, Step

TRANSFORM_ANSWER: Final = "transform_llm_output"
AFTER_MODEL: Final = "post_llm_call"
BEFORE_REQUEST: Final = "pre_api_request"
AFTER_REQUEST: Final = "post_api_request"
REQUEST_FAILED: Final = "api_request_error"


async def ask_for_context(
    scope: ProfileScope, hooks: Hooks, request: TurnRequest, message: str, *, is_first: bool
) -> str:
    """What hooks want the model to know when it reads the user's message; empty for nothing.

    Args:
        scope: The profile.
        hooks: Its hooks, of which one listens.
        request: What the turn is asked.
        message: The user's message.
        is_first: Whether the conversation begins with it.
    """
    context = {
        **_turn_context(request, first_target(scope, request.route).model),
        "user_message": message,
        "is_first_turn": is_first,
    }
    return "\n\n".join((await hooks.tell(BEFORE_MODEL, context)).context)


def with_context(messages: Sequence[ChatMessage], context: str) -> tuple[ChatMessage, ...]:
    """The messages with a text at the end of what the user has asked; one said into the work is not that."""
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if message.role == "user" and not message.is_aside:
            return (*messages[:index], _extended(message, context), *messages[index + 1 :])
    return tuple(messages)


def _extended(message: ChatMessage, context: str) -> ChatMessage:
    content = message.content
    if content is None or isinstance(content, str):
        return replace(message, content=f"{content or ''}\n\n{context}")
    return replace(message, content=(*content, {"type": "text", "text": context}))


class HeldAnswer:
    """Keeps from the reader what hooks may still change: the text since the last tool call.

    Args:
        emit: Shows events to the reader.
    """

    __slots__ = ("_emit", "_held")

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._held: list[TurnEvent] = []

    async def __call__(self, events: Sequence[TurnEvent]) -> None:
        """Show events, but for text; before a tool begins, what was said before it, which is no answer."""
        visible: list[TurnEvent] = []
        for event in events:
            if isinstance(event, TextDelta):
                self._held.append(event)
                continue
            if isinstance(event, ToolStarted):
                visible += self._held
                self._held.clear()
            visible.append(event)
        if visible:
            await self._emit(visible)

    async def release(self, text: str) -> None:
        """Show the answer."""
        self._held.clear()
        if text:
            await self._emit([TextDelta(text)])


async def transform_answer(hooks: Hooks, request: TurnRequest, step: Step) -> str:
    """What the hooks make of the model's answer; the answer itself if they say nothing."""
    context = {**_turn_context(request, step.target.model), "response_text": step.text}
    text = (await hooks.tell(TRANSFORM_ANSWER, context)).text
    return step.text if text is None else text


async def tell_model_answered(hooks: Hooks, request: TurnRequest, message: str, step: Step) -> None:
    """The model has come to its answer, and it is stored."""
    if hooks.listens(AFTER_MODEL):
        context = {
            **_turn_context(request, step.target.model),
            "user_message": message,
            "assistant_response": step.text,
        }
        await hooks.tell(AFTER_MODEL, context)


def hears_of_requests(hooks: Hooks) -> bool:
    """Tell whether any hook wants to hear of requests to models."""
    return any(map(hooks.listens, (BEFORE_REQUEST, AFTER_REQUEST, REQUEST_FAILED)))


async def run_told_step(
    scope: ProfileScope, turn: ToolTurn, request: ModelRequest, emit: Emit, patience: Patience, number: int
) -> Step:
    """Do what `run_step` does, and tell hooks before and after it. Retries and fallbacks are part of one request.

    Args:
        scope: The profile.
        turn: The turn, of a child as well.
        request: What the model is asked.
        emit: As for `run_step`.
        patience: Goes on when hooks have run.
        number: How often the model is asked with it.

    Raises:
        ModelError: As `run_step`.
    """
    target = first_target(scope, request.route)
    known: dict[str, object] = {
        "turn_id": turn.turn_id,
        "session_id": turn.session_id,
        "platform": turn.platform,
        "model": target.model,
        "provider": target.provider,
        "api_mode": target.api_mode,
        "api_call_count": number,
        "message_count": len(request.messages),
        "tool_count": len(request.tools),
    }
    await _tell(turn, BEFORE_REQUEST, known, patience)
    begun = trio.current_time()
    try:
        step = await run_step(scope, request, emit, patience)
    except ModelError as error:
        seconds = trio.current_time() - begun
        failure = {"error_code": error.code, "error": str(error), "retryable": error.retryable}
        await _tell(turn, REQUEST_FAILED, {**known, "api_duration": seconds, **failure}, patience)
        raise
    seconds = trio.current_time() - begun
    await _tell(turn, AFTER_REQUEST, {**known, "api_duration": seconds, **_outcome(step)}, patience)
    return step


async def _tell(turn: ToolTurn, event: str, context: dict[str, object], patience: Patience) -> None:
    if turn.workplace.hooks.listens(event):
        await turn.workplace.hooks.tell(event, context)
        patience.alive()


def _outcome(step: Step) -> dict[str, object]:
    return {
        "model": step.target.model,
        "provider": step.target.provider,
        "api_mode": step.target.api_mode,
        "finish_reason": step.finish_reason,
        "usage": msgspec.structs.asdict(step.usage),
        "assistant_content_chars": len(step.text),
        "assistant_tool_call_count": len(step.tool_calls),
    }


def _turn_context(request: TurnRequest, model: str) -> dict[str, object]:
    return {
        "turn_id": request.turn_id,
        "session_id": request.session_id,
        "platform": request.source,
        "user_id": request.user_id,
        "model": model,
    }
