"""What a turn starts from: its session, what was said before, and the system prompt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from hermes_trio.home.threats import find_threat
from hermes_trio.models.resolve import resolve_targets
from hermes_trio.store.root_sessions import adopt_session
from hermes_trio.store.sessions import SessionRecord, load_conversation, unknown_session
from hermes_trio.tools.skill_index import load_skills, offered_skills, skill_index_text
from hermes_trio.turns.place import NOWHERE
from hermes_trio.turns.prompt import build_system_prompt

if TYPE_CHECKING:
    from hermes_trio.home.config import ModelRoute
    from hermes_trio.models.target import ModelTarget
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.messages import StoredMessage
    from hermes_trio.store.sessions import Conversation
    from hermes_trio.tools.selection import ToolSelection
    from hermes_trio.turns.agent import Agent
    from hermes_trio.turns.request import TurnRequest


@dataclass(frozen=True, slots=True)
class Opening:
    """What a turn starts from.

    Attributes:
        session: The conversation's row, as it is or as it will be made.
        earlier: What was said before.
        prompt: The system prompt of the conversation, without the caller's own text.
        at: When the user's message came, in seconds since the epoch.
    """

    session: SessionRecord
    earlier: tuple[StoredMessage, ...]
    prompt: str
    at: float


async def find_opening(scope: ProfileScope, agent: Agent, request: TurnRequest, selection: ToolSelection) -> Opening:
    """Find out what was said before, and with which prompt; a history the caller gave needs no store.

    Raises:
        StoreError: The history could not be read, or (``session_not_found``) the session is another profile's, or
            is not there where the request needs it.
        HomeError: A file of the prompt cannot be read.
    """
    at = scope.clock.now()
    known = await _stored(scope, request) if request.history is None else None
    stored_prompt = known.session.system_prompt if known is not None else None
    prompt = stored_prompt or await _build_prompt(scope, agent, request, selection)
    session = _session(scope, request, at)
    if known is None:
        return Opening(replace(session, system_prompt=prompt), request.history or (), prompt, at)
    # A prompt that is stored already is not sent to the store again: it is long, and it must not change.
    session = replace(
        known.session,
        system_prompt=None if stored_prompt else prompt,
        session_key=known.session.session_key or session.session_key,
        chat_id=known.session.chat_id or session.chat_id,
        chat_type=known.session.chat_type or session.chat_type,
        thread_id=known.session.thread_id or session.thread_id,
        display_name=known.session.display_name or session.display_name,
    )
    return Opening(session, known.messages, prompt, at)


def first_target(scope: ProfileScope, route: ModelRoute | None) -> ModelTarget:
    """The model that will be asked first; the prompt names it."""
    parts = (scope.config, scope.secrets, route)
    return scope.files.derive("model target", parts, lambda: resolve_targets(*parts)[0])


def _session(scope: ProfileScope, request: TurnRequest, at: float) -> SessionRecord:
    """The row of a conversation that begins now, without its prompt."""
    place = request.place or NOWHERE
    return SessionRecord(
        id=request.session_id,
        source=request.source,
        started_at=at,
        model=first_target(scope, request.route).model,
        user_id=request.user_id or None,
        session_key=request.session_key or None,
        chat_id=place.chat_id or None,
        chat_type=place.chat_type or None,
        thread_id=place.thread_id or None,
        display_name=place.chat_name or None,
    )


async def _build_prompt(scope: ProfileScope, agent: Agent, request: TurnRequest, selection: ToolSelection) -> str:
    target = first_target(scope, request.route)
    return await build_system_prompt(
        scope,
        session_id=request.session_id,
        model=target.model,
        provider=target.provider,
        tool_names=frozenset(selection.tools),
        skills_index=await _skills_index(scope, request, selection),
        context_length=agent.windows.length(target),
        context_text=request.context_text,
    )


async def _skills_index(scope: ProfileScope, request: TurnRequest, selection: ToolSelection) -> str:
    if "skill_view" not in selection.tools:
        return ""
    skills = await load_skills(scope, request.source)
    abilities = selection.abilities
    return scope.files.derive(
        "skills index",
        (skills, abilities),
        lambda: skill_index_text(offered_skills(skills, abilities), partial(find_threat, written_by_agent=True)),
    )


async def _stored(scope: ProfileScope, request: TurnRequest) -> Conversation | None:
    """What the store has of the session, taken over from the root home if it is there."""
    # What could not be stored in the end is not begun: the model costs money, and a stream has been read by then.
    known = await load_conversation(scope, request.session_id, to_continue=True)
    if (
        known is None
        and request.root_db is not None
        and await adopt_session(scope, request.root_db, request.session_id)
    ):
        known = await load_conversation(scope, request.session_id)
    if known is None and request.needs_session:
        raise unknown_session(scope.name)
    return known
