"""The HTTP listener: accepts connections and serves each in a task of its own."""

from __future__ import annotations

import errno
import os
import socket
import stat
from typing import TYPE_CHECKING

import trio

from hermes_trio.errors import GatewayBusy, HomeError
from hermes_trio.http.connection import Connection, HttpDate
from hermes_trio.io.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hermes_trio.http.types import Handler, ListenerLimits

ACCEPT_PAUSE_SECONDS = 0.1
BACKLOG = 2048
#: What passes when connections end, and what concerns the new connection alone: Linux reports its network errors here.
_PASSING_ACCEPT_ERRORS = frozenset(
    {
        *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.ECONNABORTED, errno.EPROTO, errno.EPERM),
        *(errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOPROTOOPT, errno.ETIMEDOUT),
    }
)


class Listener:
    """A running listener.

    Attributes:
        address: Host and port of the first TCP socket, or path and 0 of a unix socket.
    """

    def __init__(self, address: tuple[str, int], accepting: trio.CancelScope) -> None:
        self.address = address
        self._accepting = accepting
        self._open: set[Connection] = set()
        self._draining = False
        self._room = trio.Event()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def drain(self) -> None:
        """Accept nothing more and end each connection after its current answer, those without a request at once."""
        self._draining = True
        self._accepting.cancel()
        for connection in tuple(self._open):
            connection.drain()

    def add(self, connection: Connection) -> None:
        """Count a connection in."""
        self._open.add(connection)
        if self._draining:
            connection.drain()

    def remove(self, connection: Connection) -> None:
        """Count a connection out."""
        self._open.discard(connection)
        self._room.set()

    async def wait_room(self, limit: int) -> None:
        """Wait until fewer than ``limit`` connections are open."""
        while len(self._open) >= limit:
            self._room = trio.Event()
            await self._room.wait()


async def serve_listener(
    listeners: Sequence[trio.abc.Listener[trio.abc.Stream]],
    handler: Handler,
    limits: ListenerLimits,
    on_error: Callable[[BaseException], None],
    *,
    clock: Clock | None = None,
    task_status: trio.TaskStatus[Listener] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled (open connections are cut), or until drained and the last connection has ended.

    Args:
        listeners: Listening sockets; closed at the end, on drain as soon as it begins.
        handler: Answers a request; what it raises becomes a 500 answer.
        limits: Sizes and times.
        on_error: Told of what handlers raise and of lasting trouble in accepting; must not raise.
        clock: Wall time for ``Date`` headers.
        task_status: Gets the `Listener` as soon as connections are accepted.
    """
    date = HttpDate(clock or SystemClock())
    async with trio.open_nursery() as connections, trio.open_nursery() as acceptors:
        listener = Listener(_address(listeners), acceptors.cancel_scope)

        def start(stream: trio.abc.Stream) -> None:
            peer = _peer(stream)
            connection = Connection(stream, handler, limits, on_error, date, peer)
            listener.add(connection)
            connections.start_soon(_serve, listener, connection, name=f"http {peer}")

        for each in listeners:
            acceptors.start_soon(_accept, each, listener, start, limits.connections, on_error)
        task_status.started(listener)


async def _serve(listener: Listener, connection: Connection) -> None:
    try:
        await connection.serve()
    finally:
        listener.remove(connection)


async def _accept(
    source: trio.abc.Listener[trio.abc.Stream],
    listener: Listener,
    start: Callable[[trio.abc.Stream], None],
    limit: int,
    on_error: Callable[[BaseException], None],
) -> None:
    """Accept until cancelled. Running out of file descriptors passes when connections end: wait, and tell once."""
    told = False
    try:
        while True:
            await listener.wait_room(limit)
            try:
                stream = await source.accept()
            except OSError as exc:
                if exc.errno not in _PASSING_ACCEPT_ERRORS:
                    raise
                if not told:
                    on_error(exc)
                    told = True
                await trio.sleep(ACCEPT_PAUSE_SECONDS)
            else:
                told = False
                start(stream)
    finally:
        await trio.aclose_forcefully(source)


def _address(listeners: Sequence[trio.abc.Listener[trio.abc.Stream]]) -> tuple[str, int]:
    for each in listeners:
        if isinstance(each, UnixListener):
            return str(each.path), 0
        if isinstance(each, trio.SocketListener):
            name = each.socket.getsockname()
            return str(name[0]), int(name[1])
    return "", 0


def _peer(stream: trio.abc.Stream) -> str:
    if not isinstance(stream, trio.SocketStream):
        return ""
    try:
        name = stream.socket.getpeername()
    except OSError:
        return "gone"
    return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "unix"


async def open_tcp_listeners(host: str | None, port: int) -> list[trio.SocketListener]:
    """Listen on a TCP address.

    Args:
        host: Address or name to bind, e.g. ``127.0.0.1``; None for all addresses.
        port: Port, 0 for any free one.

    Raises:
        OSError: The address cannot be bound.
    """
    return await trio.open_tcp_listeners(port, host=host, backlog=BACKLOG)


class UnixListener(trio.abc.Listener[trio.SocketStream]):
    """A listening unix socket that removes its file at the end, unless somebody has replaced it.

    Args:
        listener: The listening socket.
        path: Its file.
        identity: Device and inode of that file.
    """

    def __init__(self, listener: trio.SocketListener, path: Path, identity: tuple[int, int]) -> None:
        self.path = path
        self._listener = listener
        self._identity = identity

    async def accept(self) -> trio.SocketStream:
        """See `trio.abc.Listener.accept`."""
        return await self._listener.accept()

    async def aclose(self) -> None:
        """Remove the file and close the socket."""
        try:
            if _identity(self.path) == self._identity:
                self.path.unlink()
        except OSError:
            pass  # the folder has gone, the file with it
        await self._listener.aclose()


async def open_unix_listener(path: Path, mode: int = 0o600) -> UnixListener:
    """Listen on a unix socket, in place of the file a dead process left. Does not wait for anything.

    Args:
        path: Where; at most 107 bytes long.
        mode: Permissions of the socket's file, less the process's umask; in force from the first moment.

    Raises:
        GatewayBusy: A live process listens there.
        HomeError: Something that is no socket is in the way.
        OSError: It cannot be bound.
    """
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(sock.fileno(), mode)  # Linux gives the file these permissions at bind, so it is never open to others
        sock.bind(str(path))
        sock.listen(BACKLOG)
        return UnixListener(trio.SocketListener(trio.socket.from_stdlib_socket(sock)), path, _identity(path))
    except BaseException:
        sock.close()
        raise


def _identity(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino


def _remove_stale(path: Path) -> None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise HomeError("cannot listen here", where=str(path), found="a file", expected="nothing or a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a live listener with a full queue says EAGAIN instead of letting us wait
        refused = probe.connect_ex(str(path)) in (errno.ECONNREFUSED, errno.ENOENT)
    if not refused:
        raise GatewayBusy("another process listens here", where=str(path), mend="stop it, or use another home")
    path.unlink(missing_ok=True)
