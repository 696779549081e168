"""Hands a turn's events from the profile's nursery to the request's task, all that are ready at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import trio

if TYPE_CHECKING:
    from collections.abc import Sequence

EVENTS_AHEAD = 4096

Event = TypeVar("Event")


class EventBuffer(Generic[Event]):
    """A bounded queue that is emptied in one go.

    Cheaper than a memory channel: one wake-up for a batch of events instead of one for each. The producer waits while
    more than 4096 events are ahead of the reader, so that a slow client slows its own turn and fills nobody's memory.
    """

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._closed = False
        self._ready = trio.Event()
        self._taken = trio.Event()

    async def put(self, events: Sequence[Event]) -> None:
        """Add events in order; waits while the reader is too far behind (cancellable)."""
        self._events.extend(events)
        self._ready.set()
        while len(self._events) > EVENTS_AHEAD:
            if self._taken.is_set():
                self._taken = trio.Event()
            await self._taken.wait()

    def close(self) -> None:
        """No more events will come."""
        self._closed = True
        self._ready.set()

    async def take(self) -> list[Event]:
        """All events that are ready, at least one; an empty list once the buffer is closed and empty."""
        while not self._events and not self._closed:
            self._ready = trio.Event()
            await self._ready.wait()
        events, self._events = self._events, []
        self._taken.set()
        return events
