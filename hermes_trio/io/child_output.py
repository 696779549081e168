"""Where the output of a child process goes: bounded buffers that say how much they left out."""

from __future__ import annotations

import codecs
from typing import Final, Protocol

#: Buffers are cut when they are this much too long, not at every feed.
_SPARE: Final = 65536
_PARTS: Final = 512


class Sink(Protocol):
    """Takes the output of a process as it comes."""

    def feed(self, data: bytes) -> None:
        """Take some bytes, never none."""
        ...


class HeadAndTail:
    """Keeps the first and the last bytes of an output, half of ``limit`` each, and counts what is between.

    Attributes:
        total: Bytes that were fed.
    """

    __slots__ = ("_half", "_head", "_tail", "total")

    def __init__(self, limit: int) -> None:
        self._half = max(limit // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    @property
    def dropped(self) -> int:
        """Bytes that were not kept."""
        return max(self.total - 2 * self._half, 0)

    def feed(self, data: bytes) -> None:
        """See `Sink.feed`."""
        self.total += len(data)
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > self._half + _SPARE:
            del self._tail[: -self._half]

    def text(self) -> str:
        """What was kept, as text; bytes that are not UTF-8 become replacement characters."""
        if not self.dropped:
            return (self._head + self._tail).decode(errors="replace")
        head = self._head.decode(errors="replace")
        tail = self._tail[-self._half :].decode(errors="replace")
        return f"{head}\n... [{self.dropped} bytes left out] ...\n{tail}"


class Tail:
    """Keeps the last ``limit`` characters of an output that may go on for ever."""

    __slots__ = ("_decoder", "_dropped", "_kept", "_limit", "_parts")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._parts: list[str] = []
        self._kept = 0
        self._dropped = 0

    @property
    def total(self) -> int:
        """Characters that came so far."""
        return self._dropped + self._kept

    @property
    def dropped(self) -> int:
        """Characters that are not kept."""
        return max(self.total - self._limit, 0)

    def feed(self, data: bytes) -> None:
        """See `Sink.feed`."""
        text = self._decoder.decode(data)
        self._parts.append(text)
        self._kept += len(text)
        if self._kept > self._limit + _SPARE or len(self._parts) > _PARTS:
            self.text()

    def text(self) -> str:
        """What is kept."""
        text = "".join(self._parts)
        surplus = max(len(text) - self._limit, 0)
        self._dropped += surplus
        self._kept -= surplus
        self._parts = [text[surplus:]]
        return self._parts[0]

    def since(self, mark: int) -> str:
        """What came after the first ``mark`` characters, as far as it is kept."""
        text = self.text()
        return text[max(mark - self._dropped, 0) :]
