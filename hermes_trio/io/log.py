"""Log lines of profiles: handed over on the event loop in a few microseconds, written in batches by a worker.

Every line belongs to one sink, the log files of one profile, and carries the profile's name, its generation and, where
there is one, the session and the turn. There is no global logger, so there is no way for a line to reach another
profile's file.

Loggers are for the event loop's thread only; a blocking function returns what it has to say.
"""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from hermes_trio.io.clock import SystemClock
from hermes_trio.io.log_files import LogFiles, gateway_log_files, profile_log_files
from hermes_trio.io.log_format import (
    DEBUG,
    ERROR,
    INFO,
    MAXIMUM_MESSAGE,
    NEVER,
    OVERHANG,
    WARNING,
    LogRecord,
    Origin,
    TimeStamps,
    file_line,
    message_text,
)
from hermes_trio.io.log_redaction import make_redactor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from hermes_trio.io.clock import Clock
    from hermes_trio.io.log_console import Console
    from hermes_trio.io.log_files import LoggingLike, LogPathsLike
    from hermes_trio.io.log_format import Extra, Redactor
    from hermes_trio.io.workers import Workers

GATHER_SECONDS = 0.05
CLOSE_SECONDS = 5.0
LINES_PER_SINK = 2048

_KEPT = MAXIMUM_MESSAGE + OVERHANG


class Sink:
    """Where the lines of one profile wait and go.

    The event loop appends to ``pending`` and counts in ``dropped``; the worker takes from ``pending`` and notes in
    ``told`` how many of the dropped lines it has reported. So neither needs a lock.

    Attributes:
        pending: Lines not yet written, oldest first, at most `LINES_PER_SINK`.
        dropped: Lines refused so far because too many were waiting.
        late: Lines refused because the sink was closed.
        closed: Whether new lines are refused.
        abandoned: Whether its files may no longer be touched.
    """

    __slots__ = ("abandoned", "closed", "dropped", "files", "late", "pending", "redact", "threshold", "told")

    def __init__(self, files: LogFiles, redact: Redactor, console_level: int) -> None:
        self.files = files
        self.redact = redact
        self.threshold = min(files.level, console_level)
        self.pending: deque[LogRecord] = deque()
        self.dropped = 0
        self.told = 0
        self.late = 0
        self.closed = False
        self.abandoned = False

    def take(self, now: float) -> list[LogRecord]:
        """Take the waiting lines, and a line about those that were dropped."""
        records = [self.pending.popleft() for _ in range(len(self.pending))]
        dropped = self.dropped - self.told
        if dropped:
            self.told += dropped
            origin = records[-1].origin._replace(session=None, turn=None) if records else Origin()
            records.append(
                LogRecord(now, WARNING, origin, f"{dropped} log lines were dropped, too many came at once", {})
            )
        return records


class LogWriter:
    """Gathers the lines of all sinks for at most `GATHER_SECONDS` and writes them off the event loop.

    Idle it has no wake-ups and holds no open file. When lines come faster than they can be written, each sink has its
    own bound: a noisy profile loses its own lines and nobody else's. A disk that hangs holds up the lines of all
    profiles, which share one worker thread at a time, but never a turn.

    Attributes:
        late: Lines that came after their profile's end and were refused.
    """

    def __init__(self, workers: Workers, clock: Clock, console: Console | None) -> None:
        self._workers = workers
        self._clock = clock
        self._console = console
        self._one_at_a_time = trio.CapacityLimiter(1)
        self._sinks: dict[Sink, None] = {}
        self._dirty: dict[Sink, None] = {}
        self._wake = trio.Event()
        self.late = 0

    @property
    def console_level(self) -> int:
        """Lowest level the console shows."""
        return NEVER if self._console is None else self._console.level

    def attach(self, sink: Sink) -> None:
        """Accept lines for ``sink`` from now on."""
        self._sinks[sink] = None

    async def detach(self, *sinks: Sink) -> None:
        """Refuse further lines for ``sinks`` and write those they have.

        Gives up after `CLOSE_SECONDS`; after the return their files are not touched any more. Cancellation waits until
        then.
        """
        for sink in sinks:
            sink.closed = True
        with trio.move_on_after(CLOSE_SECONDS, shield=True):
            await self._write(sinks)
        for sink in sinks:
            sink.abandoned = True
            self._sinks.pop(sink, None)
            self._dirty.pop(sink, None)

    def put(self, sink: Sink, level: int, origin: Origin, message: str, extra: dict[str, Extra]) -> None:
        """Queue one line; never blocks, never raises."""
        if sink.closed:
            sink.late += 1
            self.late += 1
        elif len(sink.pending) >= LINES_PER_SINK:
            sink.dropped += 1
        else:
            sink.pending.append(LogRecord(self._clock.now(), level, origin, message[:_KEPT], extra))
            self._dirty[sink] = None
            self._wake.set()

    async def serve(self) -> None:
        """Write what is queued, again and again, until cancelled."""
        while True:
            await self._wake.wait()
            await trio.sleep(GATHER_SECONDS)
            self._wake = trio.Event()
            dirty = tuple(self._dirty)
            self._dirty.clear()
            await self._write(dirty)

    async def finish(self) -> None:
        """Detach all sinks."""
        await self.detach(*self._sinks)

    async def _write(self, sinks: Sequence[Sink]) -> None:
        await self._workers.run(self._write_now, sinks, limiter=self._one_at_a_time)

    def _write_now(self, sinks: Sequence[Sink]) -> None:
        """Runs in a worker; the limiter lets only one run at once."""
        stamps = TimeStamps(self._clock.local().utcoffset())
        shown: list[str] = []
        for sink in sinks:
            if not sink.abandoned:
                self._write_sink(sink, stamps, shown)
        if shown and self._console is not None:
            self._console.write(shown)

    def _write_sink(self, sink: Sink, stamps: TimeStamps, shown: list[str]) -> None:
        lines: list[tuple[int, str, str]] = []
        for record in sink.take(self._clock.now()):
            text = message_text(record, sink.redact)
            lines.append((record.level, record.origin.component, file_line(record, text, stamps)))
            if self._console is not None and record.level >= self._console.level:
                shown.append(self._console.line(record, text, stamps))
        for news in sink.files.write(lines):
            self._show_news(news, stamps, shown)

    def _show_news(self, news: str, stamps: TimeStamps, shown: list[str]) -> None:
        if self._console is not None:
            record = LogRecord(self._clock.now(), ERROR, Origin(), news, {})
            shown.append(self._console.line(record, news, stamps))


