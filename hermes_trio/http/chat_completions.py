"""``POST /v1/chat/completions``: runs a turn in the profile's nursery and relays it, whole or as a stream."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import trio

from hermes_trio.errors import HermesTrioError, RequestError
from hermes_trio.http.chat_request import ChatRequest, parse_chat_request
from hermes_trio.http.chat_stream import KEEPALIVE, ChunkEncoder, usage_object
from hermes_trio.http.errors import error_answer
from hermes_trio.http.event_buffer import EventBuffer
from hermes_trio.http.idempotency import IdempotencyCache, request_fingerprint
from hermes_trio.http.model_list import public_model_name
from hermes_trio.http.types import ClientGone
from hermes_trio.models.events import TextDelta
from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.session_ids import api_session_id
from hermes_trio.turns.turn import TurnRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from hermes_trio.gateway.runtime import ProfileRuntime
    from hermes_trio.http.types import Request, Responder
    from hermes_trio.turns.events import TurnEvent
    from hermes_trio.turns.turn import TurnResult

KEEPALIVE_SECONDS = 30.0
MAXIMUM_HEADER = 256
_STREAM_HEADERS = (
    ("Content-Type", "text/event-stream"),
    ("Cache-Control", "no-cache"),
    ("X-Accel-Buffering", "no"),
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request on its way through: what the client asked and what the answer says of it."""

    runtime: ProfileRuntime
    responder: Responder
    asked: ChatRequest
    turn: TurnRequest
    model: str
    fingerprint: str | None
    cache: IdempotencyCache

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
            return await self.runtime.run_turn(self.turn, emit)
        ran = False

        async def work() -> TurnResult:
            nonlocal ran
            ran = True
            return await self.runtime.run_turn(self.turn, emit)

        result = await self.cache.once(self.fingerprint, work)
        if not ran and result.text:
            await emit([TextDelta(result.text)])
        return result


async def serve_chat_completions(
    runtime: ProfileRuntime, cache: IdempotencyCache, request: Request, responder: Responder
) -> None:
    """Answer one request; a client that goes away takes its turn with it.

    Raises:
        HermesTrioError: Before anything was sent.
        ClientGone: The client went away.
    """
    exchange = _read(runtime, cache, request, responder)
    if exchange.asked.stream:
        await _relay_stream(exchange)
    else:
        await _relay_whole(exchange)


def _read(runtime: ProfileRuntime, cache: IdempotencyCache, request: Request, responder: Responder) -> Exchange:
    asked = parse_chat_request(request.body)
    scope = runtime.scope
    routes = {route.alias: route for route in scope.config.api_server.model_routes}
    session_id = _header(request, "x-hermes-session-id")
    key = _header(request, "idempotency-key")
    now = scope.clock.now()
    turn = TurnRequest(
        turn_id=secrets.token_hex(6),
        session_id=session_id or api_session_id(asked.system_text, asked.first_user_text),
        user_message=asked.user_message.content,
        history=None if session_id else tuple(StoredMessage(one.role, one.content, now) for one in asked.earlier),
        system_text=asked.system_text,
        session_key=_header(request, "x-hermes-session-key") or "",
        route=routes.get(asked.model or ""),
        root_db=runtime.root_db,
    )
    return Exchange(
        runtime=runtime,
        responder=responder,
        asked=asked,
        turn=turn,
        model=asked.model or public_model_name(scope),
        fingerprint=request_fingerprint(key, asked.raw) if key else None,
        cache=cache,
    )


def _header(request: Request, name: str) -> str | None:
    value = (request.headers.get(name) or "").strip()
    if len(value) > MAXIMUM_HEADER or not value.isprintable():
        raise RequestError(f"header {name} must be at most {MAXIMUM_HEADER} printable characters", param=name)
    return value or None


async def _nothing(_events: Sequence[TurnEvent]) -> None:
    """The reader of a turn whose answer is sent whole."""


async def _relay_whole(exchange: Exchange) -> None:
    outcome = _Outcome(exchange)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_watch_client, exchange.responder, nursery.cancel_scope)
        await outcome.run(_nothing)
        nursery.cancel_scope.cancel()
    if outcome.error is not None:
        raise outcome.error
    if outcome.result is None:
        raise ClientGone
    await exchange.responder.send(200, _completion(exchange, outcome.result), exchange.headers)


async def _relay_stream(exchange: Exchange) -> None:
    buffer = EventBuffer()
    outcome = _Outcome(exchange)
    created = int(exchange.runtime.scope.clock.now())
    encoder = ChunkEncoder(_completion_id(), created, exchange.model)

    async def run() -> None:
        try:
            await outcome.run(buffer.put)
        finally:
            buffer.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(_watch_client, exchange.responder, nursery.cancel_scope)
        nursery.start_soon(run)
        # Caught here, because a nursery would wrap it into a group.
        with suppress(ClientGone):
            await _relay_events(exchange, encoder, buffer)
        nursery.cancel_scope.cancel()
    await _end_stream(exchange, encoder, outcome)


async def _relay_events(exchange: Exchange, encoder: ChunkEncoder, buffer: EventBuffer) -> None:
    responder = exchange.responder
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
            await responder.start_stream(200, (*_STREAM_HEADERS, *exchange.headers))
            data = encoder.opening() + data
        await responder.write(data)


async def _end_stream(exchange: Exchange, encoder: ChunkEncoder, outcome: _Outcome) -> None:
    responder = exchange.responder
    if outcome.error is not None and not responder.started:
        raise outcome.error
    if outcome.error is None and outcome.result is None:
        raise ClientGone
    if not responder.started:
        await responder.start_stream(200, (*_STREAM_HEADERS, *exchange.headers))
        await responder.write(encoder.opening())
    if outcome.result is not None:
        await responder.finish(encoder.closing(outcome.result.finish_reason, outcome.result.usage))
    elif outcome.error is not None:
        await responder.finish(encoder.failure(error_answer(outcome.error).body))


class _Outcome:
    """How a turn ended, kept aside so that an error does not arrive wrapped in a group."""

    __slots__ = ("_exchange", "error", "result")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.result: TurnResult | None = None
        self.error: HermesTrioError | None = None

    async def run(self, emit: Callable[[Sequence[TurnEvent]], Awaitable[None]]) -> None:
        try:
            self.result = await self._exchange.run_turn(emit)
        except HermesTrioError as error:
            self.error = error


async def _watch_client(responder: Responder, turn: trio.CancelScope) -> None:
    await responder.wait_client_gone()
    turn.cancel()


def _completion_id() -> str:
    return "chatcmpl-" + secrets.token_hex(15)[:29]


def _completion(exchange: Exchange, result: TurnResult) -> bytes:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": result.text},
        "finish_reason": result.finish_reason,
    }
    return msgspec.json.encode(
        {
            "id": _completion_id(),
            "object": "chat.completion",
            "created": int(exchange.runtime.scope.clock.now()),
            "model": exchange.model,
            "choices": [choice],
            "usage": usage_object(result.usage),
        }
    )
