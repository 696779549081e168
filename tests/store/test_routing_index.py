"""Where session keys lead, and the mirror of that for other programs."""

from __future__ import annotations

import json

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from hermes_trio.store import routing_index
from hermes_trio.store.routing_index import (
    RoutingEntry,
    import_mirror,
    key_when_alone,
    list_entries,
    lookup,
    remove,
    serve_mirror,
    upsert,
)
from tests.store.hermes_agent_home import (
    CODER_ALONE_KEY,
    CODER_ALONE_SESSION,
    ENDED_SESSION,
    MIRROR_ONLY_KEY,
    TELEGRAM_KEY,
    TELEGRAM_SESSION,
    entry_json,
    read,
)
from tests.store.stand_in import open_store

KEY = "agent:main:telegram:dm:7"


def entry(session_id, key=KEY, **more):
    return RoutingEntry(key, session_id, "2026-11-20T20:25:20", "2026-11-20T20:25:20", more)


def mirror(home):
    return json.loads((home / "sessions" / "sessions.json").read_text())


async def test_a_key_leads_where_it_was_last_sent(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        assert await lookup(scope, KEY) is None
        await upsert(scope, entry("s1"))
        await upsert(scope, entry("s2", platform="telegram", suspended=True))
        found = await lookup(scope, KEY)
        assert found.session_id == "s2"
        assert found.more["suspended"] is True
        assert [one.session_key for one in await list_entries(scope)] == [KEY]


async def test_an_entry_is_stored_with_every_field_hermes_agent_has(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await upsert(scope, entry("s1", platform="telegram", mood="good"))
    ((scope_text, key, stored, updated),) = read(tmp_path / "state.db", "SELECT * FROM gateway_routing")
    assert (scope_text, key, updated) == (str(tmp_path / "sessions"), KEY, 1_790_000_000.0)
    expected = set(entry_json(KEY, "s1")) - {"origin"}
    assert set(json.loads(stored)) == expected | {"mood"}


async def test_a_removed_key_leads_nowhere(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await upsert(scope, entry("s1"))
        assert await remove(scope, KEY)
        assert not await remove(scope, KEY)
        assert await lookup(scope, KEY) is None


async def test_the_index_of_hermes_agent_is_understood(home, autojump_clock):
    async with open_store(home) as scope:
        found = await lookup(scope, TELEGRAM_KEY)
        assert found.session_id == TELEGRAM_SESSION
        assert found.more["origin"]["user_name"] == "Ada"
        await upsert(scope, found)
        assert (await lookup(scope, TELEGRAM_KEY)) == found


async def test_a_profile_that_ran_alone_keeps_its_conversations(home, autojump_clock):
    async with open_store(home / "profiles" / "coder", "coder") as scope:
        key = CODER_ALONE_KEY.replace(":main:", ":coder:", 1)
        found = await lookup(scope, key)
        assert (found.session_key, found.session_id) == (key, CODER_ALONE_SESSION)
        await upsert(scope, entry("new", key))
        assert (await lookup(scope, key)).session_id == "new"


def test_the_key_of_a_profile_alone():
    assert key_when_alone("agent:coder:telegram:dm:1:2") == "agent:main:telegram:dm:1:2"
    assert key_when_alone("my own key") == "my own key"


async def test_entries_only_the_mirror_has_are_taken_over(home, autojump_clock):
    async with open_store(home) as scope:
        assert (await lookup(scope, MIRROR_ONLY_KEY)).session_id == ENDED_SESSION
    rows = read(home / "state.db", "SELECT session_key FROM gateway_routing WHERE session_key = ?", MIRROR_ONLY_KEY)
    assert len(rows) == 1


async def test_the_table_wins_over_the_mirror(home, autojump_clock):
    async with open_store(home) as scope:
        await upsert(scope, entry("newer", TELEGRAM_KEY))
        assert await import_mirror(scope) == 1
        assert (await lookup(scope, TELEGRAM_KEY)).session_id == "newer"


async def test_what_was_removed_does_not_come_back_from_the_mirror(home, autojump_clock):
    async with open_store(home) as scope:
        await lookup(scope, MIRROR_ONLY_KEY)
        await remove(scope, MIRROR_ONLY_KEY)
        assert await lookup(scope, MIRROR_ONLY_KEY) is None


async def test_a_mirror_that_another_program_changed_is_read_again(home, autojump_clock):
    async with open_store(home) as scope:
        await import_mirror(scope)
        changed = mirror(home) | {KEY: entry_json(KEY, "theirs"), "_note": 1, "bad": 3, "worse": {"session_id": None}}
        (home / "sessions" / "sessions.json").write_text(json.dumps(changed))
        assert (await lookup(scope, KEY)).session_id == "theirs"


@pytest.mark.parametrize("text", ["", "[]", "{broken", "\xff"])
async def test_a_broken_mirror_is_as_good_as_none(tmp_path, text, autojump_clock):
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / "sessions.json").write_text(text, "latin-1")
    async with open_store(tmp_path) as scope:
        assert await lookup(scope, KEY) is None


async def test_the_mirror_follows_a_change(home, autojump_clock):
    async with open_store(home) as scope, trio.open_nursery() as nursery:
        await nursery.start(serve_mirror, scope)
        await upsert(scope, entry("s1"))
        await trio.sleep(1)
        written = mirror(home)
        assert written[KEY]["session_id"] == "s1"
        assert written[TELEGRAM_KEY]["session_id"] == TELEGRAM_SESSION
        assert written[MIRROR_ONLY_KEY]["session_id"] == ENDED_SESSION, "what only the mirror had must not be lost"
        assert isinstance(written["_README"], str)
        assert (home / "sessions" / "sessions.json").stat().st_mode & 0o777 == 0o600
        assert [file.name for file in (home / "sessions").iterdir()] == ["sessions.json"]
        nursery.cancel_scope.cancel()


async def test_many_changes_are_one_write_every_five_seconds(tmp_path, autojump_clock, monkeypatch):
    writes = []

    def count(path, entries):
        writes.append(trio.current_time())
        return ""

    monkeypatch.setattr(routing_index, "write_mirror", count)
    async with open_store(tmp_path) as scope, trio.open_nursery() as nursery:
        await nursery.start(serve_mirror, scope)
        start = trio.current_time()
        for number in range(100):
            await upsert(scope, entry(f"s{number}"))
            await trio.sleep(0.1)
        await trio.sleep(100)
        assert [round(at - start) for at in writes] == [0, 5, 10]
        nursery.cancel_scope.cancel()


async def test_a_change_just_before_the_end_is_still_mirrored(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        async with trio.open_nursery() as nursery:
            await nursery.start(serve_mirror, scope)
            await upsert(scope, entry("s1"))
            await trio.sleep(1)
            await upsert(scope, entry("s2"))
            await wait_all_tasks_blocked()
            assert mirror(tmp_path)[KEY]["session_id"] == "s1"
            nursery.cancel_scope.cancel()
        assert mirror(tmp_path)[KEY]["session_id"] == "s2"


async def test_without_a_change_nothing_is_written(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        with trio.move_on_after(1000):
            await serve_mirror(scope)
    assert list(tmp_path.iterdir()) == []


async def test_a_mirror_that_cannot_be_written_harms_nobody(tmp_path, autojump_clock):
    (tmp_path / "sessions").write_text("not a folder")
    async with open_store(tmp_path) as scope, trio.open_nursery() as nursery:
        await nursery.start(serve_mirror, scope)
        await upsert(scope, entry("s1"))
        await trio.sleep(1)
        assert len(scope.log.warnings) == 1
        assert "sessions.json" in scope.log.warnings[0]
        nursery.cancel_scope.cancel()


async def test_a_vanished_home_is_not_made_again_for_the_mirror(tmp_path, autojump_clock):
    home = tmp_path / "home"
    home.mkdir()
    async with open_store(home) as scope, trio.open_nursery() as nursery:
        await upsert(scope, entry("s1"))
        await nursery.start(serve_mirror, scope)
        for file in home.iterdir():
            file.unlink()
        home.rmdir()
        scope.db.changes.mark(routing_index.TOPIC)
        await trio.sleep(1)
        assert scope.log.warnings
        nursery.cancel_scope.cancel()
    assert not home.exists()
