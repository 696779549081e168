"""The events of one run that nobody has read yet."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.errors import RequestError
from hermes_trio.http.runs.events import MessageDelta, frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.http.runs.events import RunEvent

MOST_EVENTS: Final = 1000
MOST_BYTES: Final = 256 * 1024
LONGEST_DELTA: Final = 8192
"""Characters of text that may grow together to one event while nobody reads."""


class RunEventBuffer:
    """A bounded queue with one reader at a time, whose writer never waits.

    Text that nobody has read yet grows together. When more than 1000 events or 256 KiB wait, the oldest are dropped:
    their numbers are missing then. What a reader was being sent when it went away is there for the next one again.

    Args:
        run_id: The run.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._frames: deque[bytes] = deque()
        self._growing: MessageDelta | None = None
        self._in_flight: list[bytes] = []
        self._bytes = 0
        self._seq = 0
        self._closed = False
        self._is_read = False
        self._ready = trio.Event()

    @property
    def size(self) -> int:
        """How much waits, in bytes; of text that still grows, in characters."""
        return self._bytes + (0 if self._growing is None else len(self._growing.delta))

    def add(self, event: RunEvent, at: float) -> None:
        """Add an event that happened at this wall time; it gets its number and the run's id."""
        growing = self._growing
        if (
            growing is not None
            and isinstance(event, MessageDelta)
            and len(growing.delta) + len(event.delta) <= LONGEST_DELTA
        ):
            growing.delta += event.delta
        else:
            self._seal()
            self.stamp(event, at)
            if isinstance(event, MessageDelta):
                self._growing = event
            else:
                self._append(frame(event))
        self._drop_oldest()
        self._ready.set()

    def stamp(self, event: RunEvent, at: float) -> None:
        """Give an event the next number, the run's id and its time."""
        self._seq += 1
        event.run_id, event.timestamp, event.seq = self._run_id, at, self._seq

    def close(self) -> None:
        """No more events will come."""
        self._closed = True
        self._ready.set()

    @contextmanager
    def read(self) -> Iterator[None]:
        """Be the one reader for the length of the block.

        Raises:
            RequestError: Status 409, code ``run_events_taken``: somebody else is.
        """
        if self._is_read:
            raise RequestError(
                "somebody reads this run's events already; a run's events have one reader at a time",
                status=409,
                code="run_events_taken",
                mend="end the other stream first",
                retry_after=1.0,
            )
        self._is_read = True
        try:
            yield
        finally:
            self._is_read = False
            self._put_back()

    async def take(self) -> list[bytes]:
        """All events that wait, at least one, and what was taken before counts as sent; empty at the very end.

        Not a checkpoint when something waits. Cancellation: nothing is lost.
        """
        self._in_flight = []
        while not self._frames and self._growing is None and not self._closed:
            self._ready = trio.Event()
            await self._ready.wait()
        self._seal()
        taken = self._in_flight = list(self._frames)
        self._frames.clear()
        self._bytes = 0
        return taken

    def _seal(self) -> None:
        if self._growing is not None:
            growing, self._growing = self._growing, None
            self._append(frame(growing))

    def _append(self, data: bytes) -> None:
        self._frames.append(data)
        self._bytes += len(data)

    def _put_back(self) -> None:
        self._frames.extendleft(reversed(self._in_flight))
        self._bytes += sum(map(len, self._in_flight))
        self._in_flight = []
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        while self._frames and (len(self._frames) > MOST_EVENTS or self.size > MOST_BYTES):
            self._bytes -= len(self._frames.popleft())
