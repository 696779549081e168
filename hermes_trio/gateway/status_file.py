"""Keeps ``gateway_state.json`` in the root home true, for programs that read files instead of asking."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

import trio

from hermes_trio.errors import HomeError
from hermes_trio.gateway.states import ProfileState
from hermes_trio.gateway.views import platform_status
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.process_record import current_process_record
from hermes_trio.home.status_file import GatewayStatus, PlatformStatus, ProfileStatus, write_status

if TYPE_CHECKING:
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
            await writer.write()
            await changed.wait()
            await trio.sleep(GATHER_SECONDS)
    finally:
        with trio.move_on_after(LAST_WRITE_SECONDS, shield=True):
            await writer.write_stopped()


class _Writer:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._threads = trio.CapacityLimiter(1)
        self._record = current_process_record(gateway.options.argv)
        self._failed = False

    async def write(self) -> None:
        """Write what is true now."""
        await self._replace(self._status())

    async def write_stopped(self) -> None:
        """Write what is true once the process has gone."""
        now = self._status()
        profiles = {slot.name: _stopped_status(slot) for slot in self._gateway.table}
        platforms = {name: PlatformStatus("disconnected", updated_at=now.updated_at) for name in now.platforms}
        await self._replace(
            replace(
                now,
                gateway_state="stopped",
                platforms=MappingProxyType(platforms),
                profiles=MappingProxyType(profiles),
            )
        )

    def _status(self) -> GatewayStatus:
        gateway = self._gateway
        return GatewayStatus(
            record=self._record,
            gateway_state=gateway.status().state,
            updated_at=_iso(gateway.shared.clock.now()),
            exit_reason=gateway.exit_reason,
            restart_requested=gateway.restart_requested,
            active_agents=gateway.capacity.running(),
            platforms=MappingProxyType(_platforms(gateway)),
            served_profiles=tuple(slot.name for slot in gateway.table if slot.state is not ProfileState.PARKED),
            profiles=MappingProxyType({slot.name: _profile_status(slot) for slot in gateway.table}),
        )

    async def _replace(self, status: GatewayStatus) -> None:
        gateway = self._gateway
        try:
            await gateway.shared.workers.run(write_status, gateway.options.own_files, status, limiter=self._threads)
        except HomeError as error:
            if not self._failed:
                gateway.log.warning(f"the status file cannot be written: {error}")
            self._failed = True


def _platforms(gateway: Gateway) -> dict[str, PlatformStatus]:
    found: dict[str, PlatformStatus] = {}
    for slot in gateway.table:
        chats = slot.runtime.chats if slot.runtime is not None else None
        prefix = "" if slot.name == DEFAULT_PROFILE else f"{slot.name}:"
        for name, adapter in chats.slots.items() if chats is not None else ():
            found[f"{prefix}{name}"] = platform_status(adapter)
    return found


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
