"""Answering one request: the `Responder` that a connection hands to the handler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hermes_trio.http.wire import LAST_CHUNK, frame_chunk, frame_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.http.wire import RequestHead

_WITHOUT_BODY = (204, 304)


class ClientLine(Protocol):
    """What an exchange needs of its connection."""

    @property
    def draining(self) -> bool:
        """Whether this is to be the connection's last answer."""
        ...

    def date(self) -> str:
        """Value of the ``Date`` header."""
        ...

    async def transmit(self, data: bytes) -> None:
        """Send bytes; raises `ClientGone`."""
        ...

    async def watch(self) -> None:
        """Return when the client is gone."""
        ...


class Exchange:
    """One request's answer; see `Responder` for the methods.

    Attributes:
        keep_alive: Whether another request may follow on this connection.
        on_wire: Whether bytes of the answer may have been sent.
    """

    __slots__ = ("_chunked", "_finished", "_head", "_line", "_mute", "_pending", "_started", "keep_alive", "on_wire")

    def __init__(self, line: ClientLine, head: RequestHead) -> None:
        self._line = line
        self._head = head
        self._mute = head.method == "HEAD"
        self._chunked = not head.old
        self._pending = b""
        self._started = False
        self._finished = False
        self.keep_alive = False
        self.on_wire = False

    @property
    def started(self) -> bool:
        """See `Responder.started`."""
        return self._started

    async def send(
        self,
        status: int,
        body: bytes = b"",
        headers: Sequence[tuple[str, str]] = (),
        content_type: str | None = "application/json",
    ) -> None:
        """See `Responder.send`."""
        without_body = status in _WITHOUT_BODY
        head = self._begin(status, headers, content_type, None if without_body else len(body), chunked=False)
        self._finished = True
        await self._transmit(head if self._mute or without_body else head + body)

    async def start_stream(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """See `Responder.start_stream`; not a checkpoint, nothing is sent yet."""
        if status in _WITHOUT_BODY:
            raise ValueError(f"an answer with status {status} has no body to stream")
        self._pending = self._begin(status, headers, None, None, chunked=self._chunked)

    async def write(self, data: bytes) -> None:
        """See `Responder.write`."""
        self._check_streaming()
        framed = self._take_pending() + self._frame(data)
        if framed:
            await self._transmit(framed)

    async def finish(self, data: bytes = b"") -> None:
        """See `Responder.finish`."""
        self._check_streaming()
        self._finished = True
        framed = self._take_pending() + self._frame(data)
        if self._chunked and not self._mute:
            framed += LAST_CHUNK
        if framed:
            await self._transmit(framed)

    async def wait_client_gone(self) -> None:
        """See `Responder.wait_client_gone`."""
        await self._line.watch()

    async def complete(self) -> None:
        """End a stream that the handler left open by returning.

        Raises:
            RuntimeError: The handler has answered nothing.
            ClientGone: See `Responder`.
        """
        if not self._started:
            raise RuntimeError("the handler returned without an answer")
        if not self._finished:
            await self.finish()

    def _begin(
        self,
        status: int,
        headers: Sequence[tuple[str, str]],
        content_type: str | None,
        length: int | None,
        *,
        chunked: bool,
    ) -> bytes:
        if self._started:
            raise RuntimeError("this request is answered already")
        keep_alive = self._head.keep_alive and not self._line.draining
        head = frame_head(
            status,
            headers,
            content_type=content_type,
            length=length,
            chunked=chunked,
            close=not keep_alive,
            date=self._line.date(),
        )
        self._started = True
        self.keep_alive = keep_alive
        return head

    def _check_streaming(self) -> None:
        if not self._started or self._finished:
            raise RuntimeError("no streamed answer is open")

    def _frame(self, data: bytes) -> bytes:
        if not data or self._mute:
            return b""
        return frame_chunk(data) if self._chunked else data

    def _take_pending(self) -> bytes:
        pending, self._pending = self._pending, b""
        return pending

    async def _transmit(self, data: bytes) -> None:
        self.on_wire = True
        await self._line.transmit(data)
