"""Whether a profile has mail left: a look at its own tables before anything of its conversations has begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.store.own_tables import HELD, INBOX, INBOX_UNFINISHED, OUTBOX, OUTBOX_UNSENT

if TYPE_CHECKING:
    import sqlite3

_LEFT: Final = ((INBOX, INBOX_UNFINISHED), (OUTBOX, OUTBOX_UNSENT), (HELD, "TRUE"))


def has_mail(connection: sqlite3.Connection) -> bool:
    """Whether a message waits to be answered, an answer to be sent, or a message for another profile; blocking."""
    return any(
        own.is_there(connection)
        and connection.execute(f"SELECT 1 FROM {own.table.name} WHERE {which} LIMIT 1").fetchone() is not None  # noqa: S608  only names
        for own, which in _LEFT
    )
