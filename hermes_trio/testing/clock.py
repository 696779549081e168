"""A wall clock for tests that goes as fast as Trio's own, mocked or not."""

from __future__ import annotations

import trio

from hermes_trio.io.clock import FixedClock


class MovingClock(FixedClock):
    """Goes on with Trio's time, so that what is to happen in an hour happens when a test has slept for one.

    `advance` moves it further. To be made and read within ``trio.run``.
    """

    def __init__(self, start: float = 1_790_000_000.0) -> None:
        super().__init__(start)
        self._begun = trio.current_time()

    def now(self) -> float:
        """See `Clock.now`."""
        return self._now + trio.current_time() - self._begun
