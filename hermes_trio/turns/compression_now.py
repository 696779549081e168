"""Compressing a stored session at its user's word, between turns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hermes_trio.models.request import ChatMessage
from hermes_trio.store.sessions import TurnRecord, load_conversation, record_turn
from hermes_trio.turns.auxiliary import ask_auxiliary_model
from hermes_trio.turns.compression import FitRequest, Measure, compress, measure_of, wishes_of
from hermes_trio.turns.compression_plan import plan_compression
from hermes_trio.turns.compression_text import TASK
from hermes_trio.turns.history import to_chat_messages
from hermes_trio.turns.opening import first_target
from hermes_trio.turns.record import usage_record
from hermes_trio.turns.token_estimate import estimate_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.home.config import ModelRoute
    from hermes_trio.models.events import Usage
    from hermes_trio.models.target import ModelTarget
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.sessions import Conversation, UsageRecord
    from hermes_trio.tools.tool_turn import AuxiliaryQuestion
    from hermes_trio.turns.agent import Agent


@dataclass(frozen=True, slots=True)
class CompressionOutcome:
    """What a compression has done, or would do; tokens are estimates.

    Attributes:
        messages: Messages that the model was sent before.
        tokens: Their tokens, the system prompt among them.
        folded: How many of them a summary takes the place of; 0 when nothing could be won.
        tokens_after: Tokens when it is done.
    """

    messages: int = 0
    tokens: int = 0
    folded: int = 0
    tokens_after: int = 0


async def compress_session(
    scope: ProfileScope,
    agent: Agent,
    session_id: str,
    route: ModelRoute | None,
    *,
    focus: str = "",
    exchanges: int | None = None,
    preview: bool = False,
) -> CompressionOutcome:
    """Let a summary take the place of a part of a session, whether that is necessary or not.

    Args:
        scope: Whose session it is.
        agent: The profile's agent.
        session_id: The session.
        route: The model it uses, or None for the profile's own.
        focus: What is to be kept above all, or empty.
        exchanges: How many at the end stay as they are; None for as much as the settings say. Fewer do when they are
            too large.
        preview: Only tell what would be done: no model is asked.

    Raises:
        CompressionFailed: The model gave no usable summary.
        ModelError: The model failed, or is not configured.
        BudgetExceeded: The profile has spent what it may.
        StoreError: The session cannot be read or written.

    Cancellation: the session stays as it was.
    """
    conversation = await load_conversation(scope, session_id)
    if conversation is None:
        return CompressionOutcome()
    spent: list[UsageRecord] = []

    def charge(target: ModelTarget, usage: Usage) -> None:
        spent.append(usage_record(target, 1, usage, TASK))

    async def ask_model(question: AuxiliaryQuestion) -> str:
        return await ask_auxiliary_model(scope, agent, question, charge)

    messages = _messages(conversation)
    request = FitRequest(
        session_id,
        messages,
        agent.windows.length(first_target(scope, route)),
        ask_model,
        force=True,
        focus=focus,
        last=None if exchanges is None else _last_messages(messages, exchanges),
    )
    measure = _measure(scope, request)
    expected = _expected(scope, request, measure)
    if preview or not expected.folded:
        return expected
    try:
        return await _compress(scope, request, measure, expected)
    finally:
        if spent:
            record = TurnRecord(conversation.session, (), None, scope.clock.now(), auxiliary=tuple(spent))
            await record_turn(scope, record)


def _messages(conversation: Conversation) -> tuple[ChatMessage, ...]:
    prompt = ChatMessage("system", conversation.session.system_prompt or "")
    return (prompt, *to_chat_messages(conversation.messages))


def _last_messages(messages: Sequence[ChatMessage], exchanges: int) -> int:
    """How many messages so many exchanges at the end have."""
    starts = [index for index, message in enumerate(messages) if message.role == "user" and not message.is_aside]
    return len(messages) - starts[-exchanges:][0] if exchanges and starts else 0


def _expected(scope: ProfileScope, request: FitRequest, measure: Measure) -> CompressionOutcome:
    known = CompressionOutcome(len(request.messages) - 1, measure.whole, 0, measure.whole)
    plan = plan_compression(request.messages, wishes_of(scope.config.compression, request, measure))
    if plan is None:
        return known
    after = measure.whole - estimate_tokens(request.messages[plan.start : plan.end]) + plan.allowance
    return replace(known, folded=plan.end - plan.start, tokens_after=after)


async def _compress(
    scope: ProfileScope, request: FitRequest, measure: Measure, expected: CompressionOutcome
) -> CompressionOutcome:
    result = await compress(scope, request, measure)
    if not result.store_compacted:
        return replace(expected, folded=0, tokens_after=expected.tokens)
    return replace(expected, tokens_after=result.estimate)


def _measure(scope: ProfileScope, request: FitRequest) -> Measure:
    """Sizes; at most half of what was said is to stay, or what the user wants to.

    The prompt does not count in that: where it is long, nothing would stay of a short conversation.
    """
    fixed, whole = estimate_tokens(request.messages[:1]), estimate_tokens(request.messages)
    measure = measure_of(scope.config.compression, request, fixed, whole)
    return replace(measure, limit=whole if request.last is not None else (fixed + whole) // 2)
