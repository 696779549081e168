"""Tells whoever wants to know when a background command ends, or says something that was waited for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from hermes_trio.io.child_output import Tail
    from hermes_trio.tools.background_store import ProcessEntry

#: A command that says it over and over is reported once in so many seconds.
MATCH_SECONDS: Final = 15.0
_LONGEST_LINE: Final = 2000
_LAST_OUTPUT: Final = 2000
_LONGEST_COMMAND: Final = 200
_LOST: Final = "its exit code and its output are not known"


@dataclass(frozen=True, slots=True)
class ProcessNotice:
    """Something that a conversation wanted to be told.

    Attributes:
        entry: The command, with the conversation.
        exit_code: How it ended; None when it runs, or when nobody knows.
        line: The line of its output that has one of the texts; empty when it is about the end.
        suppressed: How many such lines were not reported since the last one.
        output: The last 2000 characters of the output of a command that has ended.
        lost: Whether it has ended and an earlier run of the gateway had started it: all else about it is lost.
    """

    entry: ProcessEntry
    exit_code: int | None = None
    line: str = ""
    suppressed: int = 0
    output: str = ""
    lost: bool = False


def describe_notice(notice: ProcessNotice) -> str:
    """A notice as a message to the agent whose conversation it belongs to."""
    entry = notice.entry
    name = f"{entry.session_id} ({' '.join(entry.command.split())[:_LONGEST_COMMAND]})"
    if notice.lost:
        return f"[Background process {name} has ended.]\nThe gateway was restarted meanwhile: {_LOST}."
    if notice.exit_code is None:
        more = f"\nSimilar lines before it that were not reported: {notice.suppressed}." if notice.suppressed else ""
        return f"[Background process {name} has written a line you wait for.]\n{notice.line}{more}"
    output = f"Its last output:\n{notice.output}" if notice.output.strip() else "It wrote nothing."
    return f"[Background process {name} has ended with exit code {notice.exit_code}.]\n{output}"


Notify = Callable[[ProcessNotice], None]


class Watch:
    """Keeps the output of a command and looks through it, line by line.

    Args:
        output: Where it is kept.
        entry: The command and what is to be reported of it.
        notify: Told of it; must not fail nor wait.
    """

    def __init__(self, output: Tail, entry: ProcessEntry, notify: Notify) -> None:
        self._output = output
        self._entry = entry
        self._notify = notify
        self._patterns = tuple(pattern.encode() for pattern in entry.watch_patterns if pattern)
        self._line = b""
        self._quiet_until = -1.0
        self._suppressed = 0

    def feed(self, data: bytes) -> None:
        """See `Sink.feed`."""
        self._output.feed(data)
        if self._patterns:
            *lines, rest = (self._line + data).split(b"\n")
            self._line = rest[-_LONGEST_LINE:]
            for line in lines:
                self._look_at(line)

    def finish(self, exit_code: int) -> None:
        """The command has ended."""
        if self._line:
            self._look_at(self._line)
        if self._entry.notify_on_complete:
            output = self._output.text()[-_LAST_OUTPUT:]
            self._notify(ProcessNotice(self._entry, exit_code, output=output))

    def _look_at(self, line: bytes) -> None:
        if not any(pattern in line for pattern in self._patterns):
            return
        now = trio.current_time()
        if now < self._quiet_until:
            self._suppressed += 1
            return
        text = line[:_LONGEST_LINE].decode(errors="replace").rstrip("\r")
        self._notify(ProcessNotice(self._entry, None, text, self._suppressed))
        self._quiet_until, self._suppressed = now + MATCH_SECONDS, 0
