"""An MCP server that is a child process: a constructed environment, a session of its own, and it ends when we do.

The SDK's own transport lets a child inherit ``HOME``, ``USER`` and more, writes what it prints to our stderr, reads
lines of any length, and leaves grandchildren behind when the child itself exits in time. Loaded with the SDK.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import mcp_types as wire
import trio
from mcp.shared.message import SessionMessage

from hermes_trio.io.child_process import ChildError, run_child

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

    from hermes_trio.io.child_output import Sink
    from hermes_trio.io.child_process import Child, ChildCommand

LONGEST_LINE: Final = 16 * 1024 * 1024
WAITING_MESSAGES: Final = 64
CLOSE_SECONDS: Final = 0.5
"""Before a server is sent SIGTERM it may end because its input has."""

TERMINATE_SECONDS: Final = 1.0
"""Before it is killed."""

_LONGEST_COMPLAINT: Final = 1000

Incoming = SessionMessage | Exception


@dataclass(frozen=True, slots=True)
class Streams:
    """The messages of a connection, as the SDK's session takes them."""

    incoming: MemoryObjectReceiveStream[Incoming]
    outgoing: MemoryObjectSendStream[SessionMessage]


@asynccontextmanager
async def open_stdio(command: ChildCommand, complain: Callable[[str], None]) -> AsyncIterator[Streams]:
    """Start a server, and end it with everything it started when the block is left, however that happens.

    It is asked by closing its input, then by SIGTERM, then killed: 1.5 s at most.

    Args:
        command: What to start, interactive.
        complain: Told each line that the server writes to its stderr.

    Raises:
        ChildError: It cannot be started.
    """
    send_in, incoming = anyio.create_memory_object_stream[Incoming](WAITING_MESSAGES)
    outgoing, take_out = anyio.create_memory_object_stream[SessionMessage](WAITING_MESSAGES)
    lines = LineBuffer(LONGEST_LINE)
    with send_in, incoming, outgoing, take_out:
        async with trio.open_nursery() as nursery:
            server = _Server(command)
            child: Child = await nursery.start(server.run, lines, _Complaints(complain))
            try:
                server.scope.shield = True  # it is ended below, in our own order
                nursery.start_soon(_read_messages, lines, send_in)
                nursery.start_soon(_write_messages, child, take_out, lines)
                yield Streams(incoming, outgoing)
            finally:
                await server.stop(child)
                nursery.cancel_scope.cancel()


class _Server:
    """The task that runs the process."""

    def __init__(self, command: ChildCommand) -> None:
        self.scope = trio.CancelScope()
        self._command = command
        self._ended = trio.Event()

    async def run(
        self, lines: LineBuffer, complaints: Sink, task_status: trio.TaskStatus[Child] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Run the process until it ends or is stopped; then there are no more lines."""
        try:
            with self.scope:
                start = partial(run_child, grace=TERMINATE_SECONDS, task_status=task_status)
                await start(self._command, lines, complaints)
        finally:
            lines.end()
            self._ended.set()

    async def stop(self, child: Child) -> None:
        """End the process; `run` then returns."""
        child.close_input()
        with trio.move_on_after(CLOSE_SECONDS, shield=True):
            await self._ended.wait()
        self.scope.cancel()


async def _read_messages(lines: LineBuffer, send_in: MemoryObjectSendStream[Incoming]) -> None:
    """Hand on what the server says until it stops; then the session learns that the connection is over."""
    with send_in:
        try:
            while (line := await lines.take()) is not None:
                message = _decode(line)
                if message is not None:
                    await send_in.send(message)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return  # the session is over


def _decode(line: bytes) -> SessionMessage | None:
    try:
        return SessionMessage(wire.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        return None  # many servers print a greeting there


async def _write_messages(child: Child, take_out: MemoryObjectReceiveStream[SessionMessage], lines: LineBuffer) -> None:
    try:
        async for item in take_out:
            text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
            await child.write(text.encode() + b"\n")
    except ChildError:
        lines.end()  # a server that does not listen is gone as well


class LineBuffer:
    """Takes a process's output and gives its lines, without their ends; what follows the last end is not a line.

    Args:
        longest: A process that says more than this at once has said its last word.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._buffer = bytearray()
        self._searched = 0
        self._news = trio.Event()
        self._ended = False

    def feed(self, data: bytes) -> None:
        """See `Sink.feed`."""
        if not self._ended:
            self._buffer += data
            self._ended = len(self._buffer) > self._longest
            self._news.set()

    def end(self) -> None:
        """There will be no more output."""
        self._ended = True
        self._news.set()

    async def take(self) -> bytes | None:
        """The next line; None when there are no more. A checkpoint only when it waits."""
        while (end := self._buffer.find(b"\n", self._searched)) < 0:
            if self._ended:
                self._buffer.clear()
                return None
            self._searched = len(self._buffer)
            self._news = trio.Event()
            await self._news.wait()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        return line


class _Complaints:
    """Gives each line of a process's stderr, cut to a length fit for people, to a function."""

    def __init__(self, complain: Callable[[str], None]) -> None:
        self._complain = complain
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """See `Sink.feed`."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-_LONGEST_COMPLAINT:]
        for line in lines:
            text = line[-_LONGEST_COMPLAINT:].decode(errors="replace").strip()
            if text:
                self._complain(text)
