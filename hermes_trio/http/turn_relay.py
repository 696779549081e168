"""Lets a turn run in its profile's nursery and relays it to a client, whole or as server-sent events.

A client that goes away takes the turn with it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

import trio

from hermes_trio.errors import HermesTrioError
from hermes_trio.http.endpoint import EVENT_STREAM
from hermes_trio.http.event_buffer import EventBuffer
from hermes_trio.http.types import ClientGone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from hermes_trio.http.types import Responder

Event = TypeVar("Event")
ShownEvent = TypeVar("ShownEvent", contravariant=True)
Result = TypeVar("Result")
LastResult = TypeVar("LastResult", contravariant=True)

if TYPE_CHECKING:
    Emit = Callable[[Sequence[Event]], Awaitable[None]]
    RunTurn = Callable[[Emit[Event]], Awaitable[Result]]

KEEPALIVE_SECONDS: Final = 30.0
KEEPALIVE: Final = b": keepalive\n\n"
STREAM_HEADERS: Final = (
    ("Content-Type", EVENT_STREAM),
    ("Cache-Control", "no-cache"),
    ("X-Accel-Buffering", "no"),
)


class StreamEncoder(Protocol[ShownEvent, LastResult]):
    """Makes the bytes of one streamed answer, of events and a result as the turn's runner gives them."""

    def opening(self) -> bytes:
        """What comes before all else."""
        ...

    def events(self, events: Sequence[ShownEvent]) -> bytes:
        """What is said of some events; possibly nothing."""
        ...

    def closing(self, result: LastResult) -> bytes:
        """What comes last when the turn has a result."""
        ...

    def failure(self, error: HermesTrioError) -> bytes:
        """What comes last when the turn failed after something had been sent."""
        ...


async def relay_whole(responder: Responder, run_turn: RunTurn[Event, Result]) -> Result:
    """Run a turn whose answer is sent whole.

    Raises:
        HermesTrioError: The turn failed.
        ClientGone: The client went away, and the turn with it.
    """
    outcome = _Outcome(run_turn)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch_client, responder, nursery.cancel_scope)
        await outcome.run(_nothing)
        nursery.cancel_scope.cancel()
    if outcome.error is not None:
        raise outcome.error
    if outcome.result is None:
        raise ClientGone
    return outcome.result


async def relay_stream(
    responder: Responder,
    run_turn: RunTurn[Event, Result],
    encoder: StreamEncoder[Event, Result],
    headers: Sequence[tuple[str, str]] = (),
) -> None:
    """Run a turn and stream what happens; the head goes out with the first event, so early failures have a status.

    Args:
        responder: The client.
        run_turn: Runs the turn and returns its result.
        encoder: Makes the events' bytes.
        headers: Further headers of the answer; read when its head goes out, so the runner may still add to them.

    Raises:
        HermesTrioError: The turn failed before anything was sent.
        ClientGone: The client went away, and the turn with it.
    """
    buffer: EventBuffer[Event] = EventBuffer()
    outcome = _Outcome(run_turn)

    async def run() -> None:
        try:
            await outcome.run(buffer.put)
        finally:
            buffer.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch_client, responder, nursery.cancel_scope)
        nursery.start_soon(run)
        # Caught here, because a nursery would wrap it into a group.
        with suppress(ClientGone):
            await _relay_events(responder, encoder, headers, buffer)
        nursery.cancel_scope.cancel()
    await _end_stream(responder, encoder, headers, outcome)


async def _relay_events(
    responder: Responder,
    encoder: StreamEncoder[Event, Result],
    headers: Sequence[tuple[str, str]],
    buffer: EventBuffer[Event],
) -> None:
    while True:
        with trio.move_on_after(KEEPALIVE_SECONDS) as silence:
            events = await buffer.take()
            if not events:
                return
        data = KEEPALIVE if silence.cancelled_caught else encoder.events(events)
        if not data:
            continue
        if not responder.started:
            # Only now, so that a model that fails at once is told by an honest status.
            await responder.start_stream(200, (*STREAM_HEADERS, *headers))
            data = encoder.opening() + data
        await responder.write(data)


async def _end_stream(
    responder: Responder,
    encoder: StreamEncoder[Event, Result],
    headers: Sequence[tuple[str, str]],
    outcome: _Outcome[Event, Result],
) -> None:
    if outcome.error is not None and not responder.started:
        raise outcome.error
    if outcome.error is None and outcome.result is None:
        raise ClientGone
    if not responder.started:
        await responder.start_stream(200, (*STREAM_HEADERS, *headers))
        await responder.write(encoder.opening())
    if outcome.result is not None:
        await responder.finish(encoder.closing(outcome.result))
    elif outcome.error is not None:
        await responder.finish(encoder.failure(outcome.error))


class _Outcome(Generic[Event, Result]):
    """How a turn ended, kept aside so that an error does not arrive wrapped in a group."""

    __slots__ = ("_run_turn", "error", "result")

    def __init__(self, run_turn: RunTurn[Event, Result]) -> None:
        self._run_turn = run_turn
        self.result: Result | None = None
        self.error: HermesTrioError | None = None

    async def run(self, emit: Emit[Event]) -> None:
        try:
            self.result = await self._run_turn(emit)
        except HermesTrioError as error:
            self.error = error


async def watch_client(responder: Responder, work: trio.CancelScope) -> None:
    """Cancel the work when the client has gone; runs beside it and is to be cancelled."""
    await responder.wait_client_gone()
    work.cancel()


async def _nothing(_events: Sequence[object]) -> None:
    """The reader of a turn whose answer is sent whole."""
