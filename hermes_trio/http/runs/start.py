"""``POST /v1/runs``: takes a seat, starts a turn in the profile's nursery, and answers while it goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from hermes_trio.http.api_turn import api_turn
from hermes_trio.http.json_body import decode_body
from hermes_trio.http.model_names import public_model_name
from hermes_trio.http.runs.asked import read_asked_run
from hermes_trio.http.runs.run import Run
from hermes_trio.http.runs.shapes import StartedRun, StartRun
from hermes_trio.turns.control import TurnControl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.errors import HermesTrioError
    from hermes_trio.http.call import Call
    from hermes_trio.scope import ProfileScope
    from hermes_trio.turns.events import TurnEvent
    from hermes_trio.turns.turn import TurnResult


async def serve_start_run(scope: ProfileScope, call: Call) -> None:
    """Start a run; it goes on after the request, until it ends, is stopped, or the profile ends.

    Raises:
        RequestError: The body does not fit.
        CapacityExceeded: No seat is free.
        ProfileUnavailable: The profile does not accept work.
    """
    body = decode_body(call.request.body, StartRun)
    asked = await read_asked_run(scope, call, body)
    run = Run(asked.session_id, body.model or public_model_name(scope), scope.clock.now())
    control = TurnControl()
    turn = api_turn(
        scope,
        call,
        model=body.model,
        session_id=asked.session_id,
        user_message=asked.user_message.content,
        history=asked.earlier,
        system_text=asked.system_text,
    )
    request = replace(turn, turn_id=run.id, can_ask=True, control=control)

    async def emit(events: Sequence[TurnEvent]) -> None:
        run.happened(events, scope.clock.now())

    def ended(outcome: TurnResult | HermesTrioError | None) -> None:
        run.ended(outcome, scope.clock.now())

    # Nothing waits from here on: the turn does not begin before the run is known.
    run.begin(call.runtime.begin_turn(request, emit, ended), control)
    call.state.runs.add(run)
    await call.responder.send(202, msgspec.json.encode(StartedRun(run.id)))
