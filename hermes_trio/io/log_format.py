"""How a log line looks.

``2026-11-20 20:25:20,316 INFO [session] gateway.turn: message key=value profile=coder#3 turn=4f1c``.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Redactor = Callable[[str], str]

Extra = str | int | float | bool | None
"""What a logger takes as the value of an extra field."""

DEBUG: Final = 10
INFO: Final = 20
WARNING: Final = 30
ERROR: Final = 40
NEVER: Final = 100

_NAMES: Final[Mapping[int, str]] = {DEBUG: "DEBUG", INFO: "INFO", WARNING: "WARNING", ERROR: "ERROR"}

MAXIMUM_MESSAGE: Final = 8192
"""Characters of a message that are kept."""

OVERHANG: Final = 2048
"""Characters beyond `MAXIMUM_MESSAGE` that are kept until redaction is done, so that no cut can go through a secret."""

MAXIMUM_VALUE: Final = 1024
"""Characters of an extra field's value that are kept."""

_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_PLAIN_VALUE: Final = re.compile(r"[^\s='\"\\]+")
_CONTINUATION: Final = "\n    "


class Origin(NamedTuple):
    """Who says it."""

    profile: str = "-"
    generation: int | None = None
    session: str | None = None
    turn: str | None = None
    component: str = "gateway"


class LogRecord(NamedTuple):
    """One line as it was handed over; ``at`` in seconds since the epoch."""

    at: float
    level: int
    origin: Origin
    message: str
    extra: Mapping[str, Extra]


def parse_level(name: str) -> int:
    """Give the level of this name in any case; an unknown one means INFO: a typing error never silences a log."""
    levels = {"DEBUG": DEBUG, "INFO": INFO, "WARNING": WARNING, "WARN": WARNING, "ERROR": ERROR, "CRITICAL": ERROR}
    return levels.get(name.strip().upper(), INFO)


def level_name(level: int) -> str:
    """Give the name of a level."""
    return _NAMES.get(level, "INFO")


def one_line(text: str) -> str:
    """Make text safe within a line: line breaks, terminal control and reordering characters become escapes."""
    if text.isprintable():
        return text
    return _UNSAFE.sub(_escape, text.replace("\n", "\\n").replace("\t", " "))


def indented(text: str) -> str:
    """Make a message of several lines safe: further lines are indented, so none can pass for a line of the log."""
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n").rstrip("\n")
    return _UNSAFE.sub(_escape, text).replace("\n", _CONTINUATION)


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class TimeStamps:
    """Renders times of one zone; neighbours within a second share the work."""

    __slots__ = ("_second", "_text", "_zone")

    def __init__(self, offset: timedelta | None) -> None:
        self._zone = timezone(offset or timedelta())
        self._second = -1
        self._text = ""

    def full(self, at: float) -> str:
        """``2026-11-20 20:25:20,316``."""
        return f"{self._seconds(at)},{int(at * 1000) % 1000:03d}"

    def short(self, at: float) -> str:
        """``20:25:20``."""
        return self._seconds(at)[11:]

    def _seconds(self, at: float) -> str:
        second = int(at)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, self._zone).strftime("%Y-%m-%d %H:%M:%S")
        return self._text


def message_text(record: LogRecord, redact: Redactor) -> str:
    """The message with its extra fields, redacted, bounded and safe to print."""
    text = redact(record.message)
    if len(text) > MAXIMUM_MESSAGE:
        text = text[:MAXIMUM_MESSAGE] + " ... (cut)"
    text = indented(text)
    if record.extra:
        text += "".join([f" {key}={_value(value, redact)}" for key, value in record.extra.items()])
    return text


def file_line(record: LogRecord, text: str, stamps: TimeStamps) -> str:
    """The line for a file, with ``text`` from `message_text`."""
    profile, generation, session, turn, component = record.origin
    bracket = f" [{one_line(session)}]" if session else ""
    who = profile if generation is None else f"{profile}#{generation}"
    tail = f" turn={turn}" if turn else ""
    return f"{stamps.full(record.at)} {level_name(record.level)}{bracket} {component}: {text} profile={who}{tail}\n"


def _value(value: Extra, redact: Redactor) -> str:
    if not isinstance(value, str):
        return str(value)
    text = one_line(redact(value)[:MAXIMUM_VALUE])
    return text if _PLAIN_VALUE.fullmatch(text) else f"'{text}'"
