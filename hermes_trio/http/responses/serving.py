"""``POST /v1/responses``: a turn as a response, whole or as a stream, that later requests can continue."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.http.api_turn import session_headers, turn_fingerprint
from hermes_trio.http.responses.output import Begun, changes_of
from hermes_trio.http.responses.request import parse_responses_request
from hermes_trio.http.responses.stream import ResponseEncoder
from hermes_trio.http.responses.turn import ResponseTurn
from hermes_trio.http.turn_relay import relay_stream, relay_whole

if TYPE_CHECKING:
    from hermes_trio.http.call import Call
    from hermes_trio.http.responses.objects import FinishedResponse, ResponseObject
    from hermes_trio.http.responses.output import OutputChange
    from hermes_trio.http.responses.request import ResponsesRequest
    from hermes_trio.http.turn_relay import Emit
    from hermes_trio.scope import ProfileScope

_FINGERPRINTED: Final = ("input", "instructions", "previous_response_id", "conversation", "model", "tools")


async def serve_responses(scope: ProfileScope, call: Call) -> None:
    """Answer one request; a client that goes away takes its turn with it, and nothing is kept.

    Raises:
        HermesTrioError: Before anything was sent.
        ClientGone: The client went away.
    """
    asked = parse_responses_request(call.request.body)
    turn = ResponseTurn(scope, call, asked)
    fingerprint = turn_fingerprint(call, "responses", asked.fingerprinted, _FINGERPRINTED)

    async def run(emit: Emit[OutputChange]) -> FinishedResponse:
        async def work() -> FinishedResponse:
            return await _answer_in_order(call, asked, turn, emit)

        async def again(finished: FinishedResponse) -> None:
            turn.headers += session_headers(finished.session_id, call.header("x-hermes-session-key") or "")
            await emit([Begun(_as_begun(finished.response)), *changes_of(finished.response.output)])

        return await call.state.responses.once_or_again(fingerprint, work, again)

    if asked.body.stream:
        encoder = ResponseEncoder(turn.draft, lambda: turn.output.items)
        await relay_stream(call.responder, run, encoder, turn.headers)
    else:
        finished = await relay_whole(call.responder, run)
        await call.responder.send(200, msgspec.json.encode(finished.response), turn.headers)


async def _answer_in_order(
    call: Call, asked: ResponsesRequest, turn: ResponseTurn, emit: Emit[OutputChange]
) -> FinishedResponse:
    """Answer; in a conversation only after the answer before, which it continues."""
    order = call.state.conversations.turn_of(asked.conversation) if asked.conversation else nullcontext()
    async with order:
        return await call.runtime.call(turn.answer, emit)


def _as_begun(response: ResponseObject) -> ResponseObject:
    return msgspec.structs.replace(
        response, status="in_progress", completed_at=None, output=(), usage=None, incomplete_details=None
    )
