"""Keeps a conversation within the model's window: when it grows too long, a summary takes the place of its middle.

`fit_context` is asked before every request to a model. A compression that fails leaves the conversation as it is, and
is not tried again for a while.
"""

from __future__ import annotations

import contextlib
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.errors import HermesTrioError, ScopeClosed, StoreError
from hermes_trio.store.compaction import (
    CompactionState,
    Summary,
    compact_session,
    drop_compaction_lock,
    load_compaction_state,
    note_compaction_failure,
    remember_summary,
    take_compaction_lock,
)
from hermes_trio.store.sessions import load_conversation
from hermes_trio.turns.budget import BudgetExceeded
from hermes_trio.turns.compression_memory import View, memory_of, recall
from hermes_trio.turns.compression_plan import Plan, Wishes, plan_compression, rows_to_fold
from hermes_trio.turns.compression_text import TASK, is_summary, latest_request, summary_message, summary_question
from hermes_trio.turns.token_estimate import PromptReading, corrected, estimate_tokens, tokens_of_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from hermes_trio.home.agent_config import CompressionConfig
    from hermes_trio.models.request import ChatMessage
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool_turn import AskModel, AuxiliaryQuestion

COOLDOWN_SECONDS: Final = 600.0
USUAL_SECONDS: Final = 120.0
"""What a question may take when the settings do not say."""

SPARE_SECONDS: Final = 30.0
"""What is added to a question's time before it counts as hung, and again before others may take the lock."""

RELEASE_SECONDS: Final = 2.0
KEPT_SHARE: Final = 0.75
"""Of what starts a compression at most so much may be left, or the next one would follow at once."""

LEAST_GAIN_SHARE: Final = 0.1
LEAST_GAIN: Final = 300
QUESTION_SHARE: Final = 0.6
"""Of the window, for what is to be summarised."""


@dataclass(frozen=True, slots=True)
class FitRequest:
    """What is about to be sent to a model.

    Attributes:
        session_id: The conversation; empty for one that is not kept, such as a child's: then nothing of it is stored.
        messages: All messages, the system prompt first.
        context_length: Tokens the model takes, or None when it is not known; then only ``force`` compresses.
        ask_model: Asks an auxiliary model.
        tools_bytes: Length of the tools' schemas as they are sent.
        stored: Whether the messages come from the session's rows, which then are compacted as well; False for a
            history that the caller brought along, whose summary is remembered for the next time it comes.
        reading: What the provider counted last, or None.
        force: Compress although it may not seem necessary, because a provider said so, or a user.
        focus: What the user wants to have kept above all, or empty.
        last: Messages at the end that stay; None for as many as the settings say.
    """

    session_id: str
    messages: Sequence[ChatMessage]
    context_length: int | None
    ask_model: AskModel
    tools_bytes: int = 0
    stored: bool = True
    reading: PromptReading | None = None
    force: bool = False
    focus: str = ""
    last: int | None = None


@dataclass(frozen=True, slots=True)
class FitResult:
    """What is to be sent instead.

    Attributes:
        messages: The messages; those of the request if nothing was to be done.
        estimate: Their tokens with the tools', not corrected; for the next `PromptReading`.
        compressed: Whether a summary took the place of some.
        store_compacted: Whether the session's rows say so as well.
    """

    messages: tuple[ChatMessage, ...]
    estimate: int
    compressed: bool = False
    store_compacted: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """Sizes of a request in estimated tokens that are not corrected.

    Attributes:
        tools: The tools' schemas.
        fixed: What no compression can change: the tools and the system prompt.
        whole: Everything.
        limit: Beyond this it is compressed.
        window: What the model takes.
    """

    tools: int
    fixed: int
    whole: int
    limit: int
    window: int


class CompressionFailed(HermesTrioError):
    """A conversation could not be summarised."""

    default_code = "compression_failed"


