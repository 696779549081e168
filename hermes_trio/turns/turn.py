"""One turn: a message of the user becomes an answer of the profile's agent, and both are stored.

A turn without tools is stored when the model has finished, in one transaction; if it fails or is cancelled nothing is
stored, so the same message can be sent again. Once tools have been used, what they did is stored round by round.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import trio

from hermes_trio.errors import HermesTrioError, ModelError
from hermes_trio.io.log_format import one_line
from hermes_trio.models.request import ChatMessage
from hermes_trio.models.resolve import resolve_targets
from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.root_sessions import adopt_session
from hermes_trio.store.sessions import SessionRecord, load_conversation, record_turn
from hermes_trio.tools.skill_index import load_skills, offered_skills, skill_index_text
from hermes_trio.turns.delegation import make_delegate
from hermes_trio.turns.history import text_of, to_chat_messages, to_content
from hermes_trio.turns.loop import LoopState, close_round, run_loop
from hermes_trio.turns.prompt import build_system_prompt
from hermes_trio.turns.record import Opening, turn_record
from hermes_trio.turns.step import Emit, Patience, Step
from hermes_trio.turns.threats import find_threat
from hermes_trio.turns.tool_access import make_tool_turn
from hermes_trio.turns.turn_hooks import tell_agent_end, tell_agent_start, tell_session_start

if TYPE_CHECKING:
    from pathlib import Path

    from hermes_trio.home.config import ModelRoute
    from hermes_trio.io.log import ProfileLogger
    from hermes_trio.models.events import Usage
    from hermes_trio.models.target import ModelTarget
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.sessions import Conversation
    from hermes_trio.tools.selection import ToolSelection
    from hermes_trio.turns.agent import Agent
    from hermes_trio.turns.history import GivenContent
    from hermes_trio.turns.loop import Keep

__all__ = ["Emit", "TurnRequest", "TurnResult", "run_turn"]

PREVIEW_CHARACTERS = 80
KEEP_SECONDS = 5.0
_REDACTED_BEFORE_THE_CUT = 512


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """What is asked of a profile.

    Attributes:
        turn_id: Names the turn in the log.
        session_id: The conversation it belongs to; made if there is none of this id.
        user_message: Text, or parts of text and images in the chat-completions format.
        source: Where it comes from, as stored with the session.
        history: What was said before; None to take it from the store.
        system_text: The caller's own system text: appended to the system prompt, for this turn only, never stored.
        session_key: The caller's stable key for its user, or empty.
        user_id: Who asks, or empty.
        route: Another model than the profile's own, or None.
        root_db: The root home's ``state.db``, where Hermes' multiplexer may have kept this profile's session, or None.
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


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a turn and how often the model was asked for it."""

    result: TurnResult
    api_calls: int


async def run_turn(scope: ProfileScope, agent: Agent, request: TurnRequest, emit: Emit) -> TurnResult:
    """Answer one message.

    Args:
        scope: Whose agent answers.
        agent: The agent of this generation.
        request: What is asked.
        emit: Gets the events that came together from the model, in order. What it raises ends the turn.

    Raises:
        ModelError: The model failed; ``model_timeout`` when nothing happened for ``agent.gateway_timeout`` seconds.
        StoreError: The history could not be read, or the finished turn not be stored.
        HomeError: A file of the prompt cannot be read.
        ScopeClosed: The profile's generation is over.

    Cancellation: ends the request to the model and every tool at once. Nothing is stored if no tool has been used;
    otherwise what happened is, with a result for every tool call.
    """
    scope.check_open()
    log = scope.log.bind(session=request.session_id, turn=request.turn_id, component="gateway.turn")
    log.info(f"inbound message: {_place(request)} msg='{_preview(scope.log, request.user_message)}'")
    begun = trio.current_time()
    try:
        answer = await _answer(scope, agent, request, emit)
    except trio.Cancelled:
        log.info(f"turn cancelled: {_place(request)} time={trio.current_time() - begun:.1f}s")
        raise
    except HermesTrioError as error:
        error.profile = error.profile or scope.name
        seconds = trio.current_time() - begun
        log.warning(f"turn failed: {_place(request)} time={seconds:.1f}s", code=error.code, reason=str(error))
        raise
    log.info(
        f"response ready: {_place(request)} time={trio.current_time() - begun:.1f}s api_calls={answer.api_calls} "
        f"response={len(answer.result.text)} chars"
    )
    return answer.result


async def _answer(scope: ProfileScope, agent: Agent, request: TurnRequest, emit: Emit) -> Answer:
    hooks, message = agent.workplace.hooks, text_of(request.user_message)
    await agent.budget.admit_turn(scope)
    await agent.workplace.mcp.discovered()
    selection = agent.select_tools(scope, request.source)
    opening = await _open(scope, request, selection)
    if not opening.earlier:
        await tell_session_start(hooks, request)
    await tell_agent_start(hooks, request, message)
    state = _begin(scope, request, opening, emit)
    state.context_length = _target(scope, request.route).context_length
    turn = make_tool_turn(scope, agent, request, make_delegate(scope, agent, request, state))

    async def keep(state: LoopState) -> None:
        await record_turn(scope, turn_record(scope, opening, state))

    last: Step | None = None
    try:
        with state.patience.scope:
            last = await run_loop(scope, agent, state, turn, selection, keep)
    finally:
        if last is None and state.acted:
            await _keep_what_happened(scope, state, keep)
    if last is None:
        raise state.patience.error(scope)
    await keep(state)
    await tell_agent_end(hooks, request, message, last.text)
    result = TurnResult(last.text, last.finish_reason, state.usage, request.session_id, last.target.model)
    return Answer(result, state.api_calls)


async def _keep_what_happened(scope: ProfileScope, state: LoopState, keep: Keep) -> None:
    """Store an interrupted turn, also when it was cancelled: its tools have done what they have done."""
    close_round(scope, state)
    if state.rows:
        with trio.move_on_after(KEEP_SECONDS, shield=True):
            await keep(state)


async def _open(scope: ProfileScope, request: TurnRequest, selection: ToolSelection) -> Opening:
    """Find out what was said before, and with which prompt; a history the caller gave needs no store."""
    at = scope.clock.now()
    target = _target(scope, request.route)
    known = await _stored(scope, request) if request.history is None else None
    prompt = known.session.system_prompt if known is not None else None
    if not prompt:
        prompt = await build_system_prompt(
            scope,
            session_id=request.session_id,
            model=target.model,
            provider=target.provider,
            tool_names=frozenset(selection.tools),
            skills_index=await _skills_index(scope, request, selection),
            context_length=target.context_length,
        )
    if known is not None:
        # A prompt that is stored already is not sent to the store again: it is long, and it must not change.
        session = replace(
            known.session,
            system_prompt=None if known.session.system_prompt else prompt,
            session_key=known.session.session_key or request.session_key or None,
        )
        return Opening(session, known.messages, prompt, at)
    session = SessionRecord(
        id=request.session_id,
        source=request.source,
        started_at=at,
        model=target.model,
        system_prompt=prompt,
        user_id=request.user_id or None,
        session_key=request.session_key or None,
    )
    return Opening(session, request.history or (), prompt, at)


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
    known = await load_conversation(scope, request.session_id)
    if (
        known is None
        and request.root_db is not None
        and await adopt_session(scope, request.root_db, request.session_id)
    ):
        known = await load_conversation(scope, request.session_id)
    return known


def _target(scope: ProfileScope, route: ModelRoute | None) -> ModelTarget:
    """The model that will be asked first; the prompt names it."""
    parts = (scope.config, scope.secrets, route)
    return scope.files.derive("model target", parts, lambda: resolve_targets(*parts)[0])


def _begin(scope: ProfileScope, request: TurnRequest, opening: Opening, emit: Emit) -> LoopState:
    system = f"{opening.prompt}\n\n{request.system_text}" if request.system_text else opening.prompt
    content = to_content(request.user_message)
    return LoopState(
        messages=[
            ChatMessage("system", system),
            *to_chat_messages(opening.earlier),
            ChatMessage("user", content),
        ],
        rows=[StoredMessage("user", content, opening.at)],
        emit=emit,
        patience=Patience(scope.config.agent.gateway_timeout),
        route=request.route,
        most_calls=max(1, scope.config.agent.max_turns),
        session_id=request.session_id,
        from_store=request.history is None,
    )


def _place(request: TurnRequest) -> str:
    return f"platform={request.source} user={request.user_id or '-'} chat={request.session_id}"


def _preview(log: ProfileLogger, message: GivenContent) -> str:
    """The beginning of a message for the log; secrets go before the cut, because half a secret is not recognised."""
    text = log.redact(text_of(message)[:_REDACTED_BEFORE_THE_CUT])
    return one_line(text if len(text) <= PREVIEW_CHARACTERS else text[: PREVIEW_CHARACTERS - 3] + "...")
