"""What a turn leaves in the store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hermes_trio.models.events import Usage
from hermes_trio.store.sessions import TurnRecord, UsageRecord

if TYPE_CHECKING:
    from hermes_trio.models.target import ModelTarget
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.sessions import SqlJob
    from hermes_trio.turns.loop import LoopState
    from hermes_trio.turns.opening import Opening


def turn_record(scope: ProfileScope, opening: Opening, state: LoopState, seal: SqlJob | None = None) -> TurnRecord:
    """Take what is not stored yet out of ``state``, as one record.

    Args:
        scope: The profile.
        opening: What the turn started from.
        state: Its loop.
        seal: What is to happen in the same transaction.
    """
    rows, state.rows = tuple(state.rows), []
    session = opening.session
    usage = None
    if state.target is not None:
        usage = usage_record(state.target, state.api_calls - state.stored_calls, _less(state.usage, state.stored_usage))
        if session.model != state.target.model:
            session = replace(session, model=state.target.model)
    auxiliary, state.auxiliary = tuple(state.auxiliary), []
    state.stored_calls, state.stored_usage = state.api_calls, state.usage
    return TurnRecord(session, rows, usage, scope.clock.now(), earlier=opening.earlier, auxiliary=auxiliary, seal=seal)


def usage_record(target: ModelTarget, api_calls: int, usage: Usage, task: str = "") -> UsageRecord:
    """What a model has charged for so many calls."""
    return UsageRecord(
        model=target.model,
        provider=target.provider,
        base_url=target.base_url,
        api_calls=api_calls,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        task=task,
    )


def _less(one: Usage, other: Usage) -> Usage:
    return Usage(
        input_tokens=one.input_tokens - other.input_tokens,
        output_tokens=one.output_tokens - other.output_tokens,
        cache_read_tokens=one.cache_read_tokens - other.cache_read_tokens,
        cache_write_tokens=one.cache_write_tokens - other.cache_write_tokens,
        reasoning_tokens=one.reasoning_tokens - other.reasoning_tokens,
    )
