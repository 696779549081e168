"""What the databases of all profiles share: limits on worker threads, and how many files stay open while unused."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

import trio

MAX_OPEN = 16
IDLE_SECONDS = 600.0
RESTING_SECONDS = 1.0
"""Whoever has just used a database will probably use it again, and opening it anew takes longer than a turn."""

THREADS = 4


class Evictable(Protocol):
    """A database that can be asked to close its files while it is idle."""

    def request_close(self) -> None:
        """Close the files soon, unless somebody uses them by then."""
        ...


class OpenDatabases:
    """Gateway-wide: when too many databases stay open without being used, the least recently used close first.

    An open database costs three file descriptors, five when it has been read from as well, so a hundred profiles would
    otherwise hold several hundred. Databases in use do not count: nothing is ever closed under a running job.

    Args:
        max_open: How many databases may stay open while idle.
        idle_seconds: An idle database closes after this time as well.
        resting_seconds: It stays open for so long at least.
        threads: Worker threads for all writers together, and the same again for all readers.
    """

    def __init__(
        self,
        max_open: int = MAX_OPEN,
        idle_seconds: float = IDLE_SECONDS,
        threads: int = THREADS,
        resting_seconds: float = RESTING_SECONDS,
    ) -> None:
        self.max_open = max_open
        self.resting_seconds = resting_seconds
        self.idle_seconds = idle_seconds
        self.writers = trio.CapacityLimiter(threads)
        self.readers = trio.CapacityLimiter(threads)
        self._idle: OrderedDict[Evictable, float] = OrderedDict()

    def note_busy(self, database: Evictable) -> None:
        """Take ``database`` out of the idle ones: it is used now, or closed."""
        self._idle.pop(database, None)

    def note_idle(self, database: Evictable) -> float:
        """Put an open ``database`` behind all other idle ones; when there are too many, the oldest are to close.

        Returns:
            How many seconds it may stay open, unless it is asked to close before.
        """
        now = trio.current_time()
        self._idle[database] = now
        self._idle.move_to_end(database)
        while len(self._idle) > self.max_open:
            oldest, since = next(iter(self._idle.items()))
            if now - since < self.resting_seconds:
                break
            del self._idle[oldest]
            oldest.request_close()
        return self.idle_seconds if len(self._idle) <= self.max_open else self.resting_seconds

    @property
    def idle_count(self) -> int:
        """How many databases are open and idle."""
        return len(self._idle)
