"""What a chat's key stands for, through pauses, resets, losses and restarts."""

from __future__ import annotations

import json
import sqlite3

import pytest

from hermes_trio.errors import StoreError
from hermes_trio.home.chat_config import ResetPolicy
from hermes_trio.routing.session_key import build_session_key
from hermes_trio.routing.source import MessageSource
from hermes_trio.store.chat_entries import TurnCounts, note_turn, update_entry
from hermes_trio.store.chat_sessions import SessionOrigin, get_or_create, start_new, switch_to
from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.routing_index import list_entries, lookup, remove
from hermes_trio.store.sessions import SessionRecord, TurnRecord, end_session, load_conversation, record_turn
from tests.store.hermes_agent_home import (
    CODER_ALONE_KEY,
    CODER_ALONE_SESSION,
    CODER_ROOT_KEY,
    CODER_ROOT_SESSION,
    TELEGRAM_KEY,
    TELEGRAM_SESSION,
    read,
)
from tests.store.stand_in import open_store

SOURCE = MessageSource("telegram", "dm", "7", user_id="7")
KEY = build_session_key("default", SOURCE)
ORIGIN = SessionOrigin("telegram", "7", "dm", user_id="7", user_name="Ada", message_id="5")
NEVER = ResetPolicy()
IDLE = ResetPolicy(mode="idle", idle_minutes=60)
DAILY = ResetPolicy(mode="daily", at_hour=4)


async def say(scope, session_id, text="hello", role="user", observed=False, **session):
    message = StoredMessage(role, text, scope.clock.now(), observed=observed)
    record = SessionRecord(session_id, "telegram", scope.clock.now(), **session)
    await record_turn(scope, TurnRecord(record, (message,), None, scope.clock.now()))


def end_of(home, session_id):
    return read(home / "state.db", "SELECT end_reason FROM sessions WHERE id = ?", session_id)[0][0]


