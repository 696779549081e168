"""What is asked of a turn, and what comes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from hermes_trio.errors import ModelError
    from hermes_trio.home.config import ModelRoute
    from hermes_trio.models.events import Usage
    from hermes_trio.store.messages import StoredMessage
    from hermes_trio.store.sessions import SqlJob
    from hermes_trio.turns.control import TurnControl
    from hermes_trio.turns.history import GivenContent
    from hermes_trio.turns.place import Place


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """What is asked of a profile.

    Attributes:
        turn_id: Names the turn in the log.
        session_id: The conversation it belongs to; made if there is none of this id, unless it needs one.
        user_message: Text, or parts of text and images in the chat-completions format.
        source: Where it comes from, as stored with the session.
        history: What was said before; None to take it from the store.
        system_text: The caller's own system text: appended to the system prompt, for this turn only, never stored.
        session_key: The caller's stable key for its user, or empty.
        user_id: Who asks, or empty.
        route: Another model than the profile's own, or None.
        root_db: The root home's ``state.db``, where Hermes' multiplexer may have kept this profile's session, or None.
        can_ask: Whether whoever reads the events also answers: then approvals and the agent's questions are events, and
            are waited for. Otherwise what needs consent is refused.
        place: The place on a platform where the message came from, or None.
        context_text: What the agent is to know of the place; part of the system prompt of a conversation that begins.
        control: The owner's hold on the turn, or None.
        seal: What is to happen in the same transaction that stores the end of the turn, or None.
        sealed: Called as soon as that is committed, before anybody else is told of the end; or None.
        needs_session: Whether it fails when there is no such conversation. Means nothing with a ``history``.
        resumed: Whether the message may have been worked on before, by a process that died: then what is stored of it
            is taken up. Means nothing with a ``history``.
        reasoning_effort: How hard the model is to think, from ``none`` to ``max``; empty for what the settings say.
        keeps_message: Whether the message stays in the conversation when the turn fails or is cancelled before it has
            done anything, as it stays in the chat it was written in. To answer it after all, let it be ``resumed``.
    """

    turn_id: str
    session_id: str
    user_message: GivenContent
    source: str = "api_server"
    history: tuple[StoredMessage, ...] | None = None
    system_text: str = ""
    session_key: str = ""
    user_id: str = ""
    route: ModelRoute | None = None
    root_db: Path | None = None
    can_ask: bool = False
    place: Place | None = None
    context_text: str = ""
    control: TurnControl | None = None
    seal: Seal | None = None
    sealed: Callable[[], None] | None = None
    needs_session: bool = False
    resumed: bool = False
    reasoning_effort: str = ""
    keeps_message: bool = False


@dataclass(frozen=True, slots=True)
class TurnResult:
    """How a turn went.

    Attributes:
        text: The whole answer.
        finish_reason: ``stop``, ``length`` or what else the model said.
        usage: Tokens of all model calls of the turn.
        session_id: The conversation.
        model: The model that answered; a fallback may have stepped in.
        completed: Whether the agent came to its own end, rather than to a limit.
        error: What the limit was, when a turn has a result in spite of it.
    """

    text: str
    finish_reason: str
    usage: Usage
    session_id: str
    model: str
    completed: bool = True
    error: ModelError | None = None


Seal = Callable[[TurnResult], "SqlJob | Awaitable[SqlJob]"]
"""Makes of a turn's result what is done in the transaction that stores its end, such as closing the message it answers.

It may be a coroutine function. The job does nothing but SQL, and may be run twice. When either raises, the end of the
turn is not stored and `run_turn` raises the same; what earlier rounds of tools did stays stored.
"""
