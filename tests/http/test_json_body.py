"""A JSON body becomes the Struct that its endpoint declares."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.errors import RequestError
from hermes_trio.http.json_body import read_json
from hermes_trio.http.session_objects import CreateSessionBody, SessionChatBody


class Inner(msgspec.Struct):
    name: str
    numbers: list[int] = []


class Body(msgspec.Struct):
    inner: Inner
    by_name: dict[str, int] = {}


def test_a_good_body_becomes_a_struct_and_unknown_fields_are_passed_over():
    assert read_json(b'{"inner": {"name": "x"}, "more": 1}', Body).inner.name == "x"


@pytest.mark.parametrize(
    ("body", "param", "part"),
    [
        (b'{"inner": {"name": 1}}', "inner.name", "Expected `str`, got `int`"),
        (b'{"inner": {"name": "x", "numbers": [1, "a"]}}', "inner.numbers[1]", "Expected `int`"),
        (b'{"inner": {}}', "inner", "missing required field `name`"),
        (b"{}", None, "missing required field `inner`"),
        (b"[]", None, "Expected `object`, got `array`"),
        (b'{"inner": {"name": "x"}, "by_name": {"a": "b"}}', "by_name[...]", "Expected `int`"),
    ],
)
def test_a_wrong_part_is_named(body, param, part):
    with pytest.raises(RequestError, match=part) as caught:
        read_json(body, Body)
    assert (caught.value.status, caught.value.param) == (400, param)


def test_an_empty_body_is_an_empty_object_only_where_a_body_is_optional():
    assert read_json(b"", CreateSessionBody, optional=True) == CreateSessionBody()
    with pytest.raises(RequestError, match="not valid JSON"):
        read_json(b"", CreateSessionBody)


@given(st.one_of(st.binary(), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(msgspec.json.encode)))
def test_what_is_no_message_is_refused_whatever_comes(body):
    with pytest.raises(RequestError) as caught:
        read_json(body, SessionChatBody)
    assert caught.value.status == 400
