"""Messages on their way from a platform to their answers, by a process that dies at a given SQL statement.

``python -m tests.store.mail_journey FOLDER`` makes the journey once for every statement it consists of: a child dies at
that statement, another one goes on after it, and what has become of the messages is printed as a line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import trio

from hermes_trio.home.paths import ProfilePaths
from hermes_trio.io.clock import FixedClock
from hermes_trio.io.database import OpenDatabases, open_database
from hermes_trio.io.workers import InlineWorkers
from hermes_trio.store import inbox, outbox
from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.schema import prepare
from hermes_trio.store.sessions import SessionRecord, TurnRecord, record_turn

MESSAGES = ("m1", "m2")
KEY = "agent:main:telegram:dm:42"
NOW = 1_790_000_000.0


class Platform:
    """What the platform knows: which messages were taken from it, and what it was sent."""

    def __init__(self, folder: Path) -> None:
        self._taken = folder / "taken"
        self._sent = folder / "sent"

    def offered(self) -> list[str]:
        return [message for message in MESSAGES if message not in self.lines(self._taken)]

    def confirm(self, message: str) -> None:
        self._append(self._taken, message)

    def send(self, row: outbox.OutboxRow) -> None:
        self._append(self._sent, f"{row.idempotency_key}{' again' if row.may_have_arrived else ''}")

    def sent(self) -> list[str]:
        return self.lines(self._sent)

    @staticmethod
    def lines(path: Path) -> list[str]:
        return path.read_text().split("\n")[:-1] if path.exists() else []

    @staticmethod
    def _append(path: Path, line: str) -> None:
        with path.open("a") as file:
            file.write(line + "\n")


async def live(folder: Path, dies_at: int | None) -> None:
    """One life of the process: take up what was left, accept what is offered, answer, send."""
    statements = 0

    def count(_: str) -> None:
        nonlocal statements
        statements += 1
        if statements == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def prepare_and_count(connection: sqlite3.Connection) -> None:
        prepare(connection)
        connection.set_trace_callback(count)

    platform = Platform(folder)
    path = folder / "state.db"
    async with open_database(path, prepare_and_count, "default", OpenDatabases(), InlineWorkers()) as db:
        scope: Any = SimpleNamespace(name="default", db=db, clock=FixedClock(NOW), home=ProfilePaths(folder))
        await outbox.recover(scope)
        left = await inbox.unfinished(scope)
        await inbox.set_back(scope, [row.id for row in left if row.state == "running"], "the process died")
        for message in platform.offered():
            await inbox.accept(scope, inbox.NewInboxRow("default", "telegram", "42", message, KEY, "{}"))
            platform.confirm(message)
        for row in await inbox.unfinished(scope):
            await answer(scope, row)
        while rows := await outbox.due(scope, NOW, 5):
            await outbox.mark_sending(scope, rows[0].id)
            platform.send(rows[0])
            await outbox.mark_sent(scope, rows[0].id, "x")


async def answer(scope: Any, row: inbox.InboxRow) -> None:
    parts = [
        outbox.NewOutboxRow(
            "default", "telegram", "42", KEY, "reply", "{}", f"{row.message_id}/{part}", inbox_id=row.id, part=part
        )
        for part in (1, 2)
    ]

    def seal(connection: sqlite3.Connection) -> None:
        inbox.close_rows(connection, [row.id], NOW)
        outbox.insert_parts(connection, parts, NOW)

    await inbox.mark_running(scope, [row.id])
    said = tuple(StoredMessage(role, row.message_id, NOW) for role in ("user", "assistant"))
    record = TurnRecord(SessionRecord("s1", "telegram", NOW), said, None, NOW, seal=seal)
    await outbox.commit_and_wake(scope, lambda: record_turn(scope, record))


def in_child(folder: Path, dies_at: int | None) -> bool:
    """Live in a child process; whether it came to its end."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            trio.run(live, folder, dies_at)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"the child failed in {folder}")
    return True


def outcome(folder: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        return {
            "inbox": connection.execute("SELECT message_id, state, attempts FROM trio_inbox ORDER BY id").fetchall(),
            "outbox": connection.execute("SELECT idempotency_key, state FROM trio_outbox ORDER BY id").fetchall(),
            "stored": connection.execute("SELECT content, count(*) FROM messages GROUP BY 1 ORDER BY 1").fetchall(),
            "sent": Platform(folder).sent(),
        }


def main(folder: Path) -> None:
    finished, dies_at = False, 0
    while not finished:
        dies_at += 1
        home = folder / str(dies_at)
        home.mkdir()
        finished = in_child(home, dies_at)
        in_child(home, None)
        sys.stdout.write(json.dumps(outcome(home)) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
