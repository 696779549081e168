"""What the endpoints that let the agent work have in common: the turn they ask for, and what they tell of it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from hermes_trio.http.call import MAXIMUM_HEADER
from hermes_trio.http.endpoint import Parameter
from hermes_trio.http.idempotency import request_fingerprint
from hermes_trio.http.model_names import model_route
from hermes_trio.turns.turn import TurnRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hermes_trio.http.call import Call
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.messages import StoredMessage
    from hermes_trio.turns.history import GivenContent

SESSION_HEADER: Final = "X-Hermes-Session-Id"
KEY_HEADER: Final = "X-Hermes-Session-Key"
IDEMPOTENCY_HEADER: Final = "Idempotency-Key"
TURN_HEADERS: Final = (
    Parameter(SESSION_HEADER, "The conversation to go on with", "header", maximum=MAXIMUM_HEADER),
    Parameter(KEY_HEADER, "A stable name for the user behind the client", "header", maximum=MAXIMUM_HEADER),
    Parameter(IDEMPOTENCY_HEADER, "The same request again gets the same answer", "header", maximum=MAXIMUM_HEADER),
)


def api_turn(
    scope: ProfileScope,
    call: Call,
    *,
    model: str | None,
    session_id: str,
    user_message: GivenContent,
    history: tuple[StoredMessage, ...] | None,
    system_text: str,
) -> TurnRequest:
    """The turn that a request of the API asks for.

    Args:
        scope: The profile that answers.
        call: The request.
        model: The model that its body names, or None; an alias selects one of the profile's ``model_routes``.
        session_id: The conversation.
        user_message: What the user says.
        history: What was said before; None to take it from the store.
        system_text: The client's own system text.

    Raises:
        RequestError: A header is not usable.
    """
    return TurnRequest(
        turn_id=secrets.token_hex(6),
        session_id=session_id,
        user_message=user_message,
        history=history,
        system_text=system_text,
        session_key=call.header(KEY_HEADER.lower()) or "",
        route=model_route(scope, model),
        root_db=call.runtime.root_db,
        user_id=_user_id(call),
    )


def turn_fingerprint(call: Call, endpoint: str, body: Mapping[str, object], names: Sequence[str]) -> str | None:
    """What makes a request the same as another one; None when it has no ``Idempotency-Key``.

    Args:
        call: The request.
        endpoint: Tells endpoints apart.
        body: Its decoded body.
        names: The parts of the body that count.

    Raises:
        RequestError: A header is not usable, or the body is nested too deeply.
    """
    key = call.header(IDEMPOTENCY_HEADER.lower())
    if key is None:
        return None
    place = (call.header(SESSION_HEADER.lower()), call.header(KEY_HEADER.lower()), _user_id(call))
    return request_fingerprint(key, endpoint, place, body, names)


def _user_id(call: Call) -> str:
    return (call.source.user_id if call.source is not None else None) or ""


def session_headers(session_id: str, session_key: str) -> tuple[tuple[str, str], ...]:
    """The headers that tell a client of its conversation, as far as they can: an id of a chat may hold anything."""
    fits = session_id.isprintable() and all(character <= "\xff" for character in session_id)
    session = ((SESSION_HEADER, session_id),) if fits else ()
    return (*session, (KEY_HEADER, session_key)) if session_key else session