async def fit_context(scope: ProfileScope, request: FitRequest) -> FitResult:
    """Make a request fit into the model's window, if it does not; cheap when it does.

    Raises:
        BudgetExceeded: The profile has spent what it may.
        ScopeClosed: The profile is over.

    Cancellation: ends the question to the model; the session stays as it was.
    """
    config = scope.config.compression
    tools = tokens_of_bytes(request.tools_bytes)
    fixed = tools + estimate_tokens(one for one in request.messages if one.role == "system")
    whole = tools + estimate_tokens(request.messages)
    tokens = corrected(whole, request.reading)
    needed = needs_compression(config, request.context_length, tokens, corrected(fixed, request.reading))
    if not needed and not (config.enabled and request.force):
        return FitResult(tuple(request.messages), whole)
    measure = measure_of(config, request, fixed, whole)
    log = scope.log.bind(session=request.session_id, component="agent.compression")
    try:
        result = await compress(scope, request, measure)
    except (ScopeClosed, BudgetExceeded):
        raise
    except HermesTrioError as error:
        log.warning("the conversation was not compressed", code=error.code, reason=error.problem)
        return FitResult(tuple(request.messages), whole)
    if result.compressed:
        counts = f"messages={len(request.messages)}->{len(result.messages)}"
        saved = f"tokens~{tokens}->{corrected(result.estimate, request.reading)}"
        log.info(f"conversation compressed: {counts} {saved} stored={result.store_compacted}")
    return result


def needs_compression(config: CompressionConfig, context_length: int | None, estimate: int, fixed: int = 0) -> bool:
    """Whether a request of so many tokens is to be compressed.

    Args:
        config: The profile's settings.
        context_length: Tokens the model takes, or None when it is not known.
        estimate: Tokens of the request.
        fixed: Tokens of it that no compression can change.
    """
    return config.enabled and context_length is not None and estimate > limit_of(config, context_length, fixed)


def limit_of(config: CompressionConfig, window: float, fixed: float) -> float:
    """From how many tokens on a conversation is compressed.

    That is the configured share of the window; when half of that is taken by what cannot be compressed, the share of
    what is left over beside it, because otherwise small windows would be compressed all the time.
    """
    limit = config.threshold * window
    return limit if fixed <= limit / 2 else fixed + config.threshold * max(0.0, window - fixed)


async def compress(scope: ProfileScope, request: FitRequest, measure: Measure) -> FitResult:
    """Compress a conversation; in the store as well, if its rows are there and as expected.

    Nothing is done while somebody else compresses the session, for some time after a failure unless the model would
    surely refuse the conversation, and when it would not help.

    Raises:
        CompressionFailed: The model gave no usable summary; nothing is tried again for `COOLDOWN_SECONDS`.
        HermesTrioError: What else asking the model or the store raised.

    Cancellation: ends the question to the model; the session stays as it was.
    """
    state = await load_compaction_state(scope, request.session_id) if request.session_id else CompactionState()
    view = View(tuple(request.messages))
    if state.remembered is not None and not request.stored:
        view = await scope.run_blocking(recall, view.messages, state.remembered)
    measure = replace(measure, whole=measure.tools + estimate_tokens(view.messages))
    unchanged = FitResult(view.messages, measure.whole, compressed=view.covered is not None)
    if (view.covered is not None and measure.whole <= measure.limit) or _cooling(scope, state, request, measure):
        return unchanged
    plan = plan_compression(view.messages, wishes_of(scope.config.compression, request, measure))
    if plan is None:
        return unchanged
    async with _holding_lock(scope, request.session_id) as holder:
        return unchanged if holder is None else await _carry_out(scope, request, view, plan, measure, holder)


async def _carry_out(
    scope: ProfileScope, request: FitRequest, view: View, plan: Plan, measure: Measure, holder: str
) -> FitResult:
    """Ask for the summary and put it in place: in the rows of the session if possible, else for this request."""
    rows = await _rows_to_fold(scope, request, plan) if request.stored and request.session_id else ()
    result, summary = await _summarise(scope, request, view, plan, measure)
    stored = False
    with contextlib.suppress(StoreError):  # the summary serves this turn all the same
        if rows:
            stored = await compact_session(scope, request.session_id, holder, rows, summary)
        elif request.session_id and not request.stored:
            await _remember(scope, request, view, plan, summary)
    return replace(result, store_compacted=stored)


async def _rows_to_fold(scope: ProfileScope, request: FitRequest, plan: Plan) -> tuple[int, ...]:
    conversation = await load_conversation(scope, request.session_id)
    rows = rows_to_fold(conversation.messages, request.messages, plan) if conversation is not None else ()
    return tuple(row.id for row in rows if row.id is not None)


