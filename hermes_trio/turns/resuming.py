"""What the user's side of a turn begins with: a new message, or one that a process that died has begun to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.store.messages import StoredMessage
from hermes_trio.turns.history import to_content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.turns.opening import Opening
    from hermes_trio.turns.request import TurnRequest

RESUMED_NOTE: Final = (
    "[The gateway was restarted while you were answering my last message. What you had done until then is above. Go on "
    "from there, do not repeat what is finished, and then answer.]"
)


def first_rows(request: TurnRequest, opening: Opening) -> list[StoredMessage]:
    """The rows of the user that a turn adds to what is stored.

    That is the message. When it is answered again and is stored already, it is nothing, or a note if work on it is
    stored as well.
    """
    message_id = (request.place.message_id if request.place is not None else "") or None
    if request.resumed and request.history is None and message_id is not None:
        begun = _rows_since(opening.earlier, message_id)
        if begun is not None:
            return [StoredMessage("user", RESUMED_NOTE, opening.at)] if begun else []
    content = to_content(request.user_message)
    return [StoredMessage("user", content, opening.at, platform_message_id=message_id)]


def _rows_since(rows: Sequence[StoredMessage], message_id: str) -> Sequence[StoredMessage] | None:
    """What follows the message; None if it is not there."""
    for index in range(len(rows) - 1, -1, -1):
        if rows[index].role == "user" and rows[index].platform_message_id == message_id:
            return rows[index + 1 :]
    return None
