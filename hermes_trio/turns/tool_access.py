"""What the tools of a turn are handed: whom they may ask, and whom they may send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.home.child_environment import Conversation
from hermes_trio.tools.approval_policy import make_approve
from hermes_trio.tools.todo_list import TodoList
from hermes_trio.tools.tool_turn import ToolTurn
from hermes_trio.turns.auxiliary import ask_auxiliary_model
from hermes_trio.turns.events import ApprovalClosed, ApprovalRequested, QuestionAsked, QuestionClosed
from hermes_trio.turns.place import NOWHERE
from hermes_trio.turns.record import usage_record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.models.events import Usage
    from hermes_trio.models.target import ModelTarget
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.approval import ApprovalChoice, ApprovalRequest
    from hermes_trio.tools.question_ledger import PendingQuestion, QuestionLedger
    from hermes_trio.tools.tool_turn import AskUser, AuxiliaryQuestion, Delegate
    from hermes_trio.turns.agent import Agent
    from hermes_trio.turns.loop import LoopState
    from hermes_trio.turns.request import TurnRequest
    from hermes_trio.turns.step import Emit

CLOSE_SECONDS: Final = 1.0


def make_tool_turn(
    scope: ProfileScope,
    agent: Agent,
    request: TurnRequest,
    loop: LoopState,
    delegate: Delegate | None,
    *,
    todo: TodoList | None = None,
    trusted: bool = False,
) -> ToolTurn:
    """Put together what the tools of one turn may know and do.

    Args:
        scope: The profile.
        agent: Its agent.
        request: What the turn is asked.
        loop: The turn's own loop, also for a child: its reader sees the questions, its record gets the costs.
        delegate: Runs child turns, or None.
        todo: The session's list of what is to be done; None for a new one.
        trusted: Whether nobody's consent is needed for what is dangerous.
    """

    async def ask_model(question: AuxiliaryQuestion) -> str:
        def charge(target: ModelTarget, usage: Usage) -> None:
            loop.auxiliary.append(usage_record(target, 1, usage, question.task))

        return await ask_auxiliary_model(scope, agent, question, charge)

    async def announce(asked: ApprovalRequest) -> None:
        await loop.emit([ApprovalRequested(asked)])

    async def close(asked: ApprovalRequest, choice: ApprovalChoice | None) -> None:
        await loop.emit([ApprovalClosed(asked.id, choice)])

    session_key = request.session_key or request.session_id
    approve = make_approve(
        scope,
        agent.workplace.approvals,
        session_key,
        ask_model,
        turn_id=request.turn_id,
        platform=request.source,
        announce=announce if request.can_ask else None,
        hooks=agent.workplace.hooks,
        closed=close,
        trusted=trusted,
    )
    return ToolTurn(
        turn_id=request.turn_id,
        session_id=request.session_id,
        session_key=request.session_key,
        platform=request.source,
        user_id=request.user_id,
        workplace=agent.workplace,
        approve=approve,
        ask_model=ask_model,
        ask_user=_asker(agent.workplace.questions, loop.emit, session_key, request.turn_id)
        if request.can_ask
        else None,
        delegate=delegate,
        todo=todo or TodoList(),
        conversation=_conversation(request),
        hears_reports=request.place is not None and bool(request.session_key),
    )


def _asker(ledger: QuestionLedger, emit: Emit, session_key: str, turn_id: str) -> AskUser:
    async def ask_user(question: str, choices: Sequence[str]) -> str:
        shown: list[str] = []

        async def announce(asked: PendingQuestion) -> None:
            shown.append(asked.id)
            await emit([QuestionAsked(asked.id, asked.question, asked.choices, asked.seconds)])

        try:
            return await ledger.ask(question, choices, announce, session_key, turn_id)
        finally:
            with trio.move_on_after(CLOSE_SECONDS, shield=True):
                await emit([QuestionClosed(question_id) for question_id in shown])

    return ask_user


def _conversation(request: TurnRequest) -> Conversation:
    place = request.place or NOWHERE
    return Conversation(
        platform=request.source,
        session_id=request.session_id,
        session_key=request.session_key,
        user_id=request.user_id,
        user_name=place.user_name,
        chat_id=place.chat_id,
        chat_name=place.chat_name,
        thread_id=place.thread_id,
        message_id=place.message_id,
    )
