"""Payload, event and id of a delivery."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.http.types import Headers
from hermes_trio.http.webhooks.events import Unparsable, delivery_id_of, event_of, parse_payload

FORM = "application/x-www-form-urlencoded; charset=utf-8"


def headers(**given_: str) -> Headers:
    return Headers(tuple((name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in given_.items()))


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b'{"a": 1}', "application/json", {"a": 1}),
        (b'{"a": 1}', FORM, {"a": 1}),
        (b"[1, 2]", "", [1, 2]),
        (b"a=1&b=x+y&a=2&c=", FORM, {"a": "1", "b": "x y", "c": ""}),
        (b"payload=%7B%22a%22%3A1%7D", FORM, {"a": 1}),
        (b"payload=hello", FORM, {"payload": "hello"}),
        (b"hello", FORM, {"hello": ""}),
        (b"", FORM, {}),
        (b'{"half": "\\ud83d"}', "application/json", {"half": "?"}),
    ],
)
def test_json_is_tried_first_and_a_form_second(body, content_type, expected):
    assert parse_payload(body, content_type) == expected


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"a=1", "text/plain"),
        (b"{", "application/json"),
        (b"NaN", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"\xff\xfe", FORM),
        (b"&".join(b"a=1" for _ in range(2000)), FORM),
        (b"1" * 5000, ""),
    ],
)
def test_everything_else_is_refused(body, content_type):
    with pytest.raises(Unparsable):
        parse_payload(body, content_type)


@given(st.binary(max_size=60), st.sampled_from(["", FORM, "application/json"]))
def test_no_body_does_anything_else(body, content_type):
    with contextlib.suppress(Unparsable):
        json.dumps(parse_payload(body, content_type)).encode()


@pytest.mark.parametrize(
    ("given_", "payload", "expected"),
    [
        ({"x_github_event": "push", "x_gitlab_event": "b"}, {"type": "c"}, "push"),
        ({"x_gitlab_event": "Push Hook"}, {"event_type": "c"}, "Push Hook"),
        ({}, {"event_type": "a", "type": "b"}, "a"),
        ({}, {"event_type": 7, "type": "b"}, "b"),
        ({}, {"type": "invoice.paid"}, "invoice.paid"),
        ({}, {}, "unknown"),
        ({}, [1], "unknown"),
        ({}, {"type": "a\nb"}, "a?b"),
    ],
)
def test_the_event(given_, payload, expected):
    assert event_of(headers(**given_), payload) == expected


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ({"x_github_delivery": "g", "svix_id": "s", "x_request_id": "r"}, "g"),
        ({"svix_id": "s", "x_request_id": "r"}, "s"),
        ({"x_request_id": "r"}, "r"),
    ],
)
def test_the_delivery_id(given_, expected):
    assert delivery_id_of(headers(**given_), 1.0) == expected


@pytest.mark.parametrize("strange", ["a b", "x" * 200, "\u00fc", "a\tb"])
def test_an_id_that_cannot_stand_in_a_key_becomes_its_digest(strange):
    found = delivery_id_of(headers(x_request_id=strange), 1.0)
    assert found.startswith("sha256-")
    assert found == delivery_id_of(headers(x_request_id=strange), 2.0)


def test_without_an_id_two_deliveries_of_one_millisecond_differ():
    assert delivery_id_of(headers(), 12.3456).startswith("12345-")
    assert delivery_id_of(headers(), 1.0) != delivery_id_of(headers(), 1.0)
