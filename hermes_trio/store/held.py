"""Messages that a profile's bot has received for another profile that could not be had; they wait here for it.

They are committed before the platform hears that we have them, like those in an inbox, and leave once the profile that
answers them has them in its own.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, TypeVar

from hermes_trio.store.commit import wait_for_commit
from hermes_trio.store.messages import clean_text
from hermes_trio.store.own_tables import HELD

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from hermes_trio.scope import ProfileScope

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewHeldRow:
    """A message to hold.

    Attributes:
        platform: On which platform it came.
        chat_id: In which chat.
        message_id: The platform's id of the message.
        target: The profile it waits for.
        is_chosen: Whether a hook chose that profile, and not a route.
        message: The message as JSON text, for the reader of the row.
        reason: Why the profile could not be had, as a stable code.
    """

    platform: str
    chat_id: str
    message_id: str
    target: str
    is_chosen: bool
    message: str
    reason: str


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A message that waits; the fields of `NewHeldRow`, its id in order of arrival, and since when it waits.

    SQLite has no truth values, so ``is_chosen`` is 0 or 1 here.
    """

    id: int
    platform: str
    chat_id: str
    message_id: str
    target: str
    is_chosen: int
    message: str
    reason: str
    held_at: float


_NEW_NAMES: Final = tuple(field.name for field in fields(NewHeldRow))
_ALL: Final = ", ".join(field.name for field in fields(HeldRow))
_HOLD: Final = f"""
INSERT INTO trio_held({", ".join(_NEW_NAMES)}, held_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(platform, chat_id, message_id) DO NOTHING RETURNING id
"""  # noqa: S608  only names


async def hold(scope: ProfileScope, row: NewHeldRow) -> int | None:
    """Commit a message that waits; its id, or None when it waits already.

    Args:
        scope: The transport profile, whose bot received it.
        row: The message.

    Raises:
        StoreError: It was not stored: the platform must keep it.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s; see `wait_for_commit`.
    """
    values = tuple(_clean(getattr(row, name)) for name in _NEW_NAMES)
    now = scope.clock.now()

    def insert(connection: sqlite3.Connection) -> int | None:
        found = connection.execute(_HOLD, (*values, now)).fetchall()
        return int(found[0][0]) if found else None

    return await _write(scope, insert)


async def list_held(scope: ProfileScope) -> tuple[HeldRow, ...]:
    """All messages that wait, in order of arrival.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """

    def select(connection: sqlite3.Connection) -> tuple[HeldRow, ...]:
        if not HELD.is_there(connection):
            return ()
        rows = connection.execute(f"SELECT {_ALL} FROM trio_held ORDER BY id")  # noqa: S608  only names
        return tuple(HeldRow(*row) for row in rows)

    return await scope.db.read(select)


async def release(scope: ProfileScope, row_id: int) -> None:
    """A message waits no more.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s.
    """
    await _write(scope, lambda connection: connection.execute("DELETE FROM trio_held WHERE id = ?", (row_id,)))


def _clean(value: object) -> object:
    return clean_text(value) if isinstance(value, str) else value


async def _write(scope: ProfileScope, job: Callable[[sqlite3.Connection], T]) -> T:
    def run(connection: sqlite3.Connection) -> T:
        HELD.make(connection)
        return job(connection)

    return await wait_for_commit(scope, lambda: scope.db.write(run))
