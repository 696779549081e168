"""Templates of prompts, and the values that they find."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.http.webhooks.lookup import MISSING, look_up
from hermes_trio.http.webhooks.templates import LONGEST_DUMP, LONGEST_PART, LONGEST_TEXT, dump, render

PAYLOAD = {
    "action": "opened",
    "number": 7,
    "draft": False,
    "body": None,
    "pull_request": {"title": "Fix {action}", "labels": [{"name": "bug"}, {"name": "ui"}]},
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{action} #{number}", "opened #7"),
        ("{draft} {body}", "false null"),
        ("{pull_request.labels.1.name}", "ui"),
        ("{pull_request.labels}", '[{"name":"bug"},{"name":"ui"}]'),
        ("{event_type}", "pull_request"),
        ("{nothing} {pull_request.nothing.x} {pull_request.labels.9.name}", None),
        ("{} { action } {{action}}", "{} { action } {opened}"),
        ("no placeholder", "no placeholder"),
    ],
)
def test_a_placeholder_becomes_what_the_payload_has_there(template, expected):
    assert render(template, PAYLOAD, "pull_request") == (template if expected is None else expected)


def test_what_the_payload_says_is_never_looked_at_for_placeholders():
    payload = {"title": "{secret} {__raw__} {event_type} {title}", "secret": "CANARY"}
    assert render("{title}", payload, "x") == payload["title"]


def test_without_a_template_the_payload_is_the_prompt():
    assert json.loads(render("  ", PAYLOAD, "x")) == PAYLOAD


def test_dumps_and_parts_and_the_whole_have_bounds():
    payload = {"long": "x" * 100_000, "list": ["y" * 5000]}
    assert len(render("{__raw__}", payload, "x")) == LONGEST_DUMP
    assert len(render("{list}", payload, "x")) == LONGEST_PART
    assert len(render("{long}" * 50, payload, "x")) < LONGEST_TEXT + 100


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab{}_.", max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(st.text("{}ab._x ", max_size=40), json_values)
def test_no_template_and_no_payload_raises(template, payload):
    assert isinstance(render(template, payload, "event"), str)


@given(st.text("{}ab._x ", min_size=1, max_size=20), st.text("{}ab", max_size=20))
def test_text_around_a_placeholder_stays_as_it_is(before, value):
    template = before.replace("{", "(").replace("}", ")") + "{v}!"
    assert render(template, {"v": value}, "e") == template.replace("{v}", value)


@given(st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=5), st.integers())
def test_a_path_leads_to_what_was_put_there(steps, leaf):
    payload: object = leaf
    for step in reversed(steps):
        payload = {step: payload}
    assert look_up(payload, ".".join(steps)) == leaf
    assert look_up(payload, ".".join([*steps, "more"])) is MISSING


@given(json_values)
def test_a_short_dump_is_the_payload(payload):
    if not isinstance(payload, str) and len(dump(payload)) < LONGEST_DUMP:
        assert json.loads(dump(payload)) == payload