class ProfileLogger:
    """Logs for one profile. Every method returns at once, never raises, and does next to nothing when its level is off.

    Secret values of the profile are blackened wherever they stand. Line breaks in a message are indented, so nobody can
    forge a line.
    """

    __slots__ = ("_origin", "_sink", "_threshold", "_writer")

    def __init__(self, writer: LogWriter, sink: Sink, origin: Origin) -> None:
        self._writer = writer
        self._sink = sink
        self._origin = origin
        self._threshold = sink.threshold

    def bind(
        self,
        *,
        profile: str | None = None,
        generation: int | None = None,
        session: str | None = None,
        turn: str | None = None,
        component: str | None = None,
    ) -> ProfileLogger:
        """Make a logger whose lines carry these as well; what is not given stays as it was.

        Args:
            profile: Name of the profile.
            generation: Its (re)start.
            session: Session id, shown in brackets after the level.
            turn: Turn id.
            component: Who in the program speaks, e.g. ``gateway.turn``; those that begin with ``gateway`` or ``http``
                go to ``gateway.log``.
        """
        old = self._origin
        origin = Origin(
            old.profile if profile is None else profile,
            old.generation if generation is None else generation,
            old.session if session is None else session,
            old.turn if turn is None else turn,
            old.component if component is None else component,
        )
        return ProfileLogger(self._writer, self._sink, origin)

    def debug(self, message: str, **extra: Extra) -> None:
        """Say what only a developer wants to know; ``extra`` is appended as ``key=value``."""
        if self._threshold <= DEBUG:
            self._writer.put(self._sink, DEBUG, self._origin, message, extra)

    def info(self, message: str, **extra: Extra) -> None:
        """Say what happens; ``extra`` is appended as ``key=value``."""
        if self._threshold <= INFO:
            self._writer.put(self._sink, INFO, self._origin, message, extra)

    def warning(self, message: str, **extra: Extra) -> None:
        """Say what the user should look at; ``extra`` is appended as ``key=value``."""
        if self._threshold <= WARNING:
            self._writer.put(self._sink, WARNING, self._origin, message, extra)

    def error(self, message: str, **extra: Extra) -> None:
        """Say what failed; ``extra`` is appended as ``key=value``."""
        if self._threshold <= ERROR:
            self._writer.put(self._sink, ERROR, self._origin, message, extra)

    def redact(self, text: str) -> str:
        """Blacken this profile's secrets; needed only before a text is cut, as a cut secret is not recognised."""
        return self._sink.redact(text)


@asynccontextmanager
async def open_log_writer(
    workers: Workers, clock: Clock | None = None, console: Console | None = None
) -> AsyncIterator[LogWriter]:
    """Run the one writer of a gateway; at the end everything queued is written.

    Args:
        workers: Runs the writing.
        clock: Stamps the lines; None for the machine's clock.
        console: Shows lines of all profiles, or None.
    """
    writer = LogWriter(workers, clock or SystemClock(), console)
    lone: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.serve, name="log writer")
            try:
                yield writer
            finally:
                nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        if len(group.exceptions) != 1:
            raise
        lone = group.exceptions[0]
    finally:
        await writer.finish()
    if lone is not None:
        raise lone


@asynccontextmanager
async def open_log(
    paths: LogPathsLike, logging: LoggingLike, redact: Sequence[str], writer: LogWriter
) -> AsyncIterator[ProfileLogger]:
    """Open the log of one profile; nothing is created before the first line.

    At the end the queued lines are written, and later ones are dropped and counted: they cannot recreate a removed
    home.

    Args:
        paths: Where the log folder is.
        logging: Level and rotation.
        redact: Values that must not appear in any line.
        writer: The gateway's writer.
    """
    sink = Sink(profile_log_files(paths, logging), make_redactor(redact), writer.console_level)
    writer.attach(sink)
    try:
        yield ProfileLogger(writer, sink, Origin())
    finally:
        await writer.detach(sink)


def make_gateway_logger(
    writer: LogWriter, paths: LogPathsLike, logging: LoggingLike, redact: Sequence[str] = ()
) -> ProfileLogger:
    """Make the logger for lines that belong to no profile.

    They go to the console and to the root home's ``gateway.log``. It lives as long as ``writer``.
    """
    sink = Sink(gateway_log_files(paths, logging), make_redactor(redact), writer.console_level)
    writer.attach(sink)
    return ProfileLogger(writer, sink, Origin())
