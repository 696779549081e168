"""Full-text search over the messages of one profile, in its own file only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.store.messages import Content, decode_content
from hermes_trio.store.ownership import OWN_ROWS, Owner

if TYPE_CHECKING:
    import sqlite3

    from hermes_trio.scope import ProfileScope

SNIPPET_TOKENS: Final = 24
SNIPPET_CHARACTERS: Final = 160
LONGEST_QUERY: Final = 1_000

#: What was undone is not found; what was compacted away is.
_VISIBLE: Final = f"(m.active IS NOT 0 OR m.compacted = 1) AND (:source IS NULL OR s.source = :source) AND {OWN_ROWS}"
_FIELDS: Final = "m.id, m.session_id, m.role, m.timestamp, m.content, s.title"


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A message that was found.

    Attributes:
        message_id: Its row id.
        session_id: Its session.
        role: Who said it.
        timestamp: When, in seconds since the epoch.
        content: All of it.
        title: The session's title.
        snippet: The part that matches, with ``>>>`` and ``<<<`` around what was searched for where the index knows it.
    """

    message_id: int
    session_id: str
    role: str
    timestamp: float
    content: Content
    title: str | None
    snippet: str


async def search_messages(
    scope: ProfileScope, query: str, *, limit: int = 20, source: str | None = None
) -> tuple[SearchHit, ...]:
    """This profile's messages that contain all words of ``query``, best first.

    Words are found whole; in scripts without spaces, and where a file has no full-text index, as a part of the text.

    Args:
        scope: Whose.
        query: Words, taken literally: no operators.
        limit: At most so many.
        source: Only in sessions of this platform.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    words = query[:LONGEST_QUERY].split()
    if not words:
        return ()
    parameters = Owner(scope.name).parameters | {"source": source, "limit": limit}
    return await scope.db.read(lambda connection: _search(connection, words, parameters))


def _search(connection: sqlite3.Connection, words: list[str], parameters: dict[str, object]) -> tuple[SearchHit, ...]:
    index = _index_for(words)
    if index and connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (index,)).fetchone():
        rows = connection.execute(_match_sql(index), parameters | {"query": _match_query(words)}).fetchall()
    else:
        rows = _scan(connection, words, parameters)
    return tuple(_hit(*row) for row in rows)


def _hit(  # the columns of one row, in order
    message_id: int, session_id: str, role: str, timestamp: float, content: str | None, title: str | None, snippet: str
) -> SearchHit:
    return SearchHit(message_id, session_id, role, timestamp, decode_content(content), title, snippet)


def _index_for(words: list[str]) -> str | None:
    """The word index where words have spaces between them, else the trigram index, which needs three characters."""
    if not any(_is_spaceless(character) for word in words for character in word):
        return "messages_fts"
    return "messages_fts_trigram" if all(len(word) >= 3 for word in words) else None


def _is_spaceless(character: str) -> bool:
    """Whether the character belongs to a script written without spaces (Thai to Khmer, kana, Han, Hangul)."""
    code = ord(character)
    return 0x0E00 <= code <= 0x0EFF or 0x1780 <= code <= 0x17FF or 0x3040 <= code <= 0x9FFF or 0xAC00 <= code <= 0x323AF


def _match_query(words: list[str]) -> str:
    return " ".join('"' + word.replace('"', '""').replace("\x00", "") + '"' for word in words)


def _match_sql(index: str) -> str:
    return (
        f"SELECT {_FIELDS}, snippet({index}, 0, '>>>', '<<<', '...', {SNIPPET_TOKENS}) "  # noqa: S608  only names
        f"FROM {index} JOIN messages AS m ON m.id = {index}.rowid JOIN sessions AS s ON s.id = m.session_id "
        f"WHERE {index} MATCH :query AND {_VISIBLE} ORDER BY {index}.rank LIMIT :limit"
    )


def _scan(connection: sqlite3.Connection, words: list[str], parameters: dict[str, object]) -> list[tuple[object, ...]]:
    """Look at every message: slow, but right where no index fits."""
    contains = " AND ".join(f"instr(lower(m.content), lower(:word{number})) > 0" for number in range(len(words)))
    named = {f"word{number}": word for number, word in enumerate(words)}
    place = "max(1, instr(lower(m.content), lower(:word0)) - 60)"
    sql = (
        f"SELECT {_FIELDS}, substr(m.content, {place}, {SNIPPET_CHARACTERS}) "  # noqa: S608  only names
        f"FROM messages AS m JOIN sessions AS s ON s.id = m.session_id "
        f"WHERE {contains} AND {_VISIBLE} ORDER BY m.id DESC LIMIT :limit"
    )
    return connection.execute(sql, parameters | named).fetchall()
