from __future__ import annotations

import io
from datetime import timedelta

from hermes_trio.io.log_console import Console
from hermes_trio.io.log_format import INFO, LogRecord, Origin, TimeStamps

record = LogRecord(0.0, INFO, Origin("coder", 2, "s", "t", "gateway"), "hello", {})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_line_is_short():
    assert Console(io.StringIO()).line(record, "hello", TimeStamps(timedelta())) == "00:00:00 INFO coder hello\n"


def test_only_a_terminal_gets_colours():
    assert "\x1b[32mINFO\x1b[0m" in Console(Terminal()).line(record, "hello", TimeStamps(None))
    assert "\x1b" not in Console(Terminal(), colour=False).line(record, "hello", TimeStamps(None))


def test_a_console_that_is_gone_hurts_nobody():
    console = Console(Gone())
    console.write(["a\n", "b\n"])
    assert console.failed == 2
