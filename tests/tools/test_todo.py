from __future__ import annotations

import json

import pytest

from hermes_trio.store.messages import StoredMessage
from hermes_trio.tools.todo_list import MOST_SESSIONS, TodoLists
from hermes_trio.tools.tool import ToolError

ITEMS = [
    {"id": "1", "content": "read", "status": "completed"},
    {"id": "2", "content": "write", "status": "in_progress"},
    {"id": "3", "content": "check", "status": "pending"},
]


async def test_a_list_is_kept_and_counted(ada):
    reply = await ada.call("todo", todos=ITEMS)
    assert reply == {
        "todos": ITEMS,
        "summary": {"total": 3, "pending": 1, "in_progress": 1, "completed": 1, "cancelled": 0},
    }
    assert await ada.call("todo") == reply


async def test_without_merge_a_list_replaces_the_one_before(ada):
    await ada.call("todo", todos=ITEMS)
    reply = await ada.call("todo", todos=[{"id": "9", "content": "else"}])
    assert reply["todos"] == [{"id": "9", "content": "else", "status": "pending"}]


async def test_merge_changes_items_by_id_and_adds_new_ones(ada):
    await ada.call("todo", todos=ITEMS)
    reply = await ada.call(
        "todo", merge=True, todos=[{"id": "2", "status": "completed"}, {"id": "4", "content": "tell"}]
    )
    assert [(item["id"], item["content"], item["status"]) for item in reply["todos"]] == [
        ("1", "read", "completed"),
        ("2", "write", "completed"),
        ("3", "check", "pending"),
        ("4", "tell", "pending"),
    ]


async def test_a_list_belongs_to_one_profile(ada, bob):
    await ada.call("todo", todos=ITEMS)
    assert (await bob.call("todo"))["todos"] == []


async def test_an_empty_list_clears(ada):
    await ada.call("todo", todos=ITEMS)
    assert (await ada.call("todo", todos=[]))["summary"]["total"] == 0


async def test_a_list_cannot_grow_for_ever(ada):
    with pytest.raises(ToolError, match="too many items"):
        await ada.call("todo", todos=[{"id": str(number), "content": "x"} for number in range(201)])
    assert (await ada.call("todo"))["todos"] == []


# Lists of sessions


def shown(text: str, name: str = "todo") -> StoredMessage:
    return StoredMessage("tool", text, 0.0, tool_call_id="c", tool_name=name)


LISTED = shown(json.dumps({"todos": ITEMS, "summary": {}}))


def test_a_session_keeps_its_list_and_no_other_sees_it():
    lists = TodoLists()
    lists.find("a", ()).items = tuple(ITEMS)
    assert lists.find("a", ()).items == tuple(ITEMS)
    assert lists.find("b", ()).items == ()


def test_a_list_that_is_not_in_memory_is_what_was_shown_last():
    older = shown('{"todos": [{"id": "7", "content": "old", "status": "pending"}]}')
    others = (
        shown('{"error": "too many items"}'),
        shown('{"todos": []}', "other"),
        StoredMessage("user", "go on", 0.0),
    )
    assert TodoLists().find("a", (older, LISTED, *others)).items == tuple(ITEMS)


@pytest.mark.parametrize("text", ["", "{", '{"todos": 3}', "[]", '{"todos": [3, null, {"id": 1}]}', "[" * 100_000])
def test_whatever_was_shown_is_read_or_not(text):
    assert len(TodoLists().find("a", (shown(text),)).items) <= 1


def test_lists_in_memory_have_a_bound_and_those_in_use_stay():
    lists = TodoLists()
    for number in range(MOST_SESSIONS):
        lists.find(str(number), ()).items = tuple(ITEMS)
    lists.find("0", ())
    lists.find("new", ())
    assert lists.find("0", ()).items == tuple(ITEMS)
    assert lists.find("1", ()).items == ()
