"""Tells tasks of one profile that something in its database changed, without polling."""

from __future__ import annotations

import trio


class Changes:
    """Counts changes by topic, usually a table's name. Only changes made through this process are seen."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._waiting: dict[str, trio.Event] = {}

    def mark(self, topic: str) -> None:
        """Count one change of ``topic`` and wake all who wait for it. Call it after the commit."""
        self._counts[topic] = self._counts.get(topic, 0) + 1
        waiting = self._waiting.pop(topic, None)
        if waiting is not None:
            waiting.set()

    def count(self, topic: str) -> int:
        """How many changes of ``topic`` there have been."""
        return self._counts.get(topic, 0)

    async def wait_beyond(self, topic: str, seen: int) -> int:
        """Wait until more than ``seen`` changes of ``topic`` have been counted and return their number.

        Cancellation: may be cancelled at any time; returns at once, without a checkpoint, when there is something new.
        """
        while self.count(topic) <= seen:
            await self._waiting.setdefault(topic, trio.Event()).wait()
        return self.count(topic)
