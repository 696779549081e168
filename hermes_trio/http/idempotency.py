"""Answers a repeated request with the first one's result instead of a second turn."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec
import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

Result = TypeVar("Result")

KEPT_SECONDS = 300.0
KEPT_RESULTS = 1000


def request_fingerprint(key: str, endpoint: str, body: Mapping[str, object], names: Sequence[str]) -> str:
    """What two requests must have in common to count as the same: the ``Idempotency-Key`` and what is asked.

    Args:
        key: The header's value.
        endpoint: Tells endpoints apart.
        body: The decoded body.
        names: The parts of the body that count.
    """
    asked = msgspec.json.encode([key, endpoint, *(body.get(name) for name in names)], order="deterministic")
    return hashlib.sha256(asked).hexdigest()


class _Entry(Generic[Result]):
    __slots__ = ("done", "expires", "result")

    def __init__(self) -> None:
        self.done = trio.Event()
        self.expires = float("inf")
        self.result: Result | None = None


class IdempotencyCache(Generic[Result]):
    """The results of one profile's recent requests that carried an ``Idempotency-Key``."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry[Result]] = OrderedDict()

    async def once_or_again(
        self, fingerprint: str | None, work: Callable[[], Awaitable[Result]], again: Callable[[Result], Awaitable[None]]
    ) -> Result:
        """Like `once`; a result that is not fresh is told to ``again``. Without a fingerprint all work is fresh."""
        if fingerprint is None:
            return await work()
        fresh = False

        async def work_afresh() -> Result:
            nonlocal fresh
            fresh = True
            return await work()

        result = await self.once(fingerprint, work_afresh)
        if not fresh:
            await again(result)
        return result

    async def once(self, fingerprint: str, work: Callable[[], Awaitable[Result]]) -> Result:
        """The result of ``work``, or that of the same request up to 300 s ago, or of one that runs now.

        A failure is not kept: it goes to its own caller, and the next request that waited tries again.
        """
        while True:
            self._forget_old()
            entry = self._entries.get(fingerprint)
            if entry is None:
                return await self._first(fingerprint, work)
            await entry.done.wait()
            if entry.result is not None:
                return entry.result

    async def _first(self, fingerprint: str, work: Callable[[], Awaitable[Result]]) -> Result:
        entry: _Entry[Result] = _Entry()
        self._entries[fingerprint] = entry
        try:
            result = entry.result = await work()
            entry.expires = trio.current_time() + KEPT_SECONDS
        finally:
            # Many others may have pushed it out, and the same request may have begun anew since.
            if entry.result is None and self._entries.get(fingerprint) is entry:
                del self._entries[fingerprint]
            entry.done.set()
        return result

    def _forget_old(self) -> None:
        now = trio.current_time()
        for fingerprint in [key for key, entry in self._entries.items() if entry.expires <= now]:
            del self._entries[fingerprint]
        while len(self._entries) > KEPT_RESULTS:
            self._entries.popitem(last=False)