async def test_a_new_chat_gets_a_session_with_its_place(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        chat = await get_or_create(scope, KEY, ORIGIN, NEVER)
        assert chat.is_new
        assert chat.reset_reason == ""
        assert (await load_conversation(scope, chat.session_id)).session.session_key == KEY
    assert chat.session_id.startswith("20260921_")
    sql = "SELECT source, user_id, chat_id, chat_type, thread_id, display_name, origin_json FROM sessions"
    ((*place, origin),) = read(tmp_path / "state.db", sql)
    assert place == ["telegram", "7", "7", "dm", None, "Ada"]
    assert json.loads(origin) == {
        "platform": "telegram",
        "chat_id": "7",
        "chat_name": None,
        "chat_type": "dm",
        "user_id": "7",
        "user_name": "Ada",
        "thread_id": None,
        "chat_topic": None,
        "message_id": "5",
    }
    assert chat.entry.more["origin"] == json.loads(origin)


async def test_the_chat_goes_on_with_its_session(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        first = await get_or_create(scope, KEY, ORIGIN, NEVER)
        scope.clock.advance(90 * 86_400)
        second = await get_or_create(scope, KEY, ORIGIN, NEVER)
    assert (second.session_id, second.is_new, second.reset_reason) == (first.session_id, False, "")
    assert second.entry.created_at == first.entry.created_at
    assert second.entry.updated_at > first.entry.updated_at


async def test_two_messages_at_once_get_one_session(tmp_path, autojump_clock):
    import trio

    found = []

    async def arrive():
        found.append(await get_or_create(scope, KEY, ORIGIN, NEVER))

    async with open_store(tmp_path) as scope, trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(arrive)
    assert len({chat.session_id for chat in found}) == 1
    assert sum(chat.is_new for chat in found) == 1


async def test_a_chat_that_was_quiet_begins_anew(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        first = await get_or_create(scope, KEY, ORIGIN, IDLE)
        await say(scope, first.session_id)
        scope.clock.advance(3599)
        assert (await get_or_create(scope, KEY, ORIGIN, IDLE)).session_id == first.session_id
        scope.clock.advance(3600)
        second = await get_or_create(scope, KEY, ORIGIN, IDLE)
    assert second.session_id != first.session_id
    assert (second.is_new, second.reset_reason, second.had_activity) == (True, "idle", True)
    assert end_of(tmp_path, first.session_id) == "idle"
    flags = ("is_fresh_reset", "was_auto_reset", "auto_reset_reason", "reset_had_activity")
    assert [second.entry.more[name] for name in flags] == [True, True, "idle", True]


async def test_the_daily_reset_goes_by_the_profiles_time_zone(tmp_path, autojump_clock):
    """The clock begins at 14:13 UTC, which is 3:13 in Samoa."""
    for zone, expected in (("Pacific/Pago_Pago", "daily"), ("", "")):
        home = tmp_path / (zone.replace("/", "-") or "utc")
        home.mkdir()
        async with open_store(home) as scope:
            scope.config.timezone = zone
            chat = await get_or_create(scope, KEY, ORIGIN, DAILY)
            await say(scope, chat.session_id)
            scope.clock.advance(3000)
            assert (await get_or_create(scope, KEY, ORIGIN, DAILY)).reset_reason == expected


async def test_why_it_began_anew_is_told_until_a_turn_is_noted(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await say(scope, (await get_or_create(scope, KEY, ORIGIN, IDLE)).session_id)
        scope.clock.advance(3600)
        await get_or_create(scope, KEY, ORIGIN, IDLE)
        again = await get_or_create(scope, KEY, ORIGIN, IDLE)
        assert (again.is_new, again.reset_reason, again.had_activity) == (False, "idle", True)
        await note_turn(scope, KEY, TurnCounts())
        assert (await get_or_create(scope, KEY, ORIGIN, IDLE)).reset_reason == ""


async def test_an_empty_session_is_new_already(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        first = await get_or_create(scope, KEY, ORIGIN, IDLE)
        scope.clock.advance(7200)
        assert (await get_or_create(scope, KEY, ORIGIN, IDLE)).session_id == first.session_id


async def test_what_was_only_overheard_is_no_activity(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        first = await get_or_create(scope, KEY, ORIGIN, IDLE)
        await say(scope, first.session_id, observed=True)
        scope.clock.advance(3600)
        second = await get_or_create(scope, KEY, ORIGIN, IDLE)
        assert (second.reset_reason, second.had_activity) == ("idle", False)


async def test_a_chat_whose_commands_still_run_is_spared(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        first = await get_or_create(scope, KEY, ORIGIN, IDLE)
        await say(scope, first.session_id)
        scope.clock.advance(7200)
        second = await get_or_create(scope, KEY, ORIGIN, IDLE, has_live_processes=lambda key: key == KEY)
        assert second.session_id == first.session_id


async def test_a_suspended_session_is_left(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        first = await get_or_create(scope, KEY, ORIGIN, NEVER)
        await say(scope, first.session_id)
        await update_entry(scope, KEY, suspended=True)
        second = await get_or_create(scope, KEY, ORIGIN, NEVER)
        assert second.reset_reason == "suspended"
        assert second.entry.more["suspended"] is False
    assert end_of(tmp_path, first.session_id) == "suspended"


async def test_settings_of_the_chat_survive_a_reset_and_those_of_the_session_do_not(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await say(scope, (await get_or_create(scope, KEY, ORIGIN, NEVER)).session_id)
        await update_entry(scope, KEY, verbose="all", model_override={"model": "m"}, reasoning_effort="high")
        await note_turn(scope, KEY, TurnCounts(input_tokens=5))
        more = (await start_new(scope, KEY, ORIGIN)).entry.more
    assert more["verbose"] == "all"
    assert "model_override" not in more
    assert "reasoning_effort" not in more
    assert more["input_tokens"] == 0


async def test_settings_do_not_count_as_activity(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await say(scope, (await get_or_create(scope, KEY, ORIGIN, IDLE)).session_id)
        scope.clock.advance(3000)
        await update_entry(scope, KEY, verbose="all")
        scope.clock.advance(600)
        assert (await get_or_create(scope, KEY, ORIGIN, IDLE)).reset_reason == "idle"


async def test_a_new_session_can_have_a_title(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        first = await get_or_create(scope, KEY, ORIGIN, NEVER)
        titles = []
        for _ in range(2):
            chat = await start_new(scope, KEY, ORIGIN, "Holidays")
            assert chat.is_new
            titles.append((await load_conversation(scope, chat.session_id)).session.title)
        assert titles == ["Holidays", "Holidays #2"]
        assert (await get_or_create(scope, KEY, ORIGIN, NEVER)).session_id == chat.session_id
    assert end_of(tmp_path, first.session_id) == "session_reset"


async def test_a_chat_can_go_back_to_an_old_session(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        old = await get_or_create(scope, KEY, ORIGIN, NEVER)
        await say(scope, old.session_id)
        newer = await start_new(scope, KEY, ORIGIN)
        assert (await switch_to(scope, KEY, old.session_id, ORIGIN)).session_id == old.session_id
        assert (await get_or_create(scope, KEY, ORIGIN, NEVER)).session_id == old.session_id
    assert (end_of(tmp_path, old.session_id), end_of(tmp_path, newer.session_id)) == (None, "session_switch")


async def test_a_session_belongs_to_one_chat_at_a_time(tmp_path, autojump_clock):
    other_key, other = "agent:main:telegram:dm:8", SessionOrigin("telegram", "8", user_id="8")
    async with open_store(tmp_path) as scope:
        mine = await get_or_create(scope, KEY, ORIGIN, NEVER)
        await say(scope, mine.session_id)
        await switch_to(scope, other_key, mine.session_id, other)
        assert (await get_or_create(scope, KEY, ORIGIN, NEVER)).session_id != mine.session_id
        assert (await get_or_create(scope, other_key, other, NEVER)).session_id == mine.session_id


async def test_a_session_nobody_knows_cannot_be_resumed(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        chat = await get_or_create(scope, KEY, ORIGIN, NEVER)
        with pytest.raises(StoreError) as caught:
            await switch_to(scope, KEY, "nonsense", ORIGIN)
        assert caught.value.code == "session_unknown"
        assert (await get_or_create(scope, KEY, ORIGIN, NEVER)).session_id == chat.session_id


@pytest.mark.parametrize("reason", ["agent_close", "ws_orphan_reap"])
async def test_a_session_nobody_meant_to_end_goes_on(tmp_path, autojump_clock, reason):
    async with open_store(tmp_path) as scope:
        chat = await get_or_create(scope, KEY, ORIGIN, NEVER)
        await say(scope, chat.session_id)
        await end_session(scope, chat.session_id, reason)
        again = await get_or_create(scope, KEY, ORIGIN, NEVER)
        assert (again.session_id, again.is_new) == (chat.session_id, False)
    assert end_of(tmp_path, chat.session_id) is None


async def test_a_session_that_was_meant_to_end_does_not(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        chat = await get_or_create(scope, KEY, ORIGIN, NEVER)
        await say(scope, chat.session_id)
        await end_session(scope, chat.session_id, "session_reset")
        again = await get_or_create(scope, KEY, ORIGIN, NEVER)
        assert again.is_new
        assert again.session_id != chat.session_id


async def test_after_the_index_is_lost_the_session_is_found_by_its_key(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        chat = await get_or_create(scope, KEY, ORIGIN, NEVER)
        await say(scope, chat.session_id)
        await remove(scope, KEY)
        again = await get_or_create(scope, KEY, ORIGIN, NEVER)
        assert (again.session_id, again.is_new) == (chat.session_id, False)
        assert (await lookup(scope, KEY)).session_id == chat.session_id


async def test_what_is_found_again_may_be_due_for_a_reset(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        chat = await get_or_create(scope, KEY, ORIGIN, IDLE)
        await say(scope, chat.session_id)
        await remove(scope, KEY)
        scope.clock.advance(3600)
        assert (await get_or_create(scope, KEY, ORIGIN, IDLE)).reset_reason == "idle"


async def test_a_session_without_a_key_is_found_by_its_place(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await say(scope, "old", chat_id="7", chat_type="dm", user_id="7")
        assert (await get_or_create(scope, KEY, ORIGIN, NEVER)).session_id == "old"
    assert read(tmp_path / "state.db", "SELECT session_key FROM sessions") == [(KEY,)]


async def test_a_session_with_another_key_is_another_conversation(tmp_path, autojump_clock):
    """The same group and person: once everybody for themselves, once all together."""
    source = MessageSource("telegram", "group", "-1", user_id="7")
    own, shared = (build_session_key("default", source, group_sessions_per_user=each) for each in (True, False))
    origin = SessionOrigin("telegram", "-1", "group", user_id="7")
    async with open_store(tmp_path) as scope:
        first = await get_or_create(scope, shared, origin, NEVER)
        await say(scope, first.session_id)
        assert (await get_or_create(scope, own, origin, NEVER)).session_id != first.session_id


async def test_the_chats_of_hermes_agent_go_on(home, autojump_clock):
    async with open_store(home) as scope:
        chat = await get_or_create(scope, TELEGRAM_KEY, SessionOrigin("telegram", "42", user_id="42"), NEVER)
        assert (chat.session_id, chat.is_new) == (TELEGRAM_SESSION, False)
        assert chat.entry.more["last_prompt_tokens"] == 321
        assert chat.entry.more["origin"]["user_name"] is None


async def test_a_profile_that_ran_alone_goes_on(home, autojump_clock):
    key = CODER_ALONE_KEY.replace(":main:", ":coder:", 1)
    origin = SessionOrigin("telegram", "-100", "group", thread_id="7")
    async with open_store(home / "profiles" / "coder", "coder") as scope:
        assert (await get_or_create(scope, key, origin, NEVER)).session_id == CODER_ALONE_SESSION


async def test_what_the_multiplexer_kept_in_the_root_home_is_taken_over(home, autojump_clock):
    origin = SessionOrigin("telegram", "42", user_id="42")
    async with open_store(home / "profiles" / "coder", "coder") as scope:
        chat = await get_or_create(scope, CODER_ROOT_KEY, origin, NEVER, home / "state.db")
        assert (chat.session_id, chat.is_new) == (CODER_ROOT_SESSION, False)
        assert await load_conversation(scope, CODER_ROOT_SESSION) is not None


async def test_without_a_root_home_there_is_nothing_to_take_over(home, autojump_clock):
    origin = SessionOrigin("telegram", "42", user_id="42")
    async with open_store(home / "profiles" / "coder", "coder") as scope:
        assert (await get_or_create(scope, CODER_ROOT_KEY, origin, NEVER)).is_new


@pytest.mark.parametrize("lost", ["nothing", "index", "keys"])
async def test_profiles_with_equal_peers_never_see_each_other(tmp_path, autojump_clock, lost):
    source = MessageSource("telegram", "group", "-100", "7", user_id="42")
    origin = SessionOrigin("telegram", "-100", "group", user_id="42", thread_id="7")
    profiles = ("default", "main", "coder")
    sessions = {}
    for profile in profiles:
        (tmp_path / profile).mkdir()
        async with open_store(tmp_path / profile, profile) as scope:
            chat = await get_or_create(scope, build_session_key(profile, source), origin, NEVER)
            await say(scope, chat.session_id, f"a secret of {profile}")
            sessions[profile] = chat.session_id
    for profile in profiles:
        with sqlite3.connect(tmp_path / profile / "state.db") as connection:
            if lost != "nothing":
                connection.execute("DELETE FROM gateway_routing")
            if lost == "keys":
                connection.execute("UPDATE sessions SET session_key = NULL")
        connection.close()
    for profile in profiles:
        async with open_store(tmp_path / profile, profile) as scope:
            root_db = tmp_path / "default" / "state.db"
            chat = await get_or_create(scope, build_session_key(profile, source), origin, NEVER, root_db)
            assert chat.session_id == sessions[profile]
            assert [entry.session_id for entry in await list_entries(scope)] == [sessions[profile]]


async def test_in_the_root_home_the_default_profile_does_not_find_what_is_another_profiles(home, autojump_clock):
    """Under hermes-agent's multiplexer the rows of all profiles are in the root home's file."""
    origin = SessionOrigin("telegram", "42", user_id="42")
    with sqlite3.connect(home / "state.db") as connection:
        connection.execute("DELETE FROM gateway_routing")
        connection.execute("UPDATE sessions SET session_key = NULL WHERE profile_name = 'coder'")
        connection.execute("UPDATE sessions SET ended_at = 1, end_reason = 'idle' WHERE id = ?", (TELEGRAM_SESSION,))
    connection.close()
    (home / "sessions" / "sessions.json").unlink()
    async with open_store(home) as scope:
        assert (await get_or_create(scope, TELEGRAM_KEY, origin, NEVER)).is_new
        with pytest.raises(StoreError):
            await switch_to(scope, TELEGRAM_KEY, CODER_ROOT_SESSION, origin)


async def test_an_entry_that_hermes_agent_touched_later_says_when_the_chat_was_active(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        chat = await get_or_create(scope, KEY, ORIGIN, IDLE)
        await say(scope, chat.session_id)
        scope.clock.advance(4000)
        now = scope.clock.now()
        await scope.db.write(lambda c: c.execute("UPDATE gateway_routing SET updated_at = ?", (now,)).rowcount)
        assert (await get_or_create(scope, KEY, ORIGIN, IDLE)).reset_reason == "idle"


async def test_text_that_is_no_unicode_does_not_stop_a_chat(tmp_path, autojump_clock):
    origin = SessionOrigin("telegram", "7\ud800", chat_name="\udfff")
    async with open_store(tmp_path) as scope:
        first = await get_or_create(scope, "agent:main:telegram:dm:7\ud800", origin, NEVER)
        assert (await get_or_create(scope, "agent:main:telegram:dm:7\ud800", origin, NEVER)).session_id == (
            first.session_id
        )
