"""How many turns may run: a limit per profile, a limit for the gateway, and a fair share of it for everybody."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio

from hermes_trio.errors import CapacityExceeded

if TYPE_CHECKING:
    from collections.abc import Iterator

RETRY_AFTER_SECONDS = 1.0


class TurnCapacity:
    """Seats for running turns, shared by all profiles of a gateway.

    Half of all seats are reserved in equal parts, one part for each profile; the rest go to whoever comes first. So a
    profile that takes all it can get leaves every other one its part.

    Args:
        total: Seats of the whole gateway (``gateway.max_concurrent_turns``).
        profiles: Number of profiles that share them.
    """

    def __init__(self, total: int, profiles: int) -> None:
        self._total = total
        self._reserved = total // (2 * max(1, profiles))
        self._shared_free = total - self._reserved * profiles
        self._running: dict[str, int] = {}
        self._freed = trio.Event()

    @property
    def freed(self) -> trio.Event:
        """Is set at the next `look_again`; take it before you ask for a seat, or you may miss that."""
        return self._freed

    @property
    def total(self) -> int:
        """Seats of the whole gateway."""
        return self._total

    def running(self, profile: str | None = None) -> int:
        """Turns that run now, of one profile or of all."""
        return sum(self._running.values()) if profile is None else self._running.get(profile, 0)

    def has_free(self, profile: str, limit: int) -> bool:
        """Whether `seat` would give one now."""
        running = self._running.get(profile, 0)
        return running < limit and (running < self._reserved or self._shared_free > 0)

    @contextmanager
    def seat(self, profile: str, limit: int) -> Iterator[None]:
        """Hold one seat for a turn of ``profile``, of which at most ``limit`` may run.

        Raises:
            CapacityExceeded: No seat is free; the error names the setting that limits.
        """
        running = self._running.get(profile, 0)
        if running >= limit:
            raise _exceeded(profile, "max_concurrent_sessions", limit)
        takes_shared = running >= self._reserved
        if takes_shared and self._shared_free <= 0:
            raise _exceeded(profile, "gateway.max_concurrent_turns", self._total)
        self._take(profile, takes_shared, 1)
        try:
            yield
        finally:
            # Which turn ends first does not matter, only how many are above the reserved part.
            self._take(profile, self._running[profile] > self._reserved, -1)
            self.look_again()

    def look_again(self) -> None:
        """Wake those who wait for a seat: one is free, or they are not to wait any longer."""
        freed, self._freed = self._freed, trio.Event()
        freed.set()

    def _take(self, profile: str, shared: bool, seats: int) -> None:
        self._running[profile] = self._running.get(profile, 0) + seats
        if shared:
            self._shared_free -= seats
        if not self._running[profile]:
            del self._running[profile]


def _exceeded(profile: str, setting: str, limit: int) -> CapacityExceeded:
    return CapacityExceeded(
        f"{setting} is {limit} and that many turns are running",
        profile=profile,
        limit=setting,
        retry_after=RETRY_AFTER_SECONDS,
    )
