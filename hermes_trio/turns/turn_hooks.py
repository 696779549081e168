"""What hooks are told of a turn: its session, its begin, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hermes_trio.tools.hooks import Hooks
    from hermes_trio.turns.turn import TurnRequest

LONGEST_TEXT: Final = 500


async def tell_session_start(hooks: Hooks, request: TurnRequest) -> None:
    """A conversation that was not known has begun."""
    if hooks.listens("session:start"):
        keys = {"platform": request.source, "user_id": request.user_id, "session_key": request.session_key}
        await hooks.fire("session:start", {**keys, "session_id": request.session_id})


async def tell_agent_start(hooks: Hooks, request: TurnRequest, message: str) -> None:
    """The agent begins to answer."""
    if hooks.listens("agent:start"):
        await hooks.fire("agent:start", _context(request, message))


async def tell_agent_end(hooks: Hooks, request: TurnRequest, message: str, response: str) -> None:
    """The agent has answered."""
    if hooks.listens("agent:end"):
        await hooks.fire("agent:end", {**_context(request, message), "response": response[:LONGEST_TEXT]})


def _context(request: TurnRequest, message: str) -> dict[str, object]:
    return {
        "platform": request.source,
        "user_id": request.user_id,
        "chat_id": request.session_id,
        "thread_id": "",
        "chat_type": "dm",
        "session_id": request.session_id,
        "message": message[:LONGEST_TEXT],
    }
