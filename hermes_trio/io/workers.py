"""Where blocking work goes: worker threads in production, the calling task in tests on a mock clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar, TypeVarTuple

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Workers(Protocol):
    """Runs blocking functions for async callers."""

    async def run(self, fn: Callable[[*Ts], T], *args: *Ts, limiter: trio.CapacityLimiter) -> T:
        """Run ``fn(*args)`` and return its result.

        Waits for a token of ``limiter`` first (cancellable). Once ``fn`` has begun it is never abandoned: a cancelled
        caller waits for it, so ``fn`` needs its own time-outs.
        """
        ...


class ThreadWorkers:
    """Worker threads, bounded by the limiter the caller names."""

    async def run(self, fn: Callable[[*Ts], T], *args: *Ts, limiter: trio.CapacityLimiter) -> T:
        """See `Workers.run`."""
        return await trio.to_thread.run_sync(fn, *args, limiter=limiter)


class InlineWorkers:
    """Runs the work in the calling task.

    For tests: a mock clock with autojump takes a task that waits for a real thread for an idle one and runs away.
    """

    async def run(self, fn: Callable[[*Ts], T], *args: *Ts, limiter: trio.CapacityLimiter) -> T:
        """See `Workers.run`."""
        async with limiter:
            return fn(*args)
