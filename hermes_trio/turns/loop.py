"""The loop of a turn: ask the model, let it use tools, ask again, until it has nothing more to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hermes_trio.errors import ModelError
from hermes_trio.models.events import Usage
from hermes_trio.models.request import ChatMessage, ModelRequest
from hermes_trio.store.messages import StoredMessage, ToolCall
from hermes_trio.turns.compression import FitRequest, fit_context
from hermes_trio.turns.control import TurnControl
from hermes_trio.turns.events import UsageReported
from hermes_trio.turns.model_hooks import hears_of_requests, run_told_step, with_context
from hermes_trio.turns.opening import first_target
from hermes_trio.turns.step import Emit, Patience, Step, add_usage, run_step
from hermes_trio.turns.token_estimate import PromptReading
from hermes_trio.turns.tool_round import ToolRound
from hermes_trio.turns.turn_hooks import tell_agent_step

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from hermes_trio.home.config import ModelRoute
    from hermes_trio.models.target import ModelTarget
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.sessions import UsageRecord
    from hermes_trio.tools.calling import ToolResult
    from hermes_trio.tools.selection import ToolSelection
    from hermes_trio.tools.tool_turn import ToolTurn
    from hermes_trio.turns.agent import Agent

    Keep = Callable[["LoopState"], Awaitable[None]]
    """Stores what a loop has done since it was last stored."""


@dataclass(slots=True)
class LoopState:
    """A loop on its way; owned by the one task that runs it.

    Attributes:
        messages: What the model is sent next.
        rows: What has happened and is not stored yet.
        emit: Shows events to the reader.
        patience: The inactivity limit.
        route: Another model than the profile's own, or None.
        most_calls: How often the model may be asked.
        api_calls: How often it was asked.
        usage: Tokens so far.
        stored_calls: How many of the calls are accounted for in the store.
        stored_usage: Tokens accounted for in the store.
        auxiliary: What tools' own questions to models have cost and is not stored yet.
        target: The model that answered last.
        round: The tool calls that run now, or None.
        acted: Whether tools have done anything, so that what happened must be remembered whatever comes.
        session_id: The conversation, or empty for one that is not kept.
        from_store: Whether the messages come from the session's rows.
        context_length: Tokens the model takes, or None as long as that is not known.
        reading: What the provider counted for the last request.
        reasoning_effort: How hard the model is to think; empty leaves it to the provider.
        control: Shows the loop to its owner, and has what is to be said into it.
        is_compressing: Whether it is being seen to that the conversation fits the model.
        context: What hooks want the model to know, for this turn only; neither stored nor compressed.
    """

    messages: list[ChatMessage]
    rows: list[StoredMessage]
    emit: Emit
    patience: Patience
    route: ModelRoute | None
    most_calls: int
    api_calls: int = 0
    usage: Usage = field(default_factory=Usage)
    stored_calls: int = 0
    stored_usage: Usage = field(default_factory=Usage)
    auxiliary: list[UsageRecord] = field(default_factory=list)
    target: ModelTarget | None = None
    round: ToolRound | None = None
    acted: bool = False
    session_id: str = ""
    from_store: bool = False
    context_length: int | None = None
    reading: PromptReading | None = None
    reasoning_effort: str = ""
    control: TurnControl = field(default_factory=TurnControl)
    is_compressing: bool = False
    context: str = ""

    def __post_init__(self) -> None:
        """Let the owner see how it goes."""
        self.control.watch(self)


async def run_loop(
    scope: ProfileScope, agent: Agent, state: LoopState, turn: ToolTurn, selection: ToolSelection, keep: Keep
) -> Step:
    """Run until the model's final answer, which is left in ``state.rows`` for the caller to store.

    What tools did is stored after each round, because it has happened whatever comes later.

    Raises:
        ModelError: The model failed, or still wanted tools after ``state.most_calls`` rounds.
        BudgetExceeded: The profile has spent what it may.
    """
    while state.api_calls < state.most_calls:
        step = await _ask(scope, agent, state, turn, selection)
        await agent.budget.spend(scope, step.target, step.usage)
        await state.emit([UsageReported(step.usage, step.target.model)])
        state.rows.append(assistant_row(scope, step))
        if not step.tool_calls:
            return step
        await _use_tools(scope, state, step, turn, selection)
        await keep(state)
    raise ModelError(
        f"the model still wanted to use tools after {state.most_calls} rounds",
        code="model_bad_response",
        profile=scope.name,
        where="agent.max_turns",
        mend="ask for less at once, or raise agent.max_turns in config.yaml",
        partial=state.patience.text_shown,
    )


async def _ask(scope: ProfileScope, agent: Agent, state: LoopState, turn: ToolTurn, selection: ToolSelection) -> Step:
    """Ask the model for its next step; a conversation that it finds too long is compressed and sent once more."""
    state.context_length = state.context_length or agent.windows.length(first_target(scope, state.route))
    estimate = await _fit(scope, state, turn, selection)
    try:
        step = await _ask_once(scope, agent, state, turn, selection)
    except ModelError as error:
        if error.code != "model_context_length" or error.partial:
            raise
        before = estimate
        estimate = await _fit(scope, state, turn, selection, force=True)
        if estimate >= before:
            raise
        step = await _ask_once(scope, agent, state, turn, selection)
    state.reading = PromptReading(step.usage.input_tokens, estimate)
    return step


async def _ask_once(
    scope: ProfileScope, agent: Agent, state: LoopState, turn: ToolTurn, selection: ToolSelection
) -> Step:
    agent.budget.admit_call(scope)
    request = ModelRequest(
        with_context(state.messages, state.context) if state.context else tuple(state.messages),
        selection.schemas,
        route=state.route,
        cache_key=state.session_id,
        reasoning_effort=state.reasoning_effort,
    )
    if hears_of_requests(turn.workplace.hooks):
        step = await run_told_step(scope, turn, request, state.emit, state.patience, state.api_calls + 1)
    else:
        step = await run_step(scope, request, state.emit, state.patience)
    _count(state, step)
    agent.windows.learn(step.target)
    return step


async def _fit(
    scope: ProfileScope, state: LoopState, turn: ToolTurn, selection: ToolSelection, *, force: bool = False
) -> int:
    """Compress the conversation if it is too long; returns its estimated tokens."""
    wish = FitRequest(
        session_id=state.session_id,
        messages=state.messages,
        context_length=state.context_length,
        ask_model=turn.ask_model,
        tools_bytes=selection.schema_bytes,
        stored=state.from_store,
        reading=state.reading,
        force=force,
    )
    state.is_compressing = True
    try:
        fit = await fit_context(scope, wish)
    finally:
        state.is_compressing = False
    if fit.compressed:
        state.messages = list(fit.messages)
        state.patience.alive()
    return fit.estimate


def close_round(scope: ProfileScope, state: LoopState) -> None:
    """Give the running tool calls the results they have, or say that they were interrupted."""
    if state.round is not None:
        state.rows += tool_rows(scope, state.round.results())
        state.round = None


async def _use_tools(
    scope: ProfileScope, state: LoopState, step: Step, turn: ToolTurn, selection: ToolSelection
) -> None:
    state.round = ToolRound(step.tool_calls)
    state.acted = True
    await state.round.run(scope, turn, selection, state.emit, state.patience)
    results, said = state.round.results(), state.control.take()
    close_round(scope, state)
    if said:
        # A message of its own: what tools return does not speak for the user.
        state.rows.append(StoredMessage("user", said, scope.clock.now()))
    scope.files.look_again()
    state.messages.append(ChatMessage("assistant", step.text or None, tool_calls=step.tool_calls, replay=step.replay))
    state.messages += [ChatMessage("tool", result.text, tool_call_id=result.call_id) for result in results]
    state.messages += [ChatMessage("user", said)] if said else []
    if state.session_id:
        await tell_agent_step(turn, state.api_calls, results)


def _count(state: LoopState, step: Step) -> None:
    state.api_calls += 1
    state.usage = add_usage(state.usage, step.usage)
    state.target = step.target


def assistant_row(scope: ProfileScope, step: Step) -> StoredMessage:
    """The model's answer as it is stored."""
    return StoredMessage(
        role="assistant",
        content=step.text or (None if step.tool_calls else ""),
        timestamp=scope.clock.now(),
        tool_calls=tuple(ToolCall(call.id, call.name, call.arguments) for call in step.tool_calls) or None,
        finish_reason=step.finish_reason,
        token_count=step.usage.output_tokens or None,
        reasoning=step.reasoning or None,
    )


def tool_rows(scope: ProfileScope, results: Sequence[ToolResult]) -> list[StoredMessage]:
    """Tool results as they are stored."""
    now = scope.clock.now()
    return [
        StoredMessage(role="tool", content=one.text, timestamp=now, tool_call_id=one.call_id, tool_name=one.name)
        for one in results
    ]
