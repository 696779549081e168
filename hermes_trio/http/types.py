"""What a request handler sees: the request, the responder, the limits of the listener."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from urllib.parse import unquote


class ClientGone(Exception):
    """The client closed or reset the connection while the handler was answering. The connection swallows it."""


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in the order received.

    Attributes:
        raw: Pairs of lower-case name and value, as bytes.
    """

    raw: tuple[tuple[bytes, bytes], ...] = ()

    def get(self, name: str) -> str | None:
        """The first value of a header, looked up without regard to case, or None."""
        wanted = name.lower().encode("latin-1")
        for key, value in self.raw:
            if key == wanted:
                return value.decode("latin-1")
        return None

    def get_all(self, name: str) -> tuple[str, ...]:
        """Every value of a header, in order."""
        wanted = name.lower().encode("latin-1")
        return tuple(value.decode("latin-1") for key, value in self.raw if key == wanted)

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None


@dataclass(frozen=True, slots=True)
class Request:
    """One request with its whole body.

    Attributes:
        method: As sent, e.g. ``POST``.
        target: The request target as sent.
        path: The path part of the target, percent-escapes left as they are.
        query: Decoded query parameters; the first value of a name that comes more than once.
        headers: The header fields.
        body: The body, chunked encoding undone.
        peer: Who sent it, for logs: ``address:port``, or ``unix``.
    """

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Headers
    body: bytes
    peer: str

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's parts between slashes, decoded one by one, so that an escaped slash separates nothing."""
        return tuple(unquote(part) for part in self.path.strip("/").split("/") if part)


class Responder(Protocol):
    """Answers one request: either one `send`, or `start_stream`, any number of `write` and a `finish`.

    Every method that writes raises `ClientGone` when the client is no longer there, and ``ValueError`` for a header
    that could not be sent safely (line breaks, framing headers). A client that does not read for the write-stall time
    gets the handler cancelled. A write that is cancelled half-way ends the connection.
    """

    @property
    def started(self) -> bool:
        """Whether an answer has begun; from then on its status cannot change."""
        ...

    async def send(
        self,
        status: int,
        body: bytes = b"",
        headers: Sequence[tuple[str, str]] = (),
        content_type: str | None = "application/json",
    ) -> None:
        """Send a whole answer in one write."""
        ...

    async def start_stream(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """Begin a streamed answer; its head goes out together with the first `write`."""
        ...

    async def write(self, data: bytes) -> None:
        """Send a part of a streamed answer; an empty first part sends the head alone."""
        ...

    async def finish(self, data: bytes = b"") -> None:
        """End a streamed answer, with a last part that goes out in the same write."""
        ...

    async def wait_client_gone(self) -> None:
        """Return when the client has closed or reset the connection; runs beside the answering and is to be cancelled.

        Bytes of a pipelined next request are kept for it. One task at a time may wait.
        """
        ...


Handler: TypeAlias = Callable[[Request, Responder], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ListenerLimits:
    """How much and how long a client may keep us busy.

    Attributes:
        head_seconds: From the first byte of a request (on a new connection: from accepting it) to its last header.
        head_bytes: Size of request line and headers.
        body_seconds: From the last header to the end of the body.
        body_bytes: Size of a body.
        idle_seconds: Between two requests of a connection.
        write_stall_seconds: How long one write (of at most 64 KiB) may wait for the client to read.
        connections: How many connections may be open; further ones wait in the kernel's queue.
        body_bytes_for: Size of a body by path, where it differs from ``body_bytes``.
        refusal_headers: What the connection's own answers (408, 413, 500 ...) carry beside what they need, by the
            headers of the request; must not raise.
    """

    head_seconds: float = 10
    head_bytes: int = 65_536
    body_seconds: float = 30
    body_bytes: int = 10_000_000
    idle_seconds: float = 75
    write_stall_seconds: float = 30
    connections: int = 2560
    body_bytes_for: Callable[[str], int] | None = None
    refusal_headers: Callable[[Headers], Sequence[tuple[str, str]]] | None = None
