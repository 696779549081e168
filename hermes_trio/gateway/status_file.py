"""Keeps ``gateway_state.json`` in the root home true, for programs that read files instead of asking."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

import trio

from hermes_trio.errors import HomeError
from hermes_trio.gateway.states import ProfileState
from hermes_trio.home.process_record import current_process_record
from hermes_trio.home.status_file import GatewayStatus, ProfileStatus, write_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermes_trio.gateway.gateway import Gateway
    from hermes_trio.gateway.table import ProfileSlot

GATHER_SECONDS = 0.2
LAST_WRITE_SECONDS = 2.0


async def serve_status_file(gateway: Gateway, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Write the file at each change of state, at most five times a second, and once more at the end.

    A file that cannot be written is reported once; the gateway serves without it.
    """
    writer = _Writer(gateway)
    task_status.started()
    try:
        while True:
            changed = gateway.changes
            await writer.write(str(gateway.status().state), _profile_status)
            await changed.wait()
            await trio.sleep(GATHER_SECONDS)
    finally:
        with trio.move_on_after(LAST_WRITE_SECONDS, shield=True):
            await writer.write("stopped", _stopped_status)


class _Writer:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._threads = trio.CapacityLimiter(1)
        self._record = current_process_record(gateway.options.argv)
        self._failed = False

    async def write(self, state: str, profile_status: Callable[[ProfileSlot], ProfileStatus]) -> None:
        gateway = self._gateway
        status = GatewayStatus(
            record=self._record,
            gateway_state=state,
            updated_at=_iso(gateway.shared.clock.now()),
            exit_reason=gateway.exit_reason,
            restart_requested=gateway.restart_requested,
            active_agents=gateway.capacity.running(),
            served_profiles=tuple(slot.name for slot in gateway.table if slot.state is not ProfileState.PARKED),
            profiles=MappingProxyType({slot.name: profile_status(slot) for slot in gateway.table}),
        )
        try:
            await gateway.shared.workers.run(write_status, gateway.home, status, limiter=self._threads)
        except HomeError as error:
            if not self._failed:
                gateway.log.warning(f"the status file cannot be written: {error}")
            self._failed = True


def _profile_status(slot: ProfileSlot) -> ProfileStatus:
    return ProfileStatus(
        state=str(slot.state),
        reason=slot.reason,
        since=_iso(slot.since),
        next_retry=None if slot.next_retry is None else _iso(slot.next_retry),
        generation=slot.generation,
        problem=slot.detail,
    )


def _stopped_status(slot: ProfileSlot) -> ProfileStatus:
    """What is true once the process has gone; a parked profile stays parked."""
    status = _profile_status(slot)
    if slot.state is ProfileState.PARKED:
        return status
    return replace(status, state=str(ProfileState.STOPPED), reason=None, next_retry=None, problem=None)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
