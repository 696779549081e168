import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.errors import RequestError
from hermes_trio.http.chat.request import parse_chat_request
from hermes_trio.http.message_content import MAXIMUM_TEXT


def parse(**body):
    return parse_chat_request(json.dumps(body).encode())


def user(content):
    return {"role": "user", "content": content}


def test_system_messages_are_joined_and_the_last_message_is_the_users():
    asked = parse(
        messages=[
            {"role": "system", "content": "Be brief."},
            user("hi"),
            {"role": "assistant", "content": "hello"},
            {"role": "developer", "content": "Be kind."},
            user("how are you?"),
        ]
    )
    assert asked.system_text == "Be brief.\n\nBe kind."
    assert [(m.role, m.content) for m in asked.earlier] == [("user", "hi"), ("assistant", "hello")]
    assert asked.user_message.content == "how are you?"
    assert asked.first_user_text == "hi"


def test_text_parts_become_plain_text():
    asked = parse(messages=[user([{"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}])])
    assert asked.user_message.content == "a\nb"


def test_images_are_kept_in_one_shape():
    asked = parse(
        messages=[
            user(
                [
                    {"type": "text", "text": "look"},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                    {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
                ]
            )
        ]
    )
    assert asked.user_message.content == (
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    )


def test_long_text_parts_are_cut():
    asked = parse(messages=[user([{"type": "text", "text": "x" * (MAXIMUM_TEXT + 5)}])])
    assert len(asked.user_message.content) == MAXIMUM_TEXT


def test_tool_messages_and_bare_tool_calls_of_the_client_say_nothing():
    asked = parse(
        messages=[
            user("hi"),
            {"role": "assistant", "content": None, "tool_calls": []},
            {"role": "tool", "content": "42", "tool_call_id": "x"},
            user("well?"),
        ]
    )
    assert [m.content for m in asked.earlier] == ["hi"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"content": "hi"}]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [3]}]}, "messages[0].content"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": "x"}], "model": 5}, "model"),
        ({"messages": [{"role": "user", "content": "x"}], "stream": "yes"}, "stream"),
    ],
)
def test_a_wrong_body_is_refused_with_the_place(body, param):
    with pytest.raises(RequestError) as caught:
        parse(**body)
    assert caught.value.status == 400
    assert caught.value.param == param


@pytest.mark.parametrize(
    "part",
    [
        {"type": "file", "file": {"file_id": "f"}},
        {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}},
        {"type": "input_image", "image_url": None},
        {"type": "text"},
    ],
)
def test_files_and_local_images_are_refused(part):
    with pytest.raises(RequestError) as caught:
        parse(messages=[user([part])])
    assert caught.value.code == "unsupported_content_type"
    assert caught.value.param == "messages[0].content"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'"text"', b"[" * 100_000])
def test_what_is_not_a_json_object_is_refused(body):
    with pytest.raises(RequestError):
        parse_chat_request(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
messages = st.lists(
    json_values
    | st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system", "tool", 3]), "content": json_values}
    ),
    max_size=5,
)


@given(st.fixed_dictionaries({"messages": messages, "model": json_values, "stream": json_values}))
def test_any_json_is_either_understood_or_refused(body):
    try:
        asked = parse(**body)
    except RequestError:
        return
    assert asked.user_message.role == "user"
    assert asked.stream is (body["stream"] is True)


@pytest.mark.parametrize("kind", [[], {}, None, 7])
def test_a_part_whose_type_is_no_text_is_refused(kind):
    with pytest.raises(RequestError) as caught:
        parse(messages=[user([{"type": kind}])])
    assert caught.value.code == "unsupported_content_type"
