"""How a message becomes a row and a row a message."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.store.messages import (
    ToolCall,
    clean_text,
    decode_content,
    decode_tool_calls,
    encode_content,
    encode_tool_calls,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
parts = st.lists(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), json_values), min_size=1).map(tuple)


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.none() | parts)
def test_content_comes_back_as_it_was(content):
    if isinstance(content, str) and content.startswith("\x00json:"):
        return  # no text of a person begins so
    assert decode_content(encode_content(content)) == content


def test_content_parts_are_stored_as_hermes_agent_stores_them():
    stored = encode_content(({"type": "text", "text": "Grüße"},))
    assert stored.startswith("\x00json:")
    assert json.loads(stored[6:]) == [{"type": "text", "text": "Grüße"}]


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ('\x00json:{"type": "text"}', ({"type": "text"},)),
        ('\x00json:"just text"', "just text"),
        ("\x00json:[1, 2]", "[1, 2]"),
        ("\x00json:{broken", "{broken"),
        ("\x00json:[]", ()),
        ("", ""),
        (None, None),
    ],
)
def test_what_other_programs_may_have_stored(stored, expected):
    assert decode_content(stored) == expected


def test_tool_calls_are_stored_as_hermes_agent_stores_them():
    calls = (ToolCall("call_1", "terminal", '{"command": "ls"}', response_item_id="fc_1"),)
    assert json.loads(encode_tool_calls(calls)) == [
        {
            "id": "call_1",
            "call_id": "call_1",
            "response_item_id": "fc_1",
            "type": "function",
            "function": {"name": "terminal", "arguments": '{"command": "ls"}'},
        }
    ]


@given(st.lists(st.builds(ToolCall, *[st.text(st.characters(exclude_categories=["Cs"]), min_size=1)] * 4), min_size=1))
def test_tool_calls_come_back_as_they_were(calls):
    assert decode_tool_calls(encode_tool_calls(tuple(calls))) == tuple(calls)


@pytest.mark.parametrize("stored", [None, "", "[]", "{broken", '{"id": 1}', "[3]"])
def test_no_or_unreadable_tool_calls_are_none(stored):
    assert decode_tool_calls(stored) is None


def test_arguments_that_were_stored_as_an_object_become_text():
    stored = '[{"id": "1", "function": {"name": "f", "arguments": {"a": 1}}, "surprise": true}]'
    assert decode_tool_calls(stored) == (ToolCall("1", "f", '{"a":1}'),)


def test_no_tool_calls_store_null():
    assert encode_tool_calls(()) is None
    assert encode_tool_calls(None) is None


@given(st.text())
def test_any_text_can_be_stored(text):
    cleaned = clean_text(text)
    cleaned.encode()
    assert len(cleaned) == len(text)
    assert cleaned == text or any("\ud800" <= character <= "\udfff" for character in text)


def test_half_characters_within_parts_can_be_stored():
    assert decode_content(encode_content(({"text": "a\ud800b", "more": ["\udfff"]},))) == (
        {"text": "a?b", "more": ["?"]},
    )
