from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.store.messages import StoredMessage, ToolCall
from hermes_trio.turns.history import text_of, to_chat_messages

ids = st.sampled_from(["a", "b", "c"])
calls = st.builds(ToolCall, ids, st.just("tool"), st.just("{}"))
messages = st.one_of(
    st.builds(StoredMessage, st.just("user"), st.just("hi"), st.just(0.0)),
    st.builds(
        StoredMessage,
        st.just("assistant"),
        st.sampled_from([None, "", "text"]),
        st.just(0.0),
        tool_calls=st.none() | st.lists(calls, max_size=3, unique_by=lambda call: call.id).map(tuple),
    ),
    st.builds(StoredMessage, st.just("tool"), st.just("result"), st.just(0.0), tool_call_id=st.none() | ids),
    st.builds(StoredMessage, st.just("session_meta"), st.just("x"), st.just(0.0)),
)


@given(st.lists(messages, max_size=12))
def test_every_call_is_followed_by_its_result_and_every_result_has_a_call(history):
    sent = to_chat_messages(history)
    waiting: set[str] = set()
    for message in sent:
        if message.role == "tool":
            assert message.tool_call_id in waiting
            waiting.discard(message.tool_call_id)
        else:
            assert not waiting, "a call without a result before the talk goes on"
            waiting = {call.id for call in message.tool_calls}
    assert not waiting
    assert {message.role for message in sent} <= {"user", "assistant", "tool"}


def test_a_finished_tool_round_is_sent_as_it_was():
    history = [
        StoredMessage("user", "count", 0.0),
        StoredMessage("assistant", None, 0.0, tool_calls=(ToolCall("1", "wc", "{}"), ToolCall("2", "ls", "{}"))),
        StoredMessage("tool", "3", 0.0, tool_call_id="1"),
        StoredMessage("tool", "x", 0.0, tool_call_id="2"),
        StoredMessage("assistant", "three", 0.0),
    ]
    assert [message.role for message in to_chat_messages(history)] == ["user", "assistant", "tool", "tool", "assistant"]
    assert [call.name for call in to_chat_messages(history)[1].tool_calls] == ["wc", "ls"]


def test_the_text_of_parts_is_what_is_written_in_them():
    parts = ({"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}, {"type": "text", "text": "b"})
    assert text_of(parts) == "a\nb"
    assert text_of(None) == ""
