"""The tables of our own that hold a profile's mail; made by the first write that needs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.store.schema_tables import Table

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True)
class OwnTable:
    """A table with one index beside its keys.

    Attributes:
        table: The table.
        index: Name of the index.
        indexed: Its columns in parentheses, and which rows.
    """

    table: Table
    index: str
    indexed: str

    def make(self, connection: sqlite3.Connection) -> None:
        """Create what is missing, inside a write job; costs microseconds when nothing is. Blocking."""
        columns = ", ".join((*self.table.columns, *self.table.constraints))
        connection.execute(f"CREATE TABLE IF NOT EXISTS {self.table.name}({columns})")
        connection.execute(f"CREATE INDEX IF NOT EXISTS {self.index} ON {self.table.name}{self.indexed}")

    def is_there(self, connection: sqlite3.Connection) -> bool:
        """Whether the file has the table; a read of one that is missing finds nothing. Blocking."""
        found = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (self.table.name,))
        return found.fetchone() is not None


#: What `unfinished` looks through; the query says it in the same words, so that SQLite uses the index.
INBOX_UNFINISHED: Final = "state IN ('accepted', 'running')"

#: What the sender looks through, likewise.
OUTBOX_UNSENT: Final = "state IN ('pending', 'sending')"

INBOX: Final = OwnTable(
    Table(
        "trio_inbox",
        (
            "id INTEGER PRIMARY KEY AUTOINCREMENT",
            "transport_profile TEXT NOT NULL",
            "platform TEXT NOT NULL",
            "chat_id TEXT NOT NULL",
            "thread_id TEXT",
            "message_id TEXT NOT NULL",
            "session_key TEXT NOT NULL",
            "message TEXT NOT NULL",
            "state TEXT NOT NULL",
            "attempts INTEGER NOT NULL DEFAULT 0",
            "accepted_at REAL NOT NULL",
            "updated_at REAL NOT NULL",
            "last_error TEXT",
        ),
        ("UNIQUE (transport_profile, platform, chat_id, message_id)",),
    ),
    "idx_trio_inbox_unfinished",
    f"(id) WHERE {INBOX_UNFINISHED}",
)

HELD: Final = OwnTable(
    Table(
        "trio_held",
        (
            "id INTEGER PRIMARY KEY AUTOINCREMENT",
            "platform TEXT NOT NULL",
            "chat_id TEXT NOT NULL",
            "message_id TEXT NOT NULL",
            "target TEXT NOT NULL",
            "is_chosen INTEGER NOT NULL",
            "message TEXT NOT NULL",
            "reason TEXT NOT NULL",
            "held_at REAL NOT NULL",
        ),
        ("UNIQUE (platform, chat_id, message_id)",),
    ),
    "idx_trio_held_target",
    "(target, id)",
)

OUTBOX: Final = OwnTable(
    Table(
        "trio_outbox",
        (
            "id INTEGER PRIMARY KEY AUTOINCREMENT",
            "transport_profile TEXT NOT NULL",
            "platform TEXT NOT NULL",
            "chat_id TEXT NOT NULL",
            "thread_id TEXT",
            "reply_to TEXT",
            "session_key TEXT NOT NULL",
            "inbox_id INTEGER",
            "kind TEXT NOT NULL",
            "part INTEGER NOT NULL DEFAULT 1",
            "parts INTEGER NOT NULL DEFAULT 1",
            "content TEXT NOT NULL",
            "idempotency_key TEXT NOT NULL UNIQUE",
            "state TEXT NOT NULL",
            "attempts INTEGER NOT NULL DEFAULT 0",
            "not_before REAL NOT NULL DEFAULT 0",
            "may_have_arrived INTEGER NOT NULL DEFAULT 0",
            "sent_message_id TEXT",
            "last_error TEXT",
            "created_at REAL NOT NULL",
            "updated_at REAL NOT NULL",
        ),
    ),
    "idx_trio_outbox_unsent",
    f"(transport_profile, platform, chat_id, id) WHERE {OUTBOX_UNSENT}",
)
