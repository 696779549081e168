"""How lanes and adapters look to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from hermes_trio.turns.commands.context import AdapterView, RunningTurn

if TYPE_CHECKING:
    from hermes_trio.gateway.adapter_slot import AdapterSlot
    from hermes_trio.gateway.lane import Lane


def running_turn(lane: Lane) -> RunningTurn | None:
    """The turn that runs in a lane, or None."""
    turn = lane.turn
    if turn is None:
        return None
    now = trio.current_time()
    return RunningTurn(
        turn_id=turn.turn_id,
        seconds=now - turn.begun,
        idle_seconds=now - turn.control.last_activity,
        tool=turn.control.current_tool,
        api_calls=turn.control.api_calls,
    )


def adapter_view(slot: AdapterSlot) -> AdapterView:
    """An adapter, as people see it."""
    return AdapterView(slot.platform, str(slot.state), slot.reason or "", slot.bot.name if slot.bot else "")
