"""One turn: a message of the user becomes an answer of the profile's agent, and both are stored.

A turn without tools is stored when the model has finished, in one transaction; if it fails or is cancelled nothing is
stored, so the same message can be sent again. Once tools have been used, what they did is stored round by round.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import trio

from hermes_trio.errors import HermesTrioError
from hermes_trio.io.log_format import one_line
from hermes_trio.models.request import ChatMessage
from hermes_trio.store.commit import wait_for_commit
from hermes_trio.store.sessions import record_turn
from hermes_trio.tools.hook_events import BEFORE_MODEL
from hermes_trio.tools.todo_list import TodoList, last_items
from hermes_trio.turns.control import TurnControl
from hermes_trio.turns.delegation import make_delegate
from hermes_trio.turns.history import text_of, to_chat_messages
from hermes_trio.turns.loop import LoopState, close_round, run_loop
from hermes_trio.turns.model_hooks import (
    TRANSFORM_ANSWER,
    HeldAnswer,
    ask_for_context,
    tell_model_answered,
    transform_answer,
)
from hermes_trio.turns.opening import find_opening
from hermes_trio.turns.record import turn_record
from hermes_trio.turns.request import Seal, TurnRequest, TurnResult
from hermes_trio.turns.resuming import first_rows
from hermes_trio.turns.step import Emit, Patience, Step
from hermes_trio.turns.tool_access import make_tool_turn
from hermes_trio.turns.turn_hooks import (
    TURN_END,
    tell_agent_end,
    tell_agent_start,
    tell_session_start,
    tell_turn_end,
)

if TYPE_CHECKING:
    from hermes_trio.io.log import ProfileLogger
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.sessions import SqlJob, TurnRecord
    from hermes_trio.tools.hooks import Hooks
    from hermes_trio.turns.agent import Agent
    from hermes_trio.turns.history import GivenContent
    from hermes_trio.turns.loop import Keep
    from hermes_trio.turns.opening import Opening

__all__ = ["Emit", "Seal", "TurnRequest", "TurnResult", "run_turn"]

PREVIEW_CHARACTERS = 80
KEEP_SECONDS = 5.0
_REDACTED_BEFORE_THE_CUT = 512


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
        Exception: Whatever the request's seal raised; the end of the turn is not stored then.

    Cancellation: ends the request to the model and every tool at once. Nothing is stored if no tool has been used,
    unless the request says so; otherwise what happened is, with a result for every tool call. Once the end of the turn
    is on its way to the store it is stored; the end of a sealed one is waited for, shielded for at most 10 s, so that
    the caller can act on it.
    """
    scope.check_open()
    log = scope.log.bind(session=request.session_id, turn=request.turn_id, component="gateway.turn")
    log.info(f"inbound message: {_place(request)} msg='{_preview(scope.log, request.user_message)}'")
    begun = trio.current_time()
    answer: Answer | None = None
    interrupted = False
    try:
        answer = await _answer(scope, agent, request, emit)
    except trio.Cancelled:
        interrupted = True
        log.info(f"turn cancelled: {_place(request)} time={trio.current_time() - begun:.1f}s")
        raise
    except HermesTrioError as error:
        error.profile = error.profile or scope.name
        seconds = trio.current_time() - begun
        log.warning(f"turn failed: {_place(request)} time={seconds:.1f}s", code=error.code, reason=str(error))
        raise
    finally:
        if request.control is not None:
            request.control.close()
        if agent.workplace.hooks.listens(TURN_END):
            result = answer.result if answer is not None else None
            await tell_turn_end(agent.workplace.hooks, request, result, interrupted=interrupted)
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
    opening = await find_opening(scope, agent, request, selection)
    if not opening.earlier:
        await tell_session_start(hooks, request, opening.session.model or "")
    await tell_agent_start(hooks, request, message)
    context = ""
    if hooks.listens(BEFORE_MODEL):
        context = await ask_for_context(scope, hooks, request, message, is_first=not opening.earlier)
    held = HeldAnswer(emit) if hooks.listens(TRANSFORM_ANSWER) else None
    state = _begin(scope, request, opening, held or emit)
    state.context = context
    todo = _todo_list(agent, request, opening)
    turn = make_tool_turn(
        scope, agent, request, state, make_delegate(scope, agent, request, state, selection), todo=todo
    )

    async def keep(state: LoopState) -> None:
        await record_turn(scope, turn_record(scope, opening, state))

    last: Step | None = None
    ended = False
    try:
        with state.patience.scope:
            last = await run_loop(scope, agent, state, turn, selection, keep)
        if last is None:
            raise state.patience.error(scope)
        if held is not None:
            last = await _transform(hooks, request, state, held, last)
        result = TurnResult(last.text, last.finish_reason, state.usage, request.session_id, last.target.model)
        seal = await _make_seal(request, result)
        ended = True
    finally:
        if not ended and (state.acted or request.keeps_message):
            await _keep_what_happened(scope, state, keep, answered=last is not None)
    await _store_end(scope, turn_record(scope, opening, state, seal))
    if request.sealed is not None:
        request.sealed()
    await tell_model_answered(hooks, request, message, last)
    await tell_agent_end(hooks, request, message, last.text)
    return Answer(result, state.api_calls)


