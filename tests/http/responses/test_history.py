"""The history that is kept with a response."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.http.responses.history import MOST_BYTES, decode_history, encode_history
from hermes_trio.store.messages import StoredMessage, ToolCall

TALK = (
    StoredMessage("user", ({"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "x"}}), 7.0),
    StoredMessage("assistant", "Wait.", 7.0, tool_calls=(ToolCall("a", "todo", "{}"), ToolCall("b", "todo", "[]"))),
    StoredMessage("tool", "one", 7.0, tool_call_id="a", tool_name="todo"),
    StoredMessage("tool", "two", 7.0, tool_call_id="b", tool_name="todo"),
    StoredMessage("assistant", "Done.", 7.0),
)


def again(kept):
    return msgspec.json.decode(msgspec.json.encode(kept))


def test_a_history_comes_back_as_it_was():
    assert decode_history(again(encode_history(TALK)), 7.0) == TALK


def test_it_is_kept_in_the_format_of_chat_completions():
    kept = again(encode_history(TALK))
    assert kept[1] == {
        "role": "assistant",
        "content": "Wait.",
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "todo", "arguments": "{}"}},
            {"id": "b", "type": "function", "function": {"name": "todo", "arguments": "[]"}},
        ],
    }
    assert kept[2] == {"role": "tool", "content": "one", "tool_call_id": "a"}


def shown(number, size):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * size}}
    return StoredMessage("user", ({"type": "text", "text": f"look {number}"}, image), 7.0)


def test_of_a_history_that_is_too_large_the_oldest_images_go_first():
    talk = [message for number in range(4) for message in (shown(number, MOST_BYTES // 3), *TALK[1:])]
    kept = encode_history(talk)
    assert len(msgspec.json.encode(kept)) < MOST_BYTES
    assert len(kept) == len(talk)
    seen = [message["content"] for message in kept if message["role"] == "user"]
    assert [content[0]["text"] for content in seen] == ["look 0", "look 1", "look 2", "look 3"]
    assert [content[1]["type"] for content in seen] == ["text", "text", "image_url", "image_url"]
    assert decode_history(again(kept), 7.0)[-1] == TALK[-1]


def test_then_the_oldest_messages_go_and_what_the_user_said_last_stays():
    long = StoredMessage("tool", "x" * MOST_BYTES, 7.0, tool_call_id="a", tool_name="todo")
    old = (*TALK[:2], long, *TALK[3:])
    kept = encode_history((*old, *TALK))
    assert decode_history(again(kept), 7.0)[1:] == TALK[1:]
    assert decode_history(again(encode_history((*TALK, *old))), 7.0)[0].role == "user"
    assert len(encode_history((*TALK, *old))) == len(old)


JSON = st.recursive(
    st.none() | st.integers() | st.sampled_from(["user", "assistant", "tool", "a", "{}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "function", "name", "arguments", "type", "text"]), inner)
    ),
    max_leaves=6,
)
MESSAGES = st.dictionaries(st.sampled_from(["role", "content", "tool_calls", "tool_call_id"]), JSON)


@given(st.lists(MESSAGES, max_size=6))
def test_whatever_another_program_kept_is_read_as_a_sound_talk(kept):
    called = set()
    for message in decode_history(kept, 7.0):
        called |= {call.id for call in message.tool_calls or ()}
        assert message.role in ("user", "assistant") or message.tool_call_id in called
