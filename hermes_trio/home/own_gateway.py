"""A gateway for one named profile alone, and the guard that keeps it away from the one that serves it already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.errors import HomeError, ProfileServed
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.process_record import read_live_gateway
from hermes_trio.home.status_file import read_status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hermes_trio.home.paths import HomePaths
    from hermes_trio.home.process_record import Processes, ProcessRecord


def refuse_served_profiles(home: HomePaths, profiles: Iterable[str], processes: Processes | None = None) -> None:
    """Refuse to serve named profiles that the live gateway of the root home, ours or Hermes' own, serves; blocking.

    Which ones it serves it says in ``gateway_state.json``; the file of another process says nothing.

    Args:
        home: The root home.
        profiles: Profiles that are to be served; the default one is the business of the home's lock.
        processes: What is known about other processes; this machine's unless a test says otherwise.

    Raises:
        ProfileServed: It serves one of them; names its pid, its home and the profile.
    """
    running = read_live_gateway(home, processes)
    if running is None:
        return
    served = _served_by(home, running)
    for profile in profiles:
        if profile != DEFAULT_PROFILE and profile in served:
            raise ProfileServed(
                "the gateway that runs serves this profile already",
                profile=profile,
                where=str(home.root),
                found=f"pid {running.pid} ({running.command}), which serves {', '.join(served)}",
                expected="one gateway for a profile",
                mend=f"use the running one at /p/{profile}/, or stop it with `kill {running.pid}`; "
                "`run -p NAME --force` starts a second one all the same",
            )


def _served_by(home: HomePaths, running: ProcessRecord) -> tuple[str, ...]:
    try:
        status = read_status(home)
    except HomeError:
        return ()
    if status is None or status.record.pid != running.pid:
        return ()
    starts = {status.record.start_time, running.start_time} - {None}  # old homes do not say
    return status.served_profiles if len(starts) <= 1 else ()
