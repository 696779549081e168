"""The log on the terminal: short lines, ``20:25:20 INFO coder message``, coloured only where somebody can see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.io.log_format import DEBUG, ERROR, INFO, WARNING, LogRecord, TimeStamps, level_name, parse_level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

_COLOURS: Final[Mapping[int, str]] = {DEBUG: "\x1b[2m", INFO: "\x1b[32m", WARNING: "\x1b[33m", ERROR: "\x1b[31m"}
_PLAIN: Final = "\x1b[0m"


class Console:
    """Shows lines on a text stream.

    Args:
        stream: Where to, normally ``sys.stderr``; never closed here.
        level: Name of the lowest level to show.
        colour: Whether to colour the level; None for "if the stream is a terminal".
    """

    __slots__ = ("_colour", "_stream", "failed", "level")

    def __init__(self, stream: TextIO, level: str = "INFO", *, colour: bool | None = None) -> None:
        self._stream = stream
        self._colour = stream.isatty() if colour is None else colour
        self.level = parse_level(level)
        self.failed = 0

    def line(self, record: LogRecord, text: str, stamps: TimeStamps) -> str:
        """Render one line; ``text`` is redacted and safe to print."""
        name = level_name(record.level)
        if self._colour:
            name = f"{_COLOURS.get(record.level, '')}{name}{_PLAIN}"
        return f"{stamps.short(record.at)} {name} {record.origin.profile} {text}\n"

    def write(self, lines: Sequence[str]) -> None:
        """Show lines; blocking. Where the console is gone they are counted in ``failed``: the files have them."""
        try:
            self._stream.write("".join(lines))
            self._stream.flush()
        except (OSError, ValueError):
            self.failed += len(lines)
