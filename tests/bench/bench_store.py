"""What storing turns costs: ``python -m tests.bench.bench_store [--turns N] [--databases N]``.

A turn is a new session (system prompt of 2 kB) with a question of 150 and an answer of 600 characters, usage included.
Times per turn; CPU is that of the whole process, worker threads included.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
import time
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import trio

from hermes_trio.io.database import Database, OpenDatabases, open_database
from hermes_trio.io.workers import ThreadWorkers
from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.schema import prepare
from hermes_trio.store.sessions import (
    SessionRecord,
    TurnRecord,
    UsageRecord,
    load_conversation,
    record_turn,
    store_turns,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

VOCABULARY = 5_000
QUESTION, ANSWER, PROMPT = 150, 600, 2_000


@dataclass(frozen=True)
class Scope:
    """What the store uses of a profile's scope."""

    name: str
    db: Database


class Texts:
    """Deterministic text with the word frequencies of language (Zipf)."""

    def __init__(self) -> None:
        self._random = random.Random(7)
        letters = "etaoinshrdlucmfwypvbgkjqxz"
        self._words = [
            "".join(self._random.choices(letters, range(52, 0, -2), k=self._random.randint(2, 10)))
            for _ in range(VOCABULARY)
        ]
        self._weights = [1 / rank for rank in range(1, VOCABULARY + 1)]

    def text(self, length: int) -> str:
        return " ".join(self._random.choices(self._words, self._weights, k=length // 5))[:length]

    def turn(self, number: int) -> TurnRecord:
        session = SessionRecord(f"session-{number}", "api_server", 1.0, "some-model", self.text(PROMPT))
        messages = (
            StoredMessage("user", self.text(QUESTION), 1.0),
            StoredMessage("assistant", self.text(ANSWER), 2.0, finish_reason="stop"),
        )
        return TurnRecord(session, messages, UsageRecord("some-model", "openrouter", "", 1, 700, 150), 2.0)


class Measurement:
    """Prints time and CPU per unit of what happens inside the block."""

    def __init__(self, label: str, units: int) -> None:
        self.label, self.units = label, units

    def __enter__(self) -> Self:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_exc: object) -> None:
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        print(
            f"{self.label:<62} {1000 * wall / self.units:7.3f} ms  {1000 * cpu / self.units:7.3f} ms CPU  "
            f"{self.units / wall:8.0f} /s"
        )


async def one_after_the_other(scope: Scope, turns: Sequence[TurnRecord]) -> None:
    for turn in turns:
        await record_turn(scope, turn)  # type: ignore[arg-type]


async def all_at_once(scopes: Sequence[Scope], turns: Sequence[TurnRecord], tasks_per_database: int) -> None:
    tasks = len(scopes) * tasks_per_database
    async with trio.open_nursery() as nursery:
        for number in range(tasks):
            nursery.start_soon(one_after_the_other, scopes[number % len(scopes)], turns[number::tasks])


async def measure_databases(folder: Path, count: int, turns: Sequence[TurnRecord]) -> None:
    shared, workers = OpenDatabases(), ThreadWorkers()
    async with AsyncExitStack() as stack:
        scopes = [
            Scope(
                str(n),
                await stack.enter_async_context(open_database(folder / f"{n}.db", prepare, str(n), shared, workers)),
            )
            for n in range(count)
        ]
        with Measurement(f"{count} database(s): first write, file is made", count):
            for scope in scopes:
                await scope.db.write(lambda connection: None)
        third = len(turns) // 3
        parts = turns[:third], turns[third : 2 * third], turns[2 * third :]
        with Measurement(f"{count} database(s): record_turn, one task each", len(parts[0])):
            await all_at_once(scopes, parts[0], 1)
        with Measurement(f"{count} database(s): record_turn, ten tasks each", len(parts[1])):
            await all_at_once(scopes, parts[1], 10)
        with Measurement(f"{count} database(s): record_turn, round robin by one task", len(parts[2])):
            for number, turn in enumerate(parts[2]):
                await record_turn(scopes[number % count], turn)  # type: ignore[arg-type]
        with Measurement(f"{count} database(s): load_conversation of two messages", 500):
            for number in range(500):
                await load_conversation(scopes[number % count], turns[number].session.id)  # type: ignore[arg-type]


def measure_sql_alone(folder: Path, turns: Sequence[TurnRecord]) -> None:
    for label, drop in (
        ("SQL alone, a transaction per turn", ()),
        ("  without the trigram index", ("messages_fts_trigram",)),
        ("  without any full-text index", ("messages_fts_trigram", "messages_fts")),
    ):
        for batch in (1, 50):
            path = folder / f"sql-{len(drop)}-{batch}.db"
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON")
                prepare(connection)
                for table in drop:
                    for event in ("insert", "delete", "update"):
                        connection.execute(f"DROP TRIGGER {table}_{event}")
                with Measurement(f"{label}, {batch} in a transaction", len(turns)):
                    _store(connection, turns, batch)


def _store(connection: sqlite3.Connection, turns: Sequence[TurnRecord], batch: int) -> None:
    for start in range(0, len(turns), batch):
        connection.execute("BEGIN IMMEDIATE")
        store_turns(connection, [("default", turn) for turn in turns[start : start + batch]])
        connection.execute("COMMIT")


async def main(turns: int, databases: int) -> None:
    texts = Texts()
    records = [texts.turn(number) for number in range(turns)]
    with tempfile.TemporaryDirectory() as folder:
        for count in sorted({1, databases}):
            place = Path(folder) / str(count)
            place.mkdir()
            await measure_databases(place, count, records)
        measure_sql_alone(Path(folder), records[: turns // 2])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=6_000)
    parser.add_argument("--databases", type=int, default=50)
    arguments = parser.parse_args()
    trio.run(main, arguments.turns, arguments.databases)
