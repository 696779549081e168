"""One client's connection: its requests one after the other, each phase under an absolute deadline."""

from __future__ import annotations

import math
from email.utils import formatdate
from enum import Enum
from typing import TYPE_CHECKING

import trio

from hermes_trio.http.exchange import Exchange
from hermes_trio.http.types import ClientGone, Request
from hermes_trio.http.wire import CONTINUE, RequestParser, RequestRefused, error_answer_body, frame_head
from hermes_trio.io.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermes_trio.http.types import Handler, ListenerLimits
    from hermes_trio.http.wire import RequestHead

READ_BYTES = 65_536
WRITE_BYTES = 65_536
PIPELINED_BYTES = 65_536
LINGER_BYTES = 16 * 1024 * 1024
LINGER_SECONDS = 2.0
SHORT_LINGER_SECONDS = 0.5
# Long enough for bytes that are in the kernel already to be seen, so that a request in flight is answered, not reset.
DRAIN_GRACE_SECONDS = 0.02


class Phase(Enum):
    """What a connection is doing; decides what its deadline means."""

    IDLE = "idle"
    HEAD = "head"
    BODY = "body"
    ANSWER = "answer"


class HttpDate:
    """The ``Date`` header's value, made once a second for all connections of a listener."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._text = ""
        self._valid_until = -math.inf

    def text(self) -> str:
        """The current time in the form of RFC 9110."""
        now = trio.current_time()
        if now >= self._valid_until:
            stamp = self._clock.now()
            self._text = formatdate(stamp, usegmt=True)
            self._valid_until = now + 1 - stamp % 1
        return self._text


class Connection:
    """Serves the requests of one stream.

    Args:
        stream: The client.
        handler: Answers a request.
        limits: Sizes and times.
        on_error: Told of every exception that a handler (or we) let escape; must not raise.
        date: Makes ``Date`` headers.
        peer: Who the client is, for logs.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        handler: Handler,
        limits: ListenerLimits,
        on_error: Callable[[BaseException], None],
        date: HttpDate,
        peer: str,
    ) -> None:
        self.draining = False
        self._stream = stream
        self._handler = handler
        self._limits = limits
        self._on_error = on_error
        self._date = date
        self._peer = peer
        self._scope = trio.CancelScope()
        self._parser = RequestParser(limits.head_bytes)
        self._phase = Phase.IDLE
        self._head: RequestHead | None = None
        self._exchange: Exchange | None = None
        self._cut_off = False  # a write did not finish: nothing sensible can be sent any more
        self._refusal: RequestRefused | None = None

    async def serve(self) -> None:
        """Serve until the client goes, a deadline passes, an answer said ``Connection: close``, or the caller cancels.

        Nothing that the client or the handler does escapes; the stream is closed at the end in any case.
        """
        try:
            await self._serve_guarded()
        finally:
            await trio.aclose_forcefully(self._stream)

    def drain(self) -> None:
        """Make the current answer the last one; a connection without a request ends at once."""
        self.draining = True
        if self._phase is Phase.IDLE:
            self._slide(DRAIN_GRACE_SECONDS)

    def date(self) -> str:
        """See `ClientLine.date`."""
        return self._date.text()

    async def transmit(self, data: bytes) -> None:
        """Send bytes, each 64 KiB of them within the write-stall time, else the handler is cancelled.

        Raises:
            ClientGone: The client is not there any more, or an earlier write was cut off.
        """
        if self._cut_off:
            raise ClientGone
        self._cut_off = True
        try:
            if len(data) <= WRITE_BYTES:
                self._slide(self._limits.write_stall_seconds)
                await self._stream.send_all(data)
            else:
                await self._transmit_pieces(memoryview(data))
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise ClientGone from exc
        self._scope.deadline = math.inf
        self._cut_off = False

    async def watch(self) -> None:
        """See `Responder.wait_client_gone`.

        A client that sends more than 64 KiB ahead is not read any further, so its end is not seen before a write fails.
        """
        while self._parser.kept < PIPELINED_BYTES:
            data = await self._receive()
            if not data:
                return
            self._parser.keep(data)
        await trio.sleep_forever()

    async def _serve_guarded(self) -> None:
        failed = False
        try:
            with self._scope:
                await self._serve_requests()
        # A handler may raise anything, alone or in a group from its nursery, and none of it may reach the listener:
        # that serves all profiles. `except*` leaves a cancellation in the same group to its scope.
        except* Exception as group:  # noqa: BLE001  the boundary of one connection
            failed = self._report(group)
        if self._cut_off:
            return
        if self._refusal is not None:
            await self._refuse(self._refusal)
        elif failed and (self._exchange is None or not self._exchange.on_wire):
            await self._end(500, "internal_error", "internal_error", "the request failed inside the gateway")
        elif self._scope.cancelled_caught:
            if self._phase in (Phase.HEAD, Phase.BODY):
                await self._end(408, "invalid_request_error", "request_timeout", "the request took too long to arrive")
        elif not failed and self.draining:
            await self._linger(SHORT_LINGER_SECONDS, b"")

    def _report(self, group: BaseExceptionGroup[Exception]) -> bool:
        """Tell of failures; a client that went away is none."""
        rest = group.split(ClientGone)[1]
        if rest is None:
            return False
        failure: BaseException = rest
        while isinstance(failure, BaseExceptionGroup) and len(failure.exceptions) == 1:
            failure = failure.exceptions[0]
        self._on_error(failure)
        return True

    async def _serve_requests(self) -> None:
        try:
            seconds = self._limits.head_seconds
            while (head := await self._read_head(seconds)) is not None:
                self._head = head
                body = await self._read_body(head)
                if body is None or not await self._answer(head, body):
                    return
                self._head = None
                seconds = self._limits.idle_seconds
        except RequestRefused as exc:
            self._refusal = exc

    async def _read_head(self, idle_seconds: float) -> RequestHead | None:
        """The next request's head, or None when the client has gone."""
        head = self._parser.read_head()
        if head is not None:
            return head
        self._wait_for_head(idle_seconds)
        while True:
            data = await self._receive()
            if not data:
                return None
            head = self._parser.read_head(data)
            if head is not None:
                return head
            if self._phase is Phase.IDLE:
                self._phase = Phase.HEAD
                self._slide(self._limits.head_seconds)

    def _wait_for_head(self, idle_seconds: float) -> None:
        if self._parser.begun:
            self._phase = Phase.HEAD
            self._slide(self._limits.head_seconds)
        else:
            self._phase = Phase.IDLE
            self._slide(DRAIN_GRACE_SECONDS if self.draining else idle_seconds)

    async def _read_body(self, head: RequestHead) -> bytes | None:
        """The request's body, or None when the client has gone."""
        self._phase = Phase.BODY
        limit = self._limits.body_bytes
        if self._limits.body_bytes_for is not None:
            limit = self._limits.body_bytes_for(head.path)
        body = self._parser.read_body(limit)
        if body is not None:
            return body
        self._slide(self._limits.body_seconds)
        if head.expects_continue and not await self._invite_body():
            return None
        while body is None:
            data = await self._receive()
            if not data:
                return None
            body = self._parser.read_body(limit, data)
        return body

    async def _invite_body(self) -> bool:
        try:
            await self._stream.send_all(CONTINUE)
        except trio.BrokenResourceError:
            return False
        return True

    async def _answer(self, head: RequestHead, body: bytes) -> bool:
        """Let the handler answer; returns whether another request may follow."""
        self._phase = Phase.ANSWER
        self._scope.deadline = math.inf
        exchange = self._exchange = Exchange(self, head)
        request = Request(head.method, head.target, head.path, head.query, head.headers, body, self._peer)
        await self._handler(request, exchange)
        await exchange.complete()
        self._exchange = None
        return exchange.keep_alive

    async def _receive(self) -> bytes:
        """Received bytes; none at the client's end, orderly or not."""
        try:
            return bytes(await self._stream.receive_some(READ_BYTES))
        except trio.BrokenResourceError:
            return b""

    async def _transmit_pieces(self, data: memoryview) -> None:
        for start in range(0, len(data), WRITE_BYTES):
            self._slide(self._limits.write_stall_seconds)
            await self._stream.send_all(data[start : start + WRITE_BYTES])

    def _slide(self, seconds: float) -> None:
        self._scope.deadline = trio.current_time() + seconds

    async def _refuse(self, refusal: RequestRefused) -> None:
        await self._end(refusal.status, "invalid_request_error", refusal.code, refusal.message)

    async def _end(self, status: int, kind: str, code: str, message: str) -> None:
        """Answer a request that did not get as far as an answer, and end the connection."""
        body = error_answer_body(message, kind, code)
        headers: Sequence[tuple[str, str]] = ()
        if self._head is not None and self._limits.refusal_headers is not None:
            headers = self._limits.refusal_headers(self._head.headers)
        head = frame_head(
            status, headers, content_type="application/json", length=len(body), close=True, date=self._date.text()
        )
        await self._linger(LINGER_SECONDS, head + body)

    async def _linger(self, seconds: float, answer: bytes) -> None:
        """Send a last answer and read on for a while: closing on unread bytes would reset the connection."""
        with trio.move_on_after(seconds):
            try:
                if answer:
                    await self._stream.send_all(answer)
                if isinstance(self._stream, trio.abc.HalfCloseableStream):
                    await self._stream.send_eof()
                left = LINGER_BYTES
                while left > 0 and (data := await self._stream.receive_some(READ_BYTES)):
                    left -= len(data)
            except trio.BrokenResourceError:
                return


async def serve_connection(
    stream: trio.abc.Stream,
    handler: Handler,
    limits: ListenerLimits,
    on_error: Callable[[BaseException], None],
    *,
    peer: str = "",
    clock: Clock | None = None,
) -> None:
    """Serve the requests of one stream until it ends; see `Connection`.

    Cancellation closes the stream, whatever was being answered.
    """
    await Connection(stream, handler, limits, on_error, HttpDate(clock or SystemClock()), peer).serve()
