from __future__ import annotations

import pytest

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


async def test_a_list_belongs_to_one_turn_of_one_profile(ada, bob):
    await ada.call("todo", todos=ITEMS)
    assert (await bob.call("todo"))["todos"] == []
    ada.new_turn()
    assert (await ada.call("todo"))["todos"] == []


async def test_an_empty_list_clears(ada):
    await ada.call("todo", todos=ITEMS)
    assert (await ada.call("todo", todos=[]))["summary"]["total"] == 0


async def test_a_list_cannot_grow_for_ever(ada):
    with pytest.raises(ToolError, match="too many items"):
        await ada.call("todo", todos=[{"id": str(number), "content": "x"} for number in range(201)])
    assert (await ada.call("todo"))["todos"] == []
