"""A profile's ``response_store.db``: the responses of its API, so that they can be read and continued.

Tables and names are those of hermes-agent 0.19, which keeps the 100 responses that were used last. ``data`` is JSON.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from hermes_trio.io.database import open_database

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator

    from hermes_trio.io.database import Database
    from hermes_trio.scope import ProfileScope

KEPT_RESPONSES: Final = 100
KEPT_BYTES: Final = 128 * 1024 * 1024

_RESPONSES: Final = """
CREATE TABLE IF NOT EXISTS responses (response_id TEXT PRIMARY KEY, data TEXT NOT NULL, accessed_at REAL NOT NULL)
"""
_CONVERSATIONS: Final = "CREATE TABLE IF NOT EXISTS conversations (name TEXT PRIMARY KEY, response_id TEXT NOT NULL)"
_TABLES: Final = (_RESPONSES, _CONVERSATIONS)
_COUNT_TABLES: Final = (
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('responses', 'conversations')"
)
_KEEP: Final = "INSERT OR REPLACE INTO responses(response_id, data, accessed_at) VALUES (?, ?, ?)"
_GO_ON: Final = "INSERT OR REPLACE INTO conversations(name, response_id) VALUES (?, ?)"
_FORGET: Final = """
DELETE FROM responses WHERE response_id IN
    (SELECT response_id FROM responses WHERE response_id != ? ORDER BY accessed_at DESC, rowid DESC LIMIT -1 OFFSET ?)
"""
_FORGET_ONE: Final = """
DELETE FROM responses WHERE response_id =
    (SELECT response_id FROM responses WHERE response_id != ? ORDER BY accessed_at, rowid LIMIT 1)
"""
_USED_BYTES: Final = """
SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size
"""


class KeptResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a response.

    Attributes:
        response: The response as its client got it, as JSON.
        conversation_history: All that was said up to its end, in the format of chat completions.
        instructions: The client's instructions, which carry over.
        session_id: The session of ``state.db`` that the talk is stored in.
    """

    response: msgspec.Raw
    conversation_history: list[dict[str, object]] = []
    instructions: str | None = None
    session_id: str | None = None


class ResponseStore:
    """The responses of one profile, for one generation.

    Args:
        scope: The profile.
        database: Its ``response_store.db``.
    """

    def __init__(self, scope: ProfileScope, database: Database) -> None:
        self._scope = scope
        self._database = database

    async def has(self, response_id: str) -> bool:
        """Whether there is such a response; makes no file and counts as no use.

        Raises:
            StoreError: The file cannot be used.
            ScopeClosed: The profile is over.
        """
        if not await self._exists():
            return False
        sql = "SELECT 1 FROM responses WHERE response_id = ?"
        return (
            await self._database.read(lambda connection: connection.execute(sql, (response_id,)).fetchone()) is not None
        )

    async def find(self, response_id: str) -> KeptResponse | None:
        """The response of this id, which counts as used now; None when there is none that can be read.

        Raises:
            StoreError: The file cannot be used.
            ScopeClosed: The profile is over.
        """
        if not await self._exists():
            return None
        now = self._scope.clock.now()
        return _decode(await self._database.write(lambda connection: _use(connection, response_id, now)))

    async def find_last(self, conversation: str) -> KeptResponse | None:
        """The last response of a conversation, which counts as used now; None when there is none.

        Raises:
            StoreError: The file cannot be used.
            ScopeClosed: The profile is over.
        """
        if not await self._exists():
            return None
        sql = "SELECT response_id FROM conversations WHERE name = ?"
        row = await self._database.read(lambda connection: connection.execute(sql, (conversation,)).fetchone())
        return None if row is None else await self.find(row[0])

    async def put(self, response_id: str, kept: KeptResponse, conversation: str | None = None) -> None:
        """Keep a response, and let it be the last one of a conversation; the least used ones beyond 100 or 128 MiB go.

        Raises:
            StoreError: The file cannot be used.
            ScopeClosed: The profile is over.

        Cancellation: once accepted it is kept, even if the caller is cancelled.
        """
        data, now = msgspec.json.encode(kept).decode(), self._scope.clock.now()
        await self._database.write(lambda connection: _put(connection, response_id, data, now, conversation))

    async def delete(self, response_id: str) -> bool:
        """Forget a response; False when there is none. What came after it can still be continued.

        Raises:
            StoreError: The file cannot be used.
            ScopeClosed: The profile is over.
        """
        if not await self._exists():
            return False
        return await self._database.write(lambda connection: _delete(connection, response_id))

    async def _exists(self) -> bool:
        return await has_response_store(self._scope)


