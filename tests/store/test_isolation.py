"""The same person in the same chat talks to two profiles: nothing crosses, not even after a restart."""

from __future__ import annotations

import pytest

from hermes_trio.routing.session_key import build_session_key
from hermes_trio.routing.source import MessageSource
from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.routing_index import RoutingEntry, lookup, upsert
from hermes_trio.store.search import search_messages
from hermes_trio.store.sessions import SessionRecord, TurnRecord, list_sessions, load_conversation, record_turn
from tests.store.hermes_agent_home import read
from tests.store.stand_in import open_store

SOURCE = MessageSource("telegram", "group", "-100", "7", user_id="42")
PROFILES = ("default", "main", "coder")


@pytest.fixture
def homes(tmp_path):
    homes = {name: tmp_path / name for name in PROFILES}
    for folder in homes.values():
        folder.mkdir()
    return homes


async def talk(home, profile):
    key = build_session_key(profile, SOURCE)
    session = SessionRecord(f"s-{profile}", "telegram", 1.0, session_key=key, chat_id="-100", user_id="42")
    said = StoredMessage("user", f"a secret of {profile}", 1.0)
    async with open_store(home, profile) as scope:
        await record_turn(scope, TurnRecord(session, (said,), None, 1.0))
        await upsert(scope, RoutingEntry(key, session.id, "", ""))


async def test_every_profile_finds_its_own_after_a_restart(homes, autojump_clock):
    for profile in PROFILES:
        await talk(homes[profile], profile)
    for profile in PROFILES:
        async with open_store(homes[profile], profile) as scope:
            assert (await lookup(scope, build_session_key(profile, SOURCE))).session_id == f"s-{profile}"
            assert [one.id for one in await list_sessions(scope)] == [f"s-{profile}"]
            assert [hit.content for hit in await search_messages(scope, "secret")] == [f"a secret of {profile}"]
            for other in set(PROFILES) - {profile}:
                assert await load_conversation(scope, f"s-{other}") is None
                assert await lookup(scope, build_session_key(other, MessageSource("telegram", "dm", "1"))) is None


async def test_the_keys_in_the_files_name_their_owner(homes, autojump_clock):
    for profile in PROFILES:
        await talk(homes[profile], profile)
    keys = {name: read(homes[name] / "state.db", "SELECT session_key FROM sessions")[0][0] for name in PROFILES}
    assert keys == {
        "default": "agent:main:telegram:group:-100:7",
        "main": "agent:main~:telegram:group:-100:7",
        "coder": "agent:coder:telegram:group:-100:7",
    }
