"""What the tools of a turn are handed: whom they may ask, and whom they may send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.tools.approval_policy import make_approve
from hermes_trio.tools.tool_turn import ToolTurn
from hermes_trio.turns.auxiliary import ask_auxiliary_model

if TYPE_CHECKING:
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool_turn import AuxiliaryQuestion, Delegate
    from hermes_trio.turns.agent import Agent
    from hermes_trio.turns.turn import TurnRequest


def make_tool_turn(scope: ProfileScope, agent: Agent, request: TurnRequest, delegate: Delegate | None) -> ToolTurn:
    """Put together what the tools of one turn may know and do."""

    async def ask_model(question: AuxiliaryQuestion) -> str:
        return await ask_auxiliary_model(scope, agent, question)

    approve = make_approve(
        scope,
        agent.workplace.approvals,
        request.session_key or request.session_id,
        ask_model,
        turn_id=request.turn_id,
        platform=request.source,
        hooks=agent.workplace.hooks,
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
        delegate=delegate,
    )
