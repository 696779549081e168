"""How a run is doing: ``GET /v1/runs/{run_id}`` and the stream of its events."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import trio

from hermes_trio.http.runs.events import CLOSED, frame
from hermes_trio.http.runs.lookup import find_run
from hermes_trio.http.turn_relay import KEEPALIVE, KEEPALIVE_SECONDS, STREAM_HEADERS, watch_client
from hermes_trio.http.types import ClientGone

if TYPE_CHECKING:
    from hermes_trio.http.call import Call
    from hermes_trio.http.runs.run import Run
    from hermes_trio.http.types import Responder
    from hermes_trio.scope import ProfileScope


async def serve_run(scope: ProfileScope, call: Call) -> None:
    """Say how a run is doing.

    Raises:
        RequestError: See `find_run`.
    """
    await call.responder.send(200, msgspec.json.encode(find_run(scope, call).view()))


async def serve_run_events(scope: ProfileScope, call: Call) -> None:
    """Stream the events of a run that nobody has read yet, then those that come, until the run has ended.

    A reader that goes away leaves the run as it is; the next one goes on where it was.

    Raises:
        RequestError: See `find_run`; status 409, code ``run_events_taken``: somebody reads them already.
        ClientGone: The client went away.
    """
    run = find_run(scope, call)
    if call.request.method == "HEAD":  # has no body, and must not take events from whoever reads
        await call.responder.start_stream(200, STREAM_HEADERS)
        await call.responder.finish()
        return
    has_ended = False
    with run.events.read():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch_client, call.responder, nursery.cancel_scope)
            # Caught here, because a nursery would wrap it into a group.
            with suppress(ClientGone):
                await _relay(call.responder, run)
                has_ended = True
            nursery.cancel_scope.cancel()
    if not has_ended:
        raise ClientGone


async def _relay(responder: Responder, run: Run) -> None:
    await responder.start_stream(200, STREAM_HEADERS)
    await responder.write(b"")
    while True:
        frames: list[bytes] = []
        with trio.move_on_after(KEEPALIVE_SECONDS) as silence:
            frames = await run.events.take()
        if silence.cancelled_caught:
            await responder.write(KEEPALIVE)
        elif frames:
            await responder.write(b"".join(frames))
        else:
            last = b"" if run.end is None else frame(run.end)
            await responder.finish(last + CLOSED)
            return
