"""Answers a repeated request with the first one's result instead of a second turn."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec
import trio

from hermes_trio.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

Result = TypeVar("Result")

KEPT_SECONDS = 300.0
KEPT_RESULTS = 1000
KEPT_BYTES = 32 * 1024 * 1024


def request_fingerprint(
    key: str, endpoint: str, place: Sequence[str | None], body: Mapping[str, object], names: Sequence[str]
) -> str:
    """What two requests must have in common to count as the same: the ``Idempotency-Key`` and what is asked.

    Args:
        key: The header's value.
        endpoint: Tells endpoints apart.
        place: Tells conversations and their users apart, as far as headers name them.
        body: The decoded body.
        names: The parts of the body that count.

    Raises:
        RequestError: The body is nested too deeply.
    """
    asked = [key, endpoint, place, *(body.get(name) for name in names)]
    try:
        encoded = msgspec.json.encode(asked, order="deterministic")
    except RecursionError as error:
        raise RequestError("the body is nested too deeply") from error
    return hashlib.sha256(encoded).hexdigest()


class _Entry(Generic[Result]):
    __slots__ = ("done", "expires", "result", "size")

    def __init__(self) -> None:
        self.done = trio.Event()
        self.expires = float("inf")
        self.result: Result | None = None
        self.size = 0


class IdempotencyCache(Generic[Result]):
    """The results of one profile's recent requests that carried an ``Idempotency-Key``.

    At most 1000 that take 32 MiB together; the oldest requests go first. How many run is bounded by the connections.

    Args:
        size_of: About how much memory a result takes, in bytes.
    """

    def __init__(self, size_of: Callable[[Result], int]) -> None:
        self._size_of = size_of
        self._entries: dict[str, _Entry[Result]] = {}

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
        entry = self._entries[fingerprint] = _Entry[Result]()
        try:
            result = entry.result = await work()
            entry.expires, entry.size = trio.current_time() + KEPT_SECONDS, self._size_of(result)
            self._forget_old()
        finally:
            if entry.result is None:
                del self._entries[fingerprint]
            entry.done.set()
        return result

    def _forget_old(self) -> None:
        now = trio.current_time()
        kept = [(fingerprint, entry) for fingerprint, entry in self._entries.items() if entry.result is not None]
        count, size = len(kept), sum(entry.size for _, entry in kept)
        for fingerprint, entry in kept:
            if entry.expires <= now or count > KEPT_RESULTS or size > KEPT_BYTES:
                del self._entries[fingerprint]
                count, size = count - 1, size - entry.size
