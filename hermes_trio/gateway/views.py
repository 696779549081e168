"""How lanes and adapters look to people and to other programs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import trio

from hermes_trio.gateway.adapter_slot import AdapterState
from hermes_trio.gateway.report import AdapterReport, TurnReport
from hermes_trio.home.status_file import PlatformStatus
from hermes_trio.turns.commands.context import AdapterView, RunningTurn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.gateway.adapter_slot import AdapterSlot
    from hermes_trio.gateway.chats import Chats
    from hermes_trio.gateway.lane import Lane

_HERMES_STATES: Mapping[AdapterState, str] = {
    AdapterState.PARKED: "fatal",
    AdapterState.PAUSED: "disconnected",
    AdapterState.STOPPED: "disconnected",
}
"""What hermes-agent calls the states that it calls differently."""


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


def adapter_reports(chats: Chats) -> list[AdapterReport]:
    """The adapters of a profile."""
    return [_adapter_report(slot, chats.ingress(slot).dropped) for slot in chats.slots.values()]


def _adapter_report(slot: AdapterSlot, dropped: Mapping[str, int]) -> AdapterReport:
    return AdapterReport(
        platform=slot.platform,
        state=str(slot.state),
        reason=slot.reason,
        detail=slot.detail,
        since=slot.since,
        next_retry=slot.next_retry,
        bot=slot.bot.name if slot.bot else "",
        received=slot.received,
        sent=slot.sent,
        dropped=dict(dropped),
    )


def turn_reports(chats: Chats) -> list[TurnReport]:
    """The answers that are being made in a profile's chats, the longest first."""
    found = [_turn_report(lane, turn) for lane in chats.lanes if (turn := running_turn(lane)) is not None]
    return sorted(found, key=lambda report: -report.seconds)


def _turn_report(lane: Lane, turn: RunningTurn) -> TurnReport:
    return TurnReport(
        turn=turn.turn_id,
        session_key=str(lane.session_key),
        transport_profile=lane.transport_profile,
        seconds=turn.seconds,
        idle_seconds=turn.idle_seconds,
        tool=turn.tool,
        api_calls=turn.api_calls,
        queued=len(lane.waiting),
    )


def platform_status(slot: AdapterSlot) -> PlatformStatus:
    """An adapter in the words that hermes-agent has for it."""
    return PlatformStatus(
        state=_HERMES_STATES.get(slot.state, str(slot.state)),
        error_code=slot.reason,
        error_message=slot.detail,
        updated_at=datetime.fromtimestamp(slot.since, UTC).isoformat(),
    )
