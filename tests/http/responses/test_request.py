"""The body of ``POST /v1/responses``."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.errors import RequestError
from hermes_trio.http.responses.request import parse_responses_request


def parse(**body):
    return parse_responses_request(json.dumps(body).encode())


def user(content):
    return {"role": "user", "content": content}


def earlier(asked):
    return [
        (message.role, message.content, [call.id for call in message.tool_calls or ()])
        for message in asked.earlier.messages(0.0)
    ]


def test_a_text_is_what_the_user_says():
    asked = parse(input="hello")
    assert (asked.user_message, asked.system_text, earlier(asked), asked.stores) == ("hello", "", [], True)


def test_the_last_item_is_the_users_message_and_those_before_are_history():
    asked = parse(
        input=[
            {"role": "system", "content": "Be brief."},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hello"}]},
            {"role": "developer", "content": "Be kind."},
            user("how are you?"),
        ]
    )
    assert asked.system_text == "Be brief.\n\nBe kind."
    assert earlier(asked) == [("user", "hi", []), ("assistant", "hello", [])]
    assert asked.user_message == "how are you?"


def test_tool_calls_of_another_agent_and_their_results_are_history():
    asked = parse(
        input=[
            user("add"),
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"role": "assistant", "content": "Let me see."},
            {"type": "function_call", "call_id": "a", "name": "add", "arguments": "{}"},
            {"type": "function_call", "call_id": "b", "name": "add", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "1"},
            {"type": "function_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "2"}]},
            {"type": "function_call", "call_id": "c", "name": "add", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "3"},
            {"type": "function_call_output", "call_id": "nobody's", "output": "4"},
            user("and?"),
            {"type": "reasoning", "id": "rs_2", "summary": []},
        ]
    )
    assert earlier(asked) == [
        ("user", "add", []),
        ("assistant", "Let me see.", ["a", "b"]),
        ("tool", "1", []),
        ("tool", "2", []),
        ("assistant", None, ["c"]),
        ("tool", "3", []),
    ]
    assert asked.user_message == "and?"


def test_images_are_kept_in_the_shape_of_chat_completions():
    asked = parse(
        input=[
            user(
                [
                    {"type": "input_text", "text": "look"},
                    {"type": "input_image", "image_url": "data:image/png;base64,AA"},
                ]
            )
        ]
    )
    assert asked.user_message == (
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
    )


@pytest.mark.parametrize("named", ["plans", {"id": "plans"}])
def test_a_conversation_is_named_by_text_or_object(named):
    assert parse(input="hi", conversation=named).conversation == "plans"


def test_what_is_null_or_empty_counts_as_left_out():
    names = (
        "model",
        "instructions",
        "previous_response_id",
        "conversation",
        "store",
        "stream",
        "truncation",
        "metadata",
    )
    asked = parse(input="hi", **dict.fromkeys(names))
    assert (asked.conversation, asked.previous_response_id, asked.stores) == (None, None, True)
    assert parse(input="hi", conversation="", previous_response_id="").conversation is None


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": 3}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": [{"content": "x"}]}, "input[0]"),
        ({"input": [{"role": "wizard", "content": "x"}]}, "input[0].role"),
        ({"input": [user(3)]}, "input[0].content"),
        ({"input": [user([{"type": "input_file", "file_id": "f"}])]}, "input[0].content"),
        ({"input": [user("x"), {"role": "assistant", "content": "y"}]}, "input"),
        ({"input": [user("x"), {"type": "function_call", "name": "f", "arguments": "{}"}]}, "input[1].call_id"),
        ({"input": [user("x"), {"type": "item_reference", "id": "msg_1"}]}, "input[1].type"),
        ({"input": [{"type": ["x"]}]}, "input[0].type"),
        ({"input": "x", "model": 3}, "model"),
        ({"input": "x", "stream": "yes"}, "stream"),
        ({"input": "x", "truncation": "never"}, "truncation"),
        ({"input": "x", "conversation": {"name": "x"}}, "conversation.id"),
        ({"input": "x", "conversation": "n" * 257}, "conversation"),
        ({"input": "x", "metadata": {"a": 1}}, "metadata[...]"),
        ({"input": "x", "metadata": {"k" * 65: "v"}}, "metadata"),
        ({"input": "x", "previous_response_id": "resp_1", "conversation": "c"}, "previous_response_id"),
    ],
)
def test_a_wrong_body_is_refused_with_the_place(body, param):
    with pytest.raises(RequestError) as caught:
        parse(**body)
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({"type": "item_reference", "id": "x"}, "unsupported_item_type"),
        (user([{"type": "input_file", "file_id": "x"}]), "unsupported_content_type"),
    ],
)
def test_what_is_not_supported_has_a_code_of_its_own(item, code):
    with pytest.raises(RequestError) as caught:
        parse(input=[item])
    assert caught.value.code == code


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"3", b'"x"', b"\xff", b'{"input": "\\ud800"}', b"[" * 5000])
def test_what_is_no_json_object_is_refused(body):
    with pytest.raises(RequestError):
        parse_responses_request(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
WORDS = st.sampled_from(
    ["message", "function_call", "function_call_output", "reasoning", "user", "assistant", "system", "input_text", "a"]
)
ITEMS = st.dictionaries(
    st.sampled_from(["type", "role", "content", "call_id", "name", "arguments", "output", "text"]), WORDS | JSON
)
FIELDS = st.sampled_from(
    ["input", "model", "instructions", "previous_response_id", "conversation", "store", "stream", "truncation", "tools"]
)


def understand(**body):
    """What a body means, or how it is refused."""
    try:
        return parse(**body)
    except RequestError as error:
        return error


@given(st.dictionaries(FIELDS, JSON | st.lists(ITEMS, max_size=5)))
def test_any_body_is_understood_or_refused(body):
    asked = understand(**body)
    if isinstance(asked, RequestError):
        assert asked.status == 400
    else:
        assert asked.user_message
        assert all(message.role in ("user", "assistant", "tool") for message in asked.earlier.messages(0.0))


@given(st.lists(ITEMS, max_size=6))
def test_any_items_are_understood_or_refused_with_their_place(items):
    asked = understand(input=[*items, user("x")])
    if isinstance(asked, RequestError):
        assert (asked.param or "").startswith("input[")
    else:
        messages = asked.earlier.messages(0.0)
        called = {call.id for message in messages for call in message.tool_calls or ()}
        assert {message.tool_call_id for message in messages if message.role == "tool"} <= called
