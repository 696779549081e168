"""The pipes between us and a child process, or the pseudo terminal in their place."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import trio

if TYPE_CHECKING:
    from hermes_trio.io.child_output import Sink

CHUNK_BYTES: Final = 65536
#: A process that does not read its input for this long is said to be so.
WRITE_SECONDS: Final = 10.0
#: A process that has written this much is slowed down, so that ``yes`` does not take the event loop for itself.
_FREE_BYTES: Final = 8_000_000
_BRAKE_SECONDS: Final = 0.002
_END_OF_INPUT: Final = b"\x04"


@dataclass(slots=True)
class Wiring:
    """What a process gets as its three standard streams.

    Attributes:
        stdin: For `trio.lowlevel.open_process`.
        stdout: Likewise.
        stderr: Likewise.
        master: Our end of its pseudo terminal, or None.
    """

    stdin: int = subprocess.DEVNULL
    stdout: int = subprocess.PIPE
    stderr: int = subprocess.STDOUT
    master: int | None = None

    @classmethod
    def for_command(cls, *, terminal: bool, separate: bool, writable: bool) -> Self:
        """Choose; opens a pseudo terminal if there is to be one.

        Raises:
            OSError: There is none to be had.
        """
        if terminal:
            master, slave = os.openpty()
            return cls(slave, slave, slave, master)
        wiring = cls()
        if writable:
            wiring.stdin = subprocess.PIPE
        if separate:
            wiring.stderr = subprocess.PIPE
        return wiring

    def take_terminal(self) -> trio.lowlevel.FdStream | None:
        """Our end of the pseudo terminal as a stream, whose owner the caller becomes; closes the process's end."""
        if self.master is None:
            return None
        os.close(self.stdin)
        stream, self.master = trio.lowlevel.FdStream(self.master), None
        return stream

    def close(self) -> None:
        """Close a pseudo terminal that nobody has taken."""
        if self.master is not None:
            os.close(self.stdin)
            os.close(self.master)
            self.master = None


class Pipes:
    """Moves bytes between a process and its sinks.

    Attributes:
        finished: Set when its output has ended, which is when all who hold it have gone.
    """

    def __init__(
        self,
        process: trio.Process,
        terminal: trio.lowlevel.FdStream | None,
        output: Sink,
        errors: Sink | None,
        given: bytes | None,
        *,
        keep_input: bool,
    ) -> None:
        self.finished = trio.Event()
        self._terminal = terminal
        self._input = terminal or process.stdin
        self._streams = [
            (stream, sink)
            for stream, sink in ((terminal or process.stdout, output), (process.stderr, errors))
            if stream is not None and sink is not None
        ]
        self._given = given
        self._keep_input = keep_input or terminal is not None
        self._writing = trio.Lock()
        self._scope = trio.CancelScope(shield=True)

    async def pump(self) -> None:
        """Move bytes until `stop`, also while the process is being ended. Run once.

        Cancellation: shielded; whoever started it calls `stop` in its clean-up, which has a deadline.
        """
        with self._scope:
            async with trio.open_nursery() as nursery:
                if self._given is not None:
                    nursery.start_soon(self._give)
                async with trio.open_nursery() as readers:
                    for stream, sink in self._streams:
                        readers.start_soon(_read_all, stream, sink)
                self.finished.set()

    def stop(self) -> None:
        """End `pump`."""
        self._scope.cancel()

    async def write(self, data: bytes) -> None:
        """Write to the process's input, one writer after the other.

        Raises:
            trio.BrokenResourceError: Nobody reads it any more.
            trio.ClosedResourceError: It is closed.
            trio.TooSlowError: The process does not read for 10 s.
        """
        if self._input is None:
            raise trio.ClosedResourceError
        with trio.fail_after(WRITE_SECONDS):
            async with self._writing:
                await self._input.send_all(data)

    def close_input(self) -> None:
        """Let the process read the end of its input."""
        if self._terminal is not None:
            os.write(self._terminal.fileno(), _END_OF_INPUT)
        elif isinstance(self._input, trio.lowlevel.FdStream):
            self._input.close()

    def close(self) -> None:
        """Close all our ends."""
        for stream in (self._input, *(stream for stream, _ in self._streams)):
            if isinstance(stream, trio.lowlevel.FdStream):
                stream.close()

    async def _give(self) -> None:
        if self._input is None or self._given is None:
            return
        try:
            async with self._writing:
                await self._input.send_all(self._given)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # it does not want to read it all
        if not self._keep_input:
            self.close_input()


async def _read_all(stream: trio.abc.ReceiveStream, sink: Sink) -> None:
    total = 0
    try:
        while data := await stream.receive_some(CHUNK_BYTES):
            sink.feed(bytes(data))
            total += len(data)
            if total > _FREE_BYTES:
                await trio.sleep(_BRAKE_SECONDS)
    except trio.BrokenResourceError:
        pass  # the way in which a pseudo terminal ends
