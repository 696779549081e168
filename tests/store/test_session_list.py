"""A profile's sessions as people look for them."""

from __future__ import annotations

import pytest

from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.session_list import SessionFilter, find_session, recent_sessions, session_totals
from hermes_trio.store.sessions import SessionRecord, TurnRecord, UsageRecord, end_session, record_turn
from tests.store.hermes_agent_home import CODER_ROOT_SESSION, ENDED_SESSION, TELEGRAM_SESSION
from tests.store.stand_in import open_store


async def talk(scope, session_id, at, text="hello", usage=None, source="telegram", **session):
    said = (StoredMessage("user", text, at), StoredMessage("assistant", "answer", at + 1))
    await record_turn(scope, TurnRecord(SessionRecord(session_id, source, at, **session), said, usage, at))


async def listed(scope, *args, **kwargs):
    return [one.session_id for one in await recent_sessions(scope, *args, **kwargs)]


async def three_sessions(scope):
    await talk(scope, "old", 10.0, "first of all\n  some words " + "and more " * 20, chat_id="7", title="Über Plans")
    await talk(scope, "middle", 20.0, chat_id="8", title="Plans")
    await talk(scope, "new", 30.0, chat_id="7", source="discord")
    await talk(scope, "old", 40.0, "back again")


async def test_what_was_active_last_comes_first(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await three_sessions(scope)
        await end_session(scope, "middle", "session_reset")
        found = await recent_sessions(scope)
        assert [one.session_id for one in found] == ["old", "new", "middle"]
        old, _, middle = found
        assert (old.title, old.source, old.chat_id, old.started_at) == ("Über Plans", "telegram", "7", 10.0)
        assert (old.last_active, old.message_count, old.is_open, middle.is_open) == (41.0, 4, True, False)
        assert old.preview.startswith("first of all some words and more")
        assert len(old.preview) == 80
        assert await listed(scope, limit=1) == ["old"]


async def test_only_what_is_asked_for(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await three_sessions(scope)
        await talk(scope, "ada", 50.0, user_id="ada")
        assert await listed(scope, SessionFilter(source="telegram", chat_id="7")) == ["old"]
        assert await listed(scope, SessionFilter(chat_id="7", without="old")) == ["new"]
        assert await listed(scope, SessionFilter(user_id="ada")) == ["ada"]


async def test_empty_and_archived_sessions_and_those_of_others_are_not_listed(home, autojump_clock):
    async with open_store(home) as scope:
        await record_turn(scope, TurnRecord(SessionRecord("empty", "telegram", 9e9), (), None, 1.0))
        await scope.db.write(
            lambda c: c.execute("UPDATE sessions SET archived = 1 WHERE source = 'api_server'").rowcount
        )
        found = await listed(scope, limit=99)
        assert set(found) == {TELEGRAM_SESSION, ENDED_SESSION}
        assert await find_session(scope, CODER_ROOT_SESSION) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("middle", "middle"),
        ("1", "old"),
        (" 3 ", "middle"),
        ("4", None),
        ("0", None),
        ("plans", "middle"),
        ("ÜBER", "old"),
        ("lan", "middle"),
        ("nothing", None),
        ("", None),
        ("99999999999999999999", None),
    ],
)
async def test_a_session_is_found_by_id_number_or_title(tmp_path, autojump_clock, text, expected):
    async with open_store(tmp_path) as scope:
        await three_sessions(scope)
        found = await find_session(scope, text)
        assert (found and found.session_id) == expected


async def test_what_is_not_in_the_list_is_not_found_either(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await three_sessions(scope)
        here = SessionFilter(source="telegram", chat_id="7")
        assert await find_session(scope, "middle", here) is None
        assert await find_session(scope, "Plans", here) is not None
        assert (await find_session(scope, "1", here)).session_id == "old"


async def test_what_a_session_has_come_to(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await talk(scope, "s1", 10.0, usage=UsageRecord("small", "p", input_tokens=10, output_tokens=1), model="small")
        big = UsageRecord("big", "p", api_calls=2, input_tokens=100, output_tokens=5, cache_read_tokens=50)
        await talk(scope, "s1", 20.0, usage=big, model="big")
        totals = await session_totals(scope, "s1")
        assert await session_totals(scope, "nonsense") is None
    assert (totals.model, totals.started_at, totals.message_count, totals.tool_call_count) == ("big", 10.0, 4, 0)
    assert [one.model for one in totals.models] == ["big", "small"]
    assert (totals.api_calls, totals.input_tokens, totals.output_tokens, totals.cost_usd) == (3, 110, 6, 0)
    assert totals.models[0].cache_read_tokens == 50
