"""Brings a ``state.db`` to the schema of hermes-agent 0.19, tolerating older and newer files; blocking.

Only what is missing is added. Unknown tables and columns stay, and so does the version row of a file somebody else
made: its maker still has to see which of its own migrations ran. Tables of our own carry the prefix ``trio_`` and
are made by the first write that needs them, so that looking at a file never changes it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermes_trio.store.schema_tables import FTS_TEXT, FULL_TEXT, INDEXES, SCHEMA_VERSION, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hermes_trio.store.schema_tables import FullText, Table

#: Building a missing full-text index for more messages than this would hold up the start; search then scans instead.
MOST_MESSAGES_TO_INDEX = 5_000

_EXISTING = f"""
SELECT o.name, CASE WHEN o.name IN ({", ".join(f"'{table.name}'" for table in TABLES)})
                  THEN (SELECT group_concat(name) FROM pragma_table_info(o.name)) END
FROM sqlite_schema AS o WHERE o.type IN ('table', 'index', 'trigger')
"""  # noqa: S608


def prepare(connection: sqlite3.Connection) -> None:
    """Create what is missing; one query when nothing is, one transaction otherwise.

    Works on files of other versions in both directions. Without FTS5 or its trigram tokenizer (SQLite older than 3.34)
    the index that needs it is left out.

    Raises:
        sqlite3.Error: The file cannot be read or written, or its tables lack columns that cannot be added
            (``SQLITE_CORRUPT``).
    """
    if not list(_plan(connection)):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in list(_plan(connection)):
            _execute(connection, statement)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@dataclass(frozen=True, slots=True)
class _Existing:
    """What the file has: names of tables, indexes and triggers, and the columns of the tables we know."""

    columns: Mapping[str, frozenset[str]]

    def __contains__(self, name: str) -> bool:
        return name in self.columns


def _read_existing(connection: sqlite3.Connection) -> _Existing:
    rows = connection.execute(_EXISTING).fetchall()
    return _Existing({name: frozenset((columns or "").split(",")) for name, columns in rows})


def _plan(connection: sqlite3.Connection) -> Iterator[str]:
    """The statements that bring the file up to date."""
    existing = _read_existing(connection)
    if "schema_version" not in existing and "sessions" not in existing:
        yield "CREATE TABLE schema_version (version INTEGER NOT NULL)"
        yield f"INSERT INTO schema_version(version) VALUES ({SCHEMA_VERSION})"  # noqa: S608
    for table in TABLES:
        yield from _plan_table(table, existing)
    yield from (f"CREATE {kind} {name} ON {rest}" for kind, name, rest in INDEXES if name not in existing)
    for index in FULL_TEXT:
        yield from _plan_full_text(index, existing, connection)


def _plan_table(table: Table, existing: _Existing) -> Iterator[str]:
    if table.name not in existing:
        yield f"CREATE TABLE {table.name} ({', '.join((*table.columns, *table.constraints))})"
        return
    for declaration in table.columns:
        name = declaration.split()[0]
        if name in existing.columns[table.name]:
            continue
        if "PRIMARY KEY" in declaration or ("NOT NULL" in declaration and "DEFAULT" not in declaration):
            raise _foreign_table(table.name, name)
        yield f"ALTER TABLE {table.name} ADD COLUMN {declaration}"


def _plan_full_text(index: FullText, existing: _Existing, connection: sqlite3.Connection) -> Iterator[str]:
    if index.name not in existing:
        has_messages = "messages" in existing
        if not _supports(connection, index) or (has_messages and _has_too_many_messages(connection)):
            return
        yield f"CREATE VIRTUAL TABLE {index.name} USING {index.module}"
        if has_messages:
            text = FTS_TEXT.format(row="messages")
            yield f"INSERT INTO {index.name}(rowid, content) SELECT id, {text} FROM messages"  # noqa: S608
    yield from (f"CREATE TRIGGER {name} {body}" for name, body in index.triggers() if name not in existing)


def _supports(connection: sqlite3.Connection, index: FullText) -> bool:
    try:
        connection.execute(f"CREATE VIRTUAL TABLE temp.trio_probe USING {index.module}")
    except sqlite3.OperationalError as exc:
        if "no such module" in str(exc) or "no such tokenizer" in str(exc):
            return False
        raise
    connection.execute("DROP TABLE temp.trio_probe")
    return True


def _has_too_many_messages(connection: sqlite3.Connection) -> bool:
    (highest,) = connection.execute("SELECT max(id) FROM messages").fetchone()
    return (highest or 0) > MOST_MESSAGES_TO_INDEX


def _execute(connection: sqlite3.Connection, statement: str) -> None:
    if not statement.startswith("CREATE UNIQUE INDEX"):
        connection.execute(statement)
        return
    # Files older than the index may hold duplicates; they are readable all the same.
    with contextlib.suppress(sqlite3.IntegrityError):
        connection.execute(statement)


def _foreign_table(table: str, column: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(f"table {table} has no column {column}")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error
