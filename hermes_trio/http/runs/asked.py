"""What a client asks a run for: the body of ``POST /v1/runs``, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermes_trio.errors import RequestError
from hermes_trio.http.call import short_text
from hermes_trio.http.chat.request import read_messages
from hermes_trio.http.message_content import SentMessage
from hermes_trio.http.responses.history import decode_history
from hermes_trio.http.responses.kept import find_continued
from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.session_ids import api_session_id

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
        session_id: The conversation.
    """

    user_message: SentMessage
    earlier: tuple[StoredMessage, ...] | None
    system_text: str
    session_id: str


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
    previous = body.previous_response_id
    kept = await find_continued(scope, call.runtime, previous) if previous else None
    now = scope.clock.now()
    before = decode_history(kept.conversation_history, now) if kept is not None else ()
    instructions = kept.instructions if kept is not None and body.instructions is None else body.instructions
    system_text = "\n\n".join(text for text in (instructions or "", history_system, system_text) if text)
    talk = (*talk, *sent[:-1])
    said = (one.text for one in (*talk, sent[-1]) if one.role == "user")
    continued = kept.session_id if kept is not None else None
    return AskedRun(
        user_message=sent[-1],
        earlier=None if session_id else (*before, *(StoredMessage(one.role, one.content, now) for one in talk)),
        system_text=system_text,
        session_id=session_id or continued or api_session_id(system_text, next(said)),
    )


def _messages(messages: Sequence[RunMessage], where: str) -> tuple[str, tuple[SentMessage, ...]]:
    return read_messages([{"role": one.role, "content": one.content} for one in messages], where)
