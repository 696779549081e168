"""A process that is killed in the middle of writing leaves a sound file with every turn it had confirmed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.hermes_agent_home import check_format, read

WRITER = """
import sys
from pathlib import Path
from types import SimpleNamespace

import trio

from hermes_trio.io.database import OpenDatabases, open_database
from hermes_trio.io.workers import ThreadWorkers
from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.schema import prepare
from hermes_trio.store.sessions import SessionRecord, TurnRecord, UsageRecord, record_turn


async def write(scope, writer):
    messages = tuple(StoredMessage(role, "some words " * 50, 1.0) for role in ("user", "assistant"))
    for number in range(100_000):
        session = SessionRecord(f"s{writer}-{number}", "cli", 1.0)
        record = TurnRecord(session, messages, UsageRecord("m"), 1.0)
        await record_turn(scope, record)
        sys.stdout.write(session.id + "\\n")
        sys.stdout.flush()


async def main():
    async with open_database(Path(sys.argv[1]), prepare, "default", OpenDatabases(), ThreadWorkers()) as db:
        async with trio.open_nursery() as nursery:
            for writer in range(8):
                nursery.start_soon(write, SimpleNamespace(name="default", db=db), writer)


trio.run(main)
"""


@pytest.mark.slow
@pytest.mark.parametrize("confirmed", [1, 60, 300])
def test_kill_9(tmp_path, confirmed):
    path = tmp_path / "state.db"
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) as child:
        lines = [child.stdout.readline() for _ in range(confirmed)]
        child.kill()
        lines += child.stdout.readlines()
    ids = {line.strip() for line in lines if line.endswith("\n")}
    assert len(ids) >= confirmed
    stored = dict(read(path, "SELECT session_id, count(*) FROM messages GROUP BY session_id"))
    assert ids <= set(stored)
    assert set(stored.values()) == {2}, "turns are stored whole"
    assert read(path, "SELECT count(*) FROM sessions WHERE message_count <> 2") == [(0,)]
    check_format(path)