async def _transform(hooks: Hooks, request: TurnRequest, state: LoopState, held: HeldAnswer, step: Step) -> Step:
    """Let hooks make something else of the answer, before anybody has seen it and before it is stored."""
    text = await transform_answer(hooks, request, step)
    state.rows[-1] = replace(state.rows[-1], content=text)
    await held.release(text)
    return replace(step, text=text)


def _todo_list(agent: Agent, request: TurnRequest, opening: Opening) -> TodoList:
    """The session's; a caller who brings the history along may be another one each time, so that alone counts."""
    if request.history is not None:
        return TodoList(last_items(opening.earlier))
    return agent.workplace.todo_lists.find(request.session_id, opening.earlier)


async def _make_seal(request: TurnRequest, result: TurnResult) -> SqlJob | None:
    if request.seal is None:
        return None
    seal = request.seal(result)
    return await seal if isinstance(seal, Awaitable) else seal


async def _store_end(scope: ProfileScope, record: TurnRecord) -> None:
    if record.seal is None:
        await record_turn(scope, record)
    else:
        await wait_for_commit(scope, lambda: record_turn(scope, record))


async def _keep_what_happened(scope: ProfileScope, state: LoopState, keep: Keep, *, answered: bool) -> None:
    """Store an interrupted turn, also when it was cancelled: its tools have done what they have done.

    An answer that nobody gets to see is left out.
    """
    close_round(scope, state)
    if answered:
        state.rows.pop()
    if state.rows:
        with trio.move_on_after(KEEP_SECONDS, shield=True):
            await keep(state)


def _begin(scope: ProfileScope, request: TurnRequest, opening: Opening, emit: Emit) -> LoopState:
    system = f"{opening.prompt}\n\n{request.system_text}" if request.system_text else opening.prompt
    rows = first_rows(scope, request, opening)
    return LoopState(
        messages=[
            ChatMessage("system", system),
            *to_chat_messages(opening.earlier),
            *to_chat_messages(rows),
        ],
        rows=rows,
        emit=emit,
        patience=Patience(scope.config.agent.gateway_timeout),
        route=request.route,
        most_calls=max(1, scope.config.agent.max_turns),
        session_id=request.session_id,
        from_store=request.history is None,
        reasoning_effort=request.reasoning_effort or scope.config.agent.reasoning_effort,
        control=request.control or TurnControl(),
    )


def _place(request: TurnRequest) -> str:
    known = f"platform={request.source} user={request.user_id or '-'} chat={request.session_id}"
    place = request.place
    if place is None:
        return known
    return f"{known} place={place.chat_id}/{place.thread_id or '-'} transport={place.transport_profile or '-'}"


def _preview(log: ProfileLogger, message: GivenContent) -> str:
    """The beginning of a message for the log; secrets go before the cut, because half a secret is not recognised."""
    text = log.redact(text_of(message)[:_REDACTED_BEFORE_THE_CUT])
    return one_line(text if len(text) <= PREVIEW_CHARACTERS else text[: PREVIEW_CHARACTERS - 3] + "...")
