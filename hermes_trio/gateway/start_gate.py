"""Bounds how many profiles read their files at once, without letting slow disks hold up the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermes_trio.io.workers import Workers

T = TypeVar("T")

AT_ONCE = 4
SLOW_AFTER_SECONDS = 0.25


class StartGate:
    """Runs the blocking start of profiles in a few threads.

    A start that takes longer than 0.25 s (a network disk that hangs) gives its place to the next one while it goes on.
    """

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._limiter = trio.CapacityLimiter(AT_ONCE)

    async def run(self, fn: Callable[[], T]) -> T:
        """Run ``fn`` in a worker; its error arrives in an exception group. Cancellation waits for ``fn``."""
        begun = trio.Event()
        token = trio.lowlevel.current_trio_token()

        def work() -> T:
            token.run_sync_soon(begun.set)
            return fn()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._lend_a_place, begun)
            try:
                return await self._workers.run(work, limiter=self._limiter)
            finally:
                nursery.cancel_scope.cancel()

    async def _lend_a_place(self, begun: trio.Event) -> None:
        await begun.wait()
        await trio.sleep(SLOW_AFTER_SECONDS)
        self._limiter.total_tokens += 1
        try:
            await trio.sleep_forever()
        finally:
            self._limiter.total_tokens -= 1
