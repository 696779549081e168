"""Wall time as an argument, so that tests can set it; intervals use ``trio.current_time()``, as settable."""

from __future__ import annotations

import time
from datetime import UTC, datetime, tzinfo
from typing import Protocol


class Clock(Protocol):
    """Tells the wall time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def local(self, zone: tzinfo | None = None) -> datetime:
        """The aware wall time in ``zone`` (default: the machine's zone)."""
        ...

    def instant(self, local: datetime) -> float:
        """Seconds since the epoch of a naive time in the machine's zone; of two that read alike, the later."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """See `Clock.now`."""
        return time.time()  # noqa: TID251  the one place that may

    def local(self, zone: tzinfo | None = None) -> datetime:
        """See `Clock.local`."""
        return datetime.fromtimestamp(self.now(), UTC).astimezone(zone)

    def instant(self, local: datetime) -> float:
        """See `Clock.instant`."""
        return local.replace(fold=1).timestamp()


class FixedClock:
    """A clock for tests: stands at ``start`` (seconds since the epoch) and moves with ``advance``."""

    def __init__(self, start: float = 1_790_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        """See `Clock.now`."""
        return self._now

    def local(self, zone: tzinfo | None = None) -> datetime:
        """See `Clock.local`."""
        return datetime.fromtimestamp(self.now(), UTC).astimezone(zone or UTC)

    def instant(self, local: datetime) -> float:
        """See `Clock.instant`."""
        return local.replace(tzinfo=UTC).timestamp()

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._now += seconds
