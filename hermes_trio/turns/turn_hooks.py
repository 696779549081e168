"""What hooks are told of a session and its turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.turns.place import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.tools.calling import ToolResult
    from hermes_trio.tools.hooks import Hooks
    from hermes_trio.tools.tool_turn import ToolTurn
    from hermes_trio.turns.request import TurnRequest, TurnResult

LONGEST_TEXT: Final = 500
TURN_END: Final = "on_session_end"
SESSION_FINALIZE: Final = "on_session_finalize"
SESSION_RESET: Final = "on_session_reset"
#: Whoever interrupts a turn does not wait longer for its hooks.
INTERRUPTED_SECONDS: Final = 2.0


async def tell_session_start(hooks: Hooks, request: TurnRequest, model: str) -> None:
    """A conversation that was not known has begun."""
    if hooks.listens("on_session_start"):
        await hooks.tell("on_session_start", {**_keys(request), "model": model})
    if hooks.listens("session:start"):
        keys = {"platform": request.source, "user_id": request.user_id, "session_key": request.session_key}
        await hooks.fire("session:start", {**keys, "session_id": request.session_id})


async def tell_turn_end(hooks: Hooks, request: TurnRequest, result: TurnResult | None, *, interrupted: bool) -> None:
    """A turn has ended, one way or another.

    Args:
        hooks: The profile's, of which one listens.
        request: What was asked.
        result: What came of it, or None.
        interrupted: Whether it was cancelled.

    Cancellation: if the turn was interrupted, the hooks have 2 s in spite of it.
    """
    context = {
        **_keys(request),
        "model": result.model if result is not None else "",
        "completed": result is not None,
        "interrupted": interrupted,
    }
    with trio.move_on_after(INTERRUPTED_SECONDS if interrupted else float("inf"), shield=interrupted):
        await hooks.tell(TURN_END, context)


async def tell_of_session_id(
    hooks: Hooks, event: str, *, session_id: str, platform: str, user_id: str, session_key: str
) -> None:
    """Say which session does not go on (`SESSION_FINALIZE`), or takes the place of one that does not."""
    if hooks.listens(event):
        keys = {"session_id": session_id, "platform": platform, "user_id": user_id, "session_key": session_key}
        await hooks.tell(event, keys)


async def tell_session_end(hooks: Hooks, *, platform: str, user_id: str, session_key: str) -> None:
    """A conversation has ended."""
    await _tell_of_session(hooks, "session:end", platform, user_id, session_key)


async def tell_session_reset(hooks: Hooks, *, platform: str, user_id: str, session_key: str) -> None:
    """The user has begun a conversation anew."""
    await _tell_of_session(hooks, "session:reset", platform, user_id, session_key)


async def _tell_of_session(hooks: Hooks, event: str, platform: str, user_id: str, session_key: str) -> None:
    if hooks.listens(event):
        await hooks.fire(event, {"platform": platform, "user_id": user_id, "session_key": session_key})


async def tell_agent_start(hooks: Hooks, request: TurnRequest, message: str) -> None:
    """The agent begins to answer."""
    if hooks.listens("agent:start"):
        await hooks.fire("agent:start", _context(request, message))


async def tell_agent_step(turn: ToolTurn, iteration: int, results: Sequence[ToolResult]) -> None:
    """The agent has used tools.

    Args:
        turn: The turn.
        iteration: How often the model has answered in it.
        results: What the tools gave.
    """
    hooks = turn.workplace.hooks
    if hooks.listens("agent:step"):
        context: dict[str, object] = {
            "platform": turn.platform,
            "user_id": turn.user_id,
            "session_id": turn.session_id,
            "iteration": iteration,
            "tool_names": [one.name for one in results],
            "tools": [{"name": one.name, "result": one.text[:LONGEST_TEXT]} for one in results],
        }
        await hooks.fire("agent:step", context)


async def tell_agent_end(hooks: Hooks, request: TurnRequest, message: str, response: str) -> None:
    """The agent has answered."""
    if hooks.listens("agent:end"):
        await hooks.fire("agent:end", {**_context(request, message), "response": response[:LONGEST_TEXT]})


def _keys(request: TurnRequest) -> dict[str, object]:
    return {
        "turn_id": request.turn_id,
        "session_id": request.session_id,
        "session_key": request.session_key,
        "platform": request.source,
        "user_id": request.user_id,
    }


def _context(request: TurnRequest, message: str) -> dict[str, object]:
    place = request.place or NOWHERE
    return {
        "platform": request.source,
        "user_id": request.user_id,
        "chat_id": place.chat_id or request.session_id,
        "thread_id": place.thread_id,
        "chat_type": place.chat_type or "dm",
        "session_id": request.session_id,
        "message": message[:LONGEST_TEXT],
    }
