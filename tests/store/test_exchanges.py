"""Where exchanges begin in a conversation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.store.exchanges import exchange_starts, text_of_content
from hermes_trio.store.messages import StoredMessage, ToolCall


def user(text="hi", platform_id=None, observed=False):
    return StoredMessage("user", text, 1.0, platform_message_id=platform_id, observed=observed)


def answer(*calls):
    return StoredMessage("assistant", "ok", 1.0, tool_calls=tuple(ToolCall(call, "t", "{}") for call in calls) or None)


def result(call):
    return StoredMessage("tool", "done", 1.0, tool_call_id=call)


@pytest.mark.parametrize(
    ("messages", "starts"),
    [
        ([], []),
        ([answer()], []),
        ([user(), answer(), user(), answer()], [0, 2]),
        ([user(), answer("a"), result("a"), answer(), user()], [0, 4]),
        ([user(), user(platform_id="2"), answer()], [0, 1]),
        ([user(observed=True), user(), answer()], [1]),
    ],
)
def test_an_exchange_begins_with_a_message_to_the_agent(messages, starts):
    assert exchange_starts(messages) == starts


def test_a_note_between_the_steps_of_a_turn_begins_nothing():
    steered = [user(), answer("a"), result("a"), user("rather this"), answer()]
    resumed = [user(platform_id="1"), answer("a"), user("[restarted]"), answer()]
    assert exchange_starts(steered) == [0]
    assert exchange_starts(resumed) == [0]


def test_a_message_that_interrupted_a_turn_begins_one():
    assert exchange_starts([user(platform_id="1"), answer("a"), result("a"), user(platform_id="2")]) == [0, 3]


def test_a_message_between_a_call_and_its_result_begins_nothing():
    messages = [user(), answer("a", "b"), result("a"), user(platform_id="2"), result("b"), answer(), user()]
    assert exchange_starts(messages) == [0, 6]


MESSAGES = st.lists(
    st.one_of(
        st.builds(user, platform_id=st.none() | st.just("1"), observed=st.booleans()),
        st.builds(lambda calls: answer(*calls), st.lists(st.sampled_from("abc"), max_size=2)),
        st.builds(result, st.sampled_from("abc")),
    ),
    max_size=20,
)


@given(messages=MESSAGES)
def test_no_cut_splits_a_call_from_its_result(messages):
    for start in exchange_starts(messages):
        asked = {call.id for message in messages[:start] for call in message.tool_calls or ()}
        assert not asked & {message.tool_call_id for message in messages[start:]}
        assert messages[start].role == "user"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        ("hi", "hi"),
        (({"type": "text", "text": "a"}, {"type": "image_url"}, {"type": "text", "text": "b"}), "a\nb"),
        (({"type": "text", "text": 3},), ""),
    ],
)
def test_the_text_of_a_message(content, text):
    assert text_of_content(content) == text
