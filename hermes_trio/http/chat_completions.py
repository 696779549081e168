"""``POST /v1/chat/completions``: runs a turn in the profile's nursery and relays it, whole or as a stream."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.http.chat_request import ChatRequest, parse_chat_request
from hermes_trio.http.chat_stream import ChunkEncoder, usage_object
from hermes_trio.http.idempotency import request_fingerprint
from hermes_trio.http.model_names import model_route, public_model_name
from hermes_trio.http.turn_relay import relay_stream, relay_whole
from hermes_trio.models.events import TextDelta
from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.session_ids import api_session_id
from hermes_trio.turns.turn import TurnRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from hermes_trio.http.call import Call
    from hermes_trio.scope import ProfileScope
    from hermes_trio.turns.events import TurnEvent
    from hermes_trio.turns.turn import TurnResult

_FINGERPRINTED: Final = ("model", "messages", "tools", "tool_choice", "stream")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request on its way through: what the client asked and what the answer says of it."""

    call: Call
    asked: ChatRequest
    turn: TurnRequest
    model: str
    fingerprint: str | None

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers that tell the client of its conversation."""
        session = (("X-Hermes-Session-Id", self.turn.session_id),)
        return (*session, ("X-Hermes-Session-Key", self.turn.session_key)) if self.turn.session_key else session

    async def run_turn(self, emit: Callable[[Sequence[TurnEvent]], Awaitable[None]]) -> TurnResult:
        """Run the turn, or take the result of the same request that came before.

        Text that did not come as events (a result from the cache) is emitted in one piece.
        """
        if self.fingerprint is None:
            return await self.call.runtime.run_turn(self.turn, emit)
        ran = False

        async def work() -> TurnResult:
            nonlocal ran
            ran = True
            return await self.call.runtime.run_turn(self.turn, emit)

        result = await self.call.state.idempotency.once(self.fingerprint, work)
        if not ran and result.text:
            await emit([TextDelta(result.text)])
        return result


async def serve_chat_completions(scope: ProfileScope, call: Call) -> None:
    """Answer one request; a client that goes away takes its turn with it.

    Raises:
        HermesTrioError: Before anything was sent.
        ClientGone: The client went away.
    """
    exchange = _read(scope, call)
    created = int(scope.clock.now())
    if exchange.asked.stream:
        encoder = ChunkEncoder(_completion_id(), created, exchange.model)
        await relay_stream(call.responder, exchange.run_turn, encoder, exchange.headers)
    else:
        result = await relay_whole(call.responder, exchange.run_turn)
        await call.responder.send(200, _completion(created, exchange.model, result), exchange.headers)


def _read(scope: ProfileScope, call: Call) -> Exchange:
    asked = parse_chat_request(call.request.body)
    session_id = call.header("x-hermes-session-id")
    key = call.header("idempotency-key")
    now = scope.clock.now()
    turn = TurnRequest(
        turn_id=secrets.token_hex(6),
        session_id=session_id or api_session_id(asked.system_text, asked.first_user_text),
        user_message=asked.user_message.content,
        history=None if session_id else tuple(StoredMessage(one.role, one.content, now) for one in asked.earlier),
        system_text=asked.system_text,
        session_key=call.header("x-hermes-session-key") or "",
        route=model_route(scope, asked.model),
        root_db=call.runtime.root_db,
        user_id=(call.source.user_id if call.source is not None else None) or "",
    )
    return Exchange(
        call=call,
        asked=asked,
        turn=turn,
        model=asked.model or public_model_name(scope),
        fingerprint=request_fingerprint(key, "chat", asked.raw, _FINGERPRINTED) if key else None,
    )


def _completion_id() -> str:
    return "chatcmpl-" + secrets.token_hex(15)[:29]


def _completion(created: int, model: str, result: TurnResult) -> bytes:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": result.text},
        "finish_reason": result.finish_reason,
    }
    return msgspec.json.encode(
        {
            "id": _completion_id(),
            "object": "chat.completion",
            "created": created,
            "model": model,
            "choices": [choice],
            "usage": usage_object(result.usage),
        }
    )
