"""Server-sent events, decoded incrementally; pure.

The format is the one of the WHATWG HTML standard, section "Server-sent events": lines end in LF, CRLF or CR, a colon
begins a comment, ``data`` lines of one event are joined by LF, a blank line ends the event. Two things differ, because
model providers need them: events whose data is empty are dropped, and `SseDecoder.finish` delivers an event that the
end of the stream cut before its blank line.
"""

from __future__ import annotations

from typing import NamedTuple

from hermes_trio.errors import ModelError

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""Longest event that is accepted; image models answer with megabytes in one event."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class SseEvent(NamedTuple):
    """One event.

    Attributes:
        data: The payload.
        name: What the ``event`` field said, empty without one.
    """

    data: bytes
    name: str


class SseDecoder:
    """Turns bytes, cut anywhere, into the events they hold.

    Args:
        max_event: Longest event accepted, in bytes.
    """

    __slots__ = ("_after_cr", "_at_start", "_data", "_line", "_line_size", "_max_event", "_name", "_size")

    def __init__(self, max_event: int = MAX_EVENT_BYTES) -> None:
        self._max_event = max_event
        self._line: list[bytes] = []  # pieces of the line that has not ended yet; joined once, not at every feed
        self._line_size = 0
        self._data: list[bytes] = []  # data lines of the event that has not ended yet
        self._name = ""
        self._size = 0
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take received bytes; return the payloads of the events that they complete.

        Raises:
            ModelError: ``model_bad_response``: an event is longer than the bound.
        """
        return [event.data for event in self.feed_events(chunk)]

    def feed_events(self, chunk: bytes) -> list[SseEvent]:
        """Like `feed`, with the events' names."""
        if self._after_cr or b"\r" in chunk:
            chunk = self._unify_line_ends(chunk)
        lines = chunk.split(b"\n")
        last = lines.pop()
        if lines and self._line:
            self._line.append(lines[0])
            lines[0] = b"".join(self._line)
            self._line.clear()
            self._line_size = 0
        if lines and self._at_start:
            self._at_start = False
            lines[0] = lines[0].removeprefix(_BYTE_ORDER_MARK)
        events = self._take_lines(lines)
        if last:
            self._line.append(last)
            self._line_size += len(last)
            self._check_size()
        return events

    def finish(self) -> list[SseEvent]:
        """The stream has ended: deliver what it left unfinished. The decoder is as new afterwards."""
        events = self.feed_events(b"\n\n")
        self._name, self._size, self._after_cr, self._at_start = "", 0, False, True
        return events

    def _unify_line_ends(self, chunk: bytes) -> bytes:
        """CRLF may be cut in two: a CR ends its line at once, and an LF right after it is dropped."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if chunk.endswith(b"\r"):
            self._after_cr = True
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _take_lines(self, lines: list[bytes]) -> list[SseEvent]:
        events: list[SseEvent] = []
        data = self._data
        for line in lines:
            if not line:
                if data:
                    payload = data[0] if len(data) == 1 else b"\n".join(data)
                    if payload:
                        events.append(SseEvent(payload, self._name))
                    data.clear()
                self._name = ""
                self._size = 0
            elif line.startswith(b"data: "):
                data.append(line[6:])
                self._size += len(line)
                self._check_size()
            else:
                self._take_other_line(line)
        return events

    def _take_other_line(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._size += len(line)
            self._check_size()
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")

    def _check_size(self) -> None:
        if self._size + self._line_size > self._max_event:
            raise ModelError(
                f"an event of the stream is longer than {self._max_event} bytes", code="model_bad_response"
            )