async def has_response_store(scope: ProfileScope) -> bool:
    """Whether the profile has ever kept a response.

    Raises:
        ScopeClosed: The profile is over.
    """
    return await scope.run_blocking(scope.home.response_store_db.exists)


@asynccontextmanager
async def open_response_store(scope: ProfileScope) -> AsyncIterator[ResponseStore]:
    """Own a profile's store; no file comes into being before the first response is kept.

    Raises:
        StoreError: There is a file, and it cannot be used.
    """
    shared = scope.shared
    path = scope.home.response_store_db
    async with open_database(path, prepare_response_store, scope.name, shared.databases, shared.workers) as database:
        # Before the model is asked for something that could not be kept.
        await database.check()
        yield ResponseStore(scope, database)


async def serve_response_store(
    scope: ProfileScope, *, task_status: trio.TaskStatus[ResponseStore] = trio.TASK_STATUS_IGNORED
) -> None:
    """Own a profile's store until cancelled; what was accepted by then is kept.

    Raises:
        StoreError: There is a file, and it cannot be used.
    """
    async with open_response_store(scope) as store:
        task_status.started(store)
        await trio.sleep_forever()


def prepare_response_store(connection: sqlite3.Connection) -> None:
    """Create the tables that are missing; blocking.

    Raises:
        sqlite3.Error: The file cannot be read or written.
    """
    if connection.execute(_COUNT_TABLES).fetchone()[0] == len(_TABLES):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _use(connection: sqlite3.Connection, response_id: str, now: float) -> object:
    connection.execute("UPDATE responses SET accessed_at = ? WHERE response_id = ?", (now, response_id))
    row = connection.execute("SELECT data FROM responses WHERE response_id = ?", (response_id,)).fetchone()
    return None if row is None else row[0]


def _put(connection: sqlite3.Connection, response_id: str, data: str, now: float, conversation: str | None) -> None:
    connection.execute(_KEEP, (response_id, data, now))
    if conversation is not None:
        connection.execute(_GO_ON, (conversation, response_id))
    # The new one stays whatever its clock says: others may have been used in what is now the future.
    forgotten = connection.execute(_FORGET, (response_id, KEPT_RESPONSES - 1)).rowcount
    # By pages, because the length of a text is only known when all of it has been read.
    while connection.execute(_USED_BYTES).fetchone()[0] > KEPT_BYTES:
        if not connection.execute(_FORGET_ONE, (response_id,)).rowcount:
            break
        forgotten += 1
    if forgotten:
        connection.execute("DELETE FROM conversations WHERE response_id NOT IN (SELECT response_id FROM responses)")


def _delete(connection: sqlite3.Connection, response_id: str) -> bool:
    connection.execute("DELETE FROM conversations WHERE response_id = ?", (response_id,))
    return connection.execute("DELETE FROM responses WHERE response_id = ?", (response_id,)).rowcount > 0


def _decode(data: object) -> KeptResponse | None:
    """What a row holds; a row of somebody else that cannot be understood counts as none."""
    if not isinstance(data, str | bytes):
        return None
    try:
        kept = msgspec.json.decode(data, type=KeptResponse)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return kept if bytes(kept.response).lstrip().startswith(b"{") else None
