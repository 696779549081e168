"""``POST /api/sessions/{session_id}/chat`` and ``.../chat/stream``: one more message in a session, and its answer."""

from __future__ import annotations

import secrets
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

import msgspec

from hermes_trio.errors import RequestError
from hermes_trio.http.api_turn import api_turn, session_headers
from hermes_trio.http.json_body import decode_body
from hermes_trio.http.message_content import parse_content
from hermes_trio.http.sessions.objects import SessionChatAnswer, SessionChatBody, SessionReply
from hermes_trio.http.sessions.serving import find_session
from hermes_trio.http.sessions.stream import SessionEncoder, token_usage
from hermes_trio.http.turn_relay import relay_stream, relay_whole
from hermes_trio.store.session_lifecycle import model_alias_of

if TYPE_CHECKING:
    from hermes_trio.http.call import Call
    from hermes_trio.http.message_content import Content
    from hermes_trio.scope import ProfileScope
    from hermes_trio.turns.turn import TurnRequest


async def serve_session_chat(scope: ProfileScope, call: Call) -> None:
    """Answer a message; a client that goes away takes its turn with it.

    Raises:
        HermesTrioError: Before anything was sent.
        ClientGone: The client went away.
    """
    turn = await _read(scope, call)
    result = await relay_whole(call.responder, partial(call.runtime.run_turn, turn))
    answer = SessionChatAnswer(
        "hermes.session.chat.completion",
        turn.session_id,
        SessionReply("assistant", result.text),
        token_usage(result.usage),
    )
    await call.responder.send(200, msgspec.json.encode(answer), session_headers(turn.session_id, turn.session_key))


async def serve_session_chat_stream(scope: ProfileScope, call: Call) -> None:
    """The same as `serve_session_chat`, told as it happens."""
    turn = replace(await _read(scope, call), turn_id=f"run_{secrets.token_hex(16)}")
    said = cast("Content", turn.user_message)
    run_turn = partial(call.runtime.run_turn, turn)
    encoder = SessionEncoder(turn.session_id, turn.turn_id, said, scope.clock.now)
    await relay_stream(call.responder, run_turn, encoder, session_headers(turn.session_id, turn.session_key))


async def _read(scope: ProfileScope, call: Call) -> TurnRequest:
    body = decode_body(call.request.body, SessionChatBody)
    message = body.message if isinstance(body.message, str) else msgspec.to_builtins(body.message)
    content = parse_content(message, "message")
    if not content:
        raise RequestError("the message is empty", param="message")
    session_id = (await find_session(scope, call)).id
    alias = await model_alias_of(scope, session_id)
    turn = api_turn(scope, call, model=alias, session_id=session_id, user_message=content, history=None, system_text="")
    return replace(turn, needs_session=True)
