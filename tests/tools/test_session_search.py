"""Looking into the profile's own earlier conversations."""

from __future__ import annotations

import pytest

from hermes_trio.store.messages import StoredMessage, ToolCall
from hermes_trio.store.sessions import SessionRecord, TurnRecord, record_turn
from hermes_trio.tools.tool import ToolError
from tests.tools.web_rig import open_person

DAY = 86_400.0
START = 1_790_000_000.0


async def say(person, session, *texts, at=START, **facts):
    """Store a conversation; user and assistant take turns."""
    roles = ("user", "assistant")
    messages = tuple(StoredMessage(roles[n % 2], text, at + n) for n, text in enumerate(texts))
    record = SessionRecord(session, facts.pop("source", "telegram"), at, model="small", **facts)
    await record_turn(person.scope, TurnRecord(record, messages, None, at))


async def test_words_find_the_sessions_they_were_said_in(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        await say(ada, "s1", "hello", "the lighthouse keeper is old", "really?", "yes", title="Old keepers")
        await say(ada, "s2", "a cat", "a dog")
        reply = await ada.call("session_search", query="Keeper lighthouse")
        assert (reply["success"], reply["mode"], reply["query"]) == (True, "discover", "Keeper lighthouse")
        (found,) = reply["results"]
        assert found.pop("snippet").count(">>>") == 2
        messages = found.pop("messages")
        assert found == {
            "session_id": "s1",
            "when": "2026-09-21 14:13",
            "source": "telegram",
            "model": "small",
            "title": "Old keepers",
            "matched_role": "assistant",
            "match_message_id": 2,
            "messages_before": 0,
            "messages_after": 0,
        }
        assert [message["content"] for message in messages] == [
            "hello",
            "the lighthouse keeper is old",
            "really?",
            "yes",
        ]
        assert messages[0] == {"id": 1, "role": "user", "when": "2026-09-21 14:13", "content": "hello"}


async def test_a_session_is_found_once_and_the_running_one_not_at_all(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        await say(ada, "now", "lighthouse lighthouse")
        for number in range(5):
            await say(ada, f"s{number}", "lighthouse", "lighthouse again", at=START + number * DAY)
        reply = await ada.call("session_search", query="lighthouse", sort="newest")
        assert [result["session_id"] for result in reply["results"]] == ["s4", "s3", "s2"]
        assert (reply["count"], reply["sessions_matched"]) == (3, 5)
        reply = await ada.call("session_search", query="lighthouse", sort="oldest", limit=10)
        assert [result["session_id"] for result in reply["results"]] == ["s0", "s1", "s2", "s3", "s4"]


async def test_roles_can_be_chosen(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        await say(ada, "s1", "a question about bees", "an answer about bees")
        for roles, expected in (("assistant", "assistant"), ("user", "user"), ("assistant, tool", "assistant")):
            (found,) = (await ada.call("session_search", query="bees", role_filter=roles))["results"]
            assert found["matched_role"] == expected
        assert (await ada.call("session_search", query="bees", role_filter="tool"))["results"] == []


async def test_nothing_found_says_what_to_try(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        reply = await ada.call("session_search", query="nothing")
        assert reply["results"] == []
        assert "fewer or others" in reply["message"]


async def test_a_session_is_read_around_a_message(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        await say(ada, "s1", *(f"line {number}" for number in range(1, 31)), title="Long")
        reply = await ada.call("session_search", session_id="s1", around_message_id=15, window=2)
        assert [message["id"] for message in reply["messages"]] == [13, 14, 15, 16, 17]
        assert (reply["mode"], reply["title"], reply["messages_before"], reply["messages_after"]) == (
            "scroll",
            "Long",
            12,
            13,
        )
        reply = await ada.call("session_search", session_id="s1", around_message_id=1)
        assert [message["id"] for message in reply["messages"]] == [1, 2, 3, 4, 5, 6]
        reply = await ada.call("session_search", session_id="s1")
        assert [message["id"] for message in reply["messages"]] == [25, 26, 27, 28, 29, 30]
        reply = await ada.call("session_search", session_id="s1", around_message_id=15, window=2, role_filter="user")
        assert [message["id"] for message in reply["messages"]] == [13, 15, 17]


async def test_what_was_compacted_away_is_shown_and_what_was_undone_is_not(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        await say(ada, "s1", "one", "two", "three", "four")
        sql = "UPDATE messages SET active = 0, compacted = ? WHERE id = ?"
        await ada.scope.db.write(lambda connection: connection.execute(sql, (1, 1)))
        await ada.scope.db.write(lambda connection: connection.execute(sql, (0, 3)))
        reply = await ada.call("session_search", session_id="s1", around_message_id=2)
        assert [message["content"] for message in reply["messages"]] == ["one", "two", "four"]


async def test_messages_that_only_call_tools_are_left_out_and_parts_become_text(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        parts = ({"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:..."}})
        messages = (
            StoredMessage("user", parts, START),
            StoredMessage("assistant", "", START, tool_calls=(ToolCall("c", "terminal", "{}"),)),
            StoredMessage("tool", "output", START, tool_call_id="c", tool_name="terminal"),
            StoredMessage("assistant", "x" * 4000, START),
        )
        await record_turn(ada.scope, TurnRecord(SessionRecord("s1", "cli", START), messages, None, START))
        first, second, third = (await ada.call("session_search", session_id="s1"))["messages"]
        assert first["content"] == "look\n[image_url]"
        assert (second["role"], second["tool_name"]) == ("tool", "terminal")
        assert third["content"] == "x" * 3000 + " [... 1000 more characters]"


async def test_without_arguments_the_latest_sessions_are_named(tmp_path, autojump_clock):
    async with open_person(tmp_path) as ada:
        for number in range(5):
            await say(ada, f"s{number}", "x", at=START + number * DAY, title=f"T{number}")
        await say(ada, "now", "x", at=START + 9 * DAY)
        reply = await ada.call("session_search")
        assert reply["mode"] == "browse"
        assert [result["session_id"] for result in reply["results"]] == ["s4", "s3", "s2"]
        assert reply["results"][0] == {
            "session_id": "s4",
            "when": "2026-09-25 14:13",
            "source": "telegram",
            "model": "small",
            "title": "T4",
            "message_count": 1,
        }


async def test_no_other_profiles_conversation_is_reached(tmp_path, autojump_clock):
    """Neither by asking for it nor where one file holds sessions of several profiles."""
    async with open_person(tmp_path) as ada:
        await say(ada, "theirs", "a secret lighthouse", profile_name="bob")
        await say(ada, "mine", "my lighthouse")
        reply = await ada.call("session_search", query="lighthouse")
        assert [result["session_id"] for result in reply["results"]] == ["mine"]
        with pytest.raises(ToolError, match="there is no session"):
            await ada.call("session_search", session_id="theirs", around_message_id=1)
        reply = await ada.call("session_search", session_id="mine", around_message_id=1)
        assert [message["content"] for message in reply["messages"]] == ["my lighthouse"]
        with pytest.raises(ToolError, match="only this profile's"):
            await ada.call("session_search", query="lighthouse", profile="bob")
        assert (await ada.call("session_search", query="lighthouse", profile="ada"))["count"] == 1
