"""What the user's side of a turn begins with: a new message, or one that a process that died has begun to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.store.exchanges import exchange_starts
from hermes_trio.store.messages import StoredMessage
from hermes_trio.turns.history import to_content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.messages import Content
    from hermes_trio.turns.opening import Opening
    from hermes_trio.turns.place import Place
    from hermes_trio.turns.request import TurnRequest

RESUMED_NOTE: Final = (
    "[The gateway was restarted while you were answering my last message. What you had done until then is above. Go on "
    "from there, do not repeat what is finished, and then answer.]"
)

ONCE_MORE_NOTE: Final = (
    "[I wrote this before, and you have not answered it: the gateway was restarted, and other messages came first. "
    "What you may have done for it is above; do not repeat what is finished. Answer it now.]"
)


def first_rows(scope: ProfileScope, request: TurnRequest, opening: Opening) -> list[StoredMessage]:
    """The rows of the user that a turn adds to what is stored.

    That is the message. When it is answered again and is stored already, it is nothing, or a note if work on it is
    stored as well. When others have been answered since, it is the message once more, with a note: what a conversation
    ends with is what a model answers.
    """
    content = to_content(request.user_message)
    message_id = stored_id(scope, request.place)
    if request.resumed and request.history is None and message_id is not None:
        since = _rows_since(opening.earlier, message_id)
        if since is not None and _others_came(since):
            content = _with_note(content)
        elif since is not None:
            work = [row for row in since if not row.observed]
            return [StoredMessage("user", RESUMED_NOTE, opening.at)] if work else []
    return [StoredMessage("user", content, opening.at, platform_message_id=message_id)]


def stored_id(scope: ProfileScope, place: Place | None) -> str | None:
    """What a message is known by in the store: the platform's id, or None when there is none.

    Each bot's chats have numbers of their own, and several bots may lead into one conversation, so what another
    profile's bot has received is known by that profile as well.
    """
    if place is None or not place.message_id:
        return None
    if place.transport_profile in {"", scope.name}:
        return place.message_id
    return f"{place.transport_profile}:{place.message_id}"


def _rows_since(rows: Sequence[StoredMessage], message_id: str) -> Sequence[StoredMessage] | None:
    """What follows the message; None if it is not there."""
    for index in range(len(rows) - 1, -1, -1):
        row = rows[index]
        if row.role == "user" and row.platform_message_id == message_id and not row.observed:
            return rows[index + 1 :]
    return None


def _others_came(since: Sequence[StoredMessage]) -> bool:
    """Whether other messages have been told since; notes of this kind are none."""
    return any(since[index].content != RESUMED_NOTE for index in exchange_starts(since))


def _with_note(content: Content) -> Content:
    if content is None or isinstance(content, str):
        return f"{ONCE_MORE_NOTE}\n{content or ''}"
    return ({"type": "text", "text": ONCE_MORE_NOTE}, *content)
