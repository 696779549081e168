"""What a client asks a run for: the body of ``POST /v1/runs``, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from hermes_trio.errors import RequestError
from hermes_trio.http.call import short_text
from hermes_trio.http.chat_request import SentMessage, read_messages
from hermes_trio.store.messages import StoredMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.http.call import Call
    from hermes_trio.http.runs.shapes import RunMessage, StartRun
    from hermes_trio.scope import ProfileScope


@dataclass(frozen=True, slots=True)
class AskedRun:
    """A run as a client wants it.

    Attributes:
        user_message: What the agent is to answer.
        earlier: What was said before, oldest first; None where the session's history says it.
        system_text: What the client adds to the prompt.
        first_user_text: What the user said first; with the system text it identifies a conversation.
        session_id: The conversation to go on with, or None.
    """

    user_message: SentMessage
    earlier: tuple[StoredMessage, ...] | None
    system_text: str
    first_user_text: str
    session_id: str | None


async def read_asked_run(scope: ProfileScope, call: Call, body: StartRun) -> AskedRun:
    """Check a body.

    Raises:
        RequestError: Status 400, or 404 for a ``previous_response_id`` that is not known; ``param`` names the field.
    """
    session_id = short_text(body.session_id, "`session_id`", "session_id") or call.header("x-hermes-session-id")
    if isinstance(body.input, str):
        sent: tuple[SentMessage, ...] = (SentMessage("user", body.input),)
        system_text = ""
    else:
        system_text, sent = _messages(body.input, "input")
    if not sent or sent[-1].role != "user" or not sent[-1].content:
        raise RequestError("`input` must be text, or a list of messages of which the last is the user's", param="input")
    history_system, talk = _messages(body.conversation_history or (), "conversation_history")
    before = await earlier_of_response(scope, call, body.previous_response_id) if body.previous_response_id else ()
    now = scope.clock.now()
    talk = (*talk, *sent[:-1])
    earlier = (*before, *(StoredMessage(one.role, one.content, now) for one in talk))
    said = (one.text for one in (*talk, sent[-1]) if one.role == "user")
    return AskedRun(
        user_message=sent[-1],
        earlier=None if session_id else earlier,
        system_text="\n\n".join(text for text in (body.instructions or "", history_system, system_text) if text),
        first_user_text=next(said),
        session_id=session_id,
    )


async def earlier_of_response(scope: ProfileScope, _call: Call, _response_id: str) -> tuple[StoredMessage, ...]:
    """The conversation up to and with a response of the profile, oldest message first.

    Raises:
        RequestError: Status 404: the profile knows no such response.
    """
    raise RequestError(
        "there is no such response",
        status=404,
        code="previous_response_not_found",
        profile=scope.name,
        param="previous_response_id",
    )


def _messages(messages: Sequence[RunMessage], where: str) -> tuple[str, tuple[SentMessage, ...]]:
    return read_messages(msgspec.to_builtins(messages), where)
