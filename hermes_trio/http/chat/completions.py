"""``POST /v1/chat/completions``: runs a turn in the profile's nursery and relays it, whole or as a stream."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.http.api_turn import SESSION_HEADER, api_turn, session_headers, turn_fingerprint
from hermes_trio.http.chat.objects import ChatCompletion, CompletionChoice, CompletionMessage, CompletionUsage
from hermes_trio.http.chat.request import ChatRequest, parse_chat_request
from hermes_trio.http.chat.stream import ChunkEncoder, usage_object
from hermes_trio.http.model_names import public_model_name
from hermes_trio.http.turn_relay import relay_stream, relay_whole
from hermes_trio.models.events import TextDelta
from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.session_ids import api_session_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from hermes_trio.http.call import Call
    from hermes_trio.scope import ProfileScope
    from hermes_trio.turns.events import TurnEvent
    from hermes_trio.turns.turn import TurnRequest, TurnResult

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
        return session_headers(self.turn.session_id, self.turn.session_key)

    async def run_turn(self, emit: Callable[[Sequence[TurnEvent]], Awaitable[None]]) -> TurnResult:
        """Run the turn, or take the result of the same request that came before.

        Text that did not come as events (a result from the cache) is emitted in one piece.
        """

        async def work() -> TurnResult:
            return await self.call.runtime.run_turn(self.turn, emit)

        async def again(result: TurnResult) -> None:
            if result.text:
                await emit([TextDelta(result.text)])

        return await self.call.state.idempotency.once_or_again(self.fingerprint, work, again)


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
    session_id = call.header(SESSION_HEADER.lower())
    now = scope.clock.now()
    turn = api_turn(
        scope,
        call,
        model=asked.model,
        session_id=session_id or api_session_id(asked.system_text, asked.first_user_text),
        user_message=asked.user_message.content,
        history=None if session_id else tuple(StoredMessage(one.role, one.content, now) for one in asked.earlier),
        system_text=asked.system_text,
    )
    return Exchange(
        call=call,
        asked=asked,
        turn=turn,
        model=asked.model or public_model_name(scope),
        fingerprint=turn_fingerprint(call, "chat", asked.raw, _FINGERPRINTED),
    )


def _completion_id() -> str:
    return "chatcmpl-" + secrets.token_hex(15)[:29]


def _completion(created: int, model: str, result: TurnResult) -> bytes:
    choice = CompletionChoice(0, CompletionMessage("assistant", result.text), result.finish_reason)
    usage = CompletionUsage(**usage_object(result.usage))
    answer = ChatCompletion(_completion_id(), "chat.completion", created, model, [choice], usage)
    return msgspec.json.encode(answer)
