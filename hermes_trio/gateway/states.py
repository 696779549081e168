"""The states of a profile and what is remembered of a crash."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class ProfileState(enum.StrEnum):
    """Where a profile is in its life."""

    STARTING = "starting"
    RUNNING = "running"
    DEGRADED = "degraded"
    """Serves, but something it needs is missing; the reason says what."""
    DRAINING = "draining"
    BACKOFF = "backoff"
    """Crashed; starts again at ``next_retry``."""
    QUARANTINED = "quarantined"
    """Crashed too often; probed now and then."""
    PARKED = "parked"
    """Its owner does not want it served."""
    FAILED = "failed"
    """Cannot start until somebody mends a file."""
    STOPPED = "stopped"

    @property
    def serves(self) -> bool:
        """Whether requests are answered in this state."""
        return self in (ProfileState.RUNNING, ProfileState.DEGRADED)

    @property
    def settled(self) -> bool:
        """Whether the state lasts until something happens from outside or a timer fires."""
        return self not in (ProfileState.STARTING, ProfileState.DRAINING)


@dataclass(frozen=True, slots=True)
class CrashReport:
    """One end of a generation that nobody asked for.

    Attributes:
        at: Wall time, seconds since the epoch.
        generation: The generation that ended.
        reason: Stable reason code.
        errors: One line for each leaf exception.
    """

    at: float
    generation: int
    reason: str
    errors: tuple[str, ...]
