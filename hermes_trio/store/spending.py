"""What a profile has spent, in its own database: one row for each budget window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from hermes_trio.scope import ProfileScope

_TABLE = """CREATE TABLE IF NOT EXISTS trio_spending(
    since REAL PRIMARY KEY, usd REAL NOT NULL DEFAULT 0, tokens INTEGER NOT NULL DEFAULT 0,
    turns INTEGER NOT NULL DEFAULT 0)"""
_ADD = """INSERT INTO trio_spending(since, usd, tokens, turns) VALUES (?, ?, ?, ?)
    ON CONFLICT(since) DO UPDATE SET usd = usd + excluded.usd, tokens = tokens + excluded.tokens,
    turns = turns + excluded.turns"""
_LATEST = "SELECT since, usd, tokens, turns FROM trio_spending ORDER BY since DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Spending:
    """What was spent in a window.

    Attributes:
        since: Begin of the window, seconds since the epoch.
        usd: Money.
        tokens: Tokens in and out.
        turns: Turns begun.
    """

    since: float
    usd: float = 0.0
    tokens: int = 0
    turns: int = 0


async def load_spending(scope: ProfileScope, window_seconds: float) -> Spending:
    """What was spent in the running window; a new window begins now if the last one has ended.

    Raises:
        StoreError: The file cannot be used.
    """
    latest = await scope.db.write(_latest)
    now = scope.clock.now()
    return latest if latest is not None and now < latest.since + window_seconds else Spending(now)


async def add_spending(scope: ProfileScope, spending: Spending) -> None:
    """Add to what was spent in a window.

    Raises:
        StoreError: The file cannot be used.
    """
    await scope.db.write(lambda connection: _add(connection, spending))


def _latest(connection: sqlite3.Connection) -> Spending | None:
    connection.execute(_TABLE)
    row = connection.execute(_LATEST).fetchone()
    return None if row is None else Spending(*row)


def _add(connection: sqlite3.Connection, spending: Spending) -> None:
    connection.execute(_TABLE)
    connection.execute(_ADD, (spending.since, spending.usd, spending.tokens, spending.turns))