async def _summarise(
    scope: ProfileScope, request: FitRequest, view: View, plan: Plan, measure: Measure
) -> tuple[FitResult, Summary]:
    """Ask for a summary and put it into the messages; a failure begins the session's cooldown."""
    before, folded, after = view.messages[: plan.start], view.messages[plan.start : plan.end], view.messages[plan.end :]
    try:
        room = round(measure.window * QUESTION_SHARE)
        question = await scope.run_blocking(summary_question, folded, room, plan.allowance, request.focus)
        text = await _ask(scope, request.ask_model, question)
        asked = any(one.role == "user" and not is_summary(one) and not one.is_aside for one in after)
        message = summary_message(plan.role, text, len(folded), "" if asked else latest_request(folded), plan.allowance)
        messages = (*before, message, *after)
        estimate = measure.tools + estimate_tokens(messages)
        if estimate >= measure.whole:
            raise CompressionFailed("the summary is no shorter than what it summarises", profile=scope.name)
    except (ScopeClosed, BudgetExceeded):
        raise
    except HermesTrioError as error:
        if request.session_id:
            reason = f"{error.code}: {error.problem}"
            await note_compaction_failure(scope, request.session_id, reason, COOLDOWN_SECONDS)
        raise
    return FitResult(messages, estimate, compressed=True), Summary(message.role, message.text)


async def _ask(scope: ProfileScope, ask_model: AskModel, question: AuxiliaryQuestion) -> str:
    with trio.move_on_after(_seconds(scope) + SPARE_SECONDS):
        text = (await ask_model(question)).strip()
        if not text:
            raise CompressionFailed("the model gave an empty summary", profile=scope.name)
        return text
    raise CompressionFailed("the model did not answer in time", profile=scope.name, where=f"auxiliary.{TASK}")


async def _remember(scope: ProfileScope, request: FitRequest, view: View, plan: Plan, summary: Summary) -> None:
    remembered = memory_of(tuple(request.messages), view, plan, summary)
    if remembered is not None:
        await remember_summary(scope, request.session_id, remembered)


@asynccontextmanager
async def _holding_lock(scope: ProfileScope, session_id: str) -> AsyncIterator[str | None]:
    """Hold the right to compress a session; None when somebody else has it. What is not kept needs none."""
    if not session_id:
        yield ""
        return
    holder = f"hermes-trio:{scope.name}:{secrets.token_hex(8)}"
    if not await take_compaction_lock(scope, session_id, holder, _seconds(scope) + 2 * SPARE_SECONDS):
        yield None
        return
    try:
        yield holder
    finally:
        # What cannot be given back runs out.
        with contextlib.suppress(StoreError, ScopeClosed), trio.move_on_after(RELEASE_SECONDS, shield=True):
            await drop_compaction_lock(scope, session_id, holder)


def _seconds(scope: ProfileScope) -> float:
    settings = scope.config.auxiliary.get(TASK)
    return (settings.timeout if settings is not None else None) or USUAL_SECONDS


def _cooling(scope: ProfileScope, state: CompactionState, request: FitRequest, measure: Measure) -> bool:
    """Whether the last failure is too fresh. What the model would refuse anyway is tried in spite of it."""
    return scope.clock.now() < state.cooldown_until and not request.force and measure.whole <= measure.window


def measure_of(config: CompressionConfig, request: FitRequest, fixed: int, whole: int) -> Measure:
    """Sizes, in estimated tokens: what the provider counts is converted by the last reading."""
    tools = tokens_of_bytes(request.tools_bytes)
    if request.context_length is None:
        return Measure(tools, fixed, whole, limit=whole // 2, window=whole)
    factor = request.reading.factor if request.reading is not None else 1.0
    window = request.context_length / factor
    limit = limit_of(config, window, fixed)
    if request.force:
        window, limit = min(window, whole), min(limit, whole / 2)
    return Measure(tools, fixed, whole, round(limit), round(window))


def wishes_of(config: CompressionConfig, request: FitRequest, measure: Measure) -> Wishes:
    """What the compression of a request should come to."""
    free = max(0, measure.limit - measure.fixed)
    return Wishes(
        first=config.protect_first_n,
        last=config.protect_last_n if request.last is None else request.last,
        most_kept=measure.fixed - measure.tools + round(KEPT_SHARE * free),
        goal=round(config.target_ratio * measure.window) - measure.tools,
        least_gain=LEAST_GAIN if request.force else max(LEAST_GAIN, round(LEAST_GAIN_SHARE * free)),
    )
