"""Random conversations as providers accept them, and the check that one is acceptable."""

from __future__ import annotations

from itertools import count

from hypothesis import strategies as st

from hermes_trio.models.request import ChatMessage, ToolCall

SYSTEM = ChatMessage("system", "You are Ada.")


def small_or_large(letter: str) -> st.SearchStrategy[str]:
    return st.sampled_from([1, 20, 300, 3000, 20000]).map(lambda size: letter * size)


rounds = st.one_of(
    small_or_large("u").map(lambda text: ("user", text, ())),
    small_or_large("a").map(lambda text: ("assistant", text, ())),
    st.tuples(
        st.just("assistant"),
        st.sampled_from(["", "I look."]),
        st.lists(small_or_large("r"), min_size=1, max_size=4).map(tuple),
    ),
)


@st.composite
def conversations(draw, most: int = 40) -> tuple[ChatMessage, ...]:
    """A system prompt and rounds in any order, beginning and ending with anything that providers accept."""
    messages, number = [SYSTEM], count()
    for role, text, results in draw(st.lists(rounds, min_size=1, max_size=most)):
        calls = tuple(ToolCall(f"c{next(number)}", "look", "{}") for _ in results)
        messages.append(ChatMessage(role, text or None, tool_calls=calls))
        messages += [
            ChatMessage("tool", result, tool_call_id=call.id) for call, result in zip(calls, results, strict=True)
        ]
    return tuple(messages)


def check_acceptable(messages) -> None:
    """What providers insist on."""
    assert messages[0].role == "system"
    assert all(message.role != "system" for message in messages[1:])
    waiting: list[str] = []
    for message in messages[1:]:
        if message.role == "tool":
            assert message.tool_call_id in waiting, "a result without its call"
            waiting.remove(message.tool_call_id)
        else:
            assert not waiting, "a call without its result"
            waiting = [call.id for call in message.tool_calls]
    assert not waiting


def talk(pairs: int, size: int = 400) -> tuple[ChatMessage, ...]:
    """A plain talk of questions and answers that ends with a question."""
    messages = [SYSTEM]
    for number in range(pairs):
        messages.append(ChatMessage("user", f"question {number} " + "q" * size))
        messages.append(ChatMessage("assistant", f"answer {number} " + "a" * size))
    return (*messages, ChatMessage("user", "and now?"))


def work(steps: int, size: int = 400) -> tuple[ChatMessage, ...]:
    """A single request and many rounds of tools."""
    messages = [SYSTEM, ChatMessage("user", "count the words")]
    for number in range(steps):
        call = ToolCall(f"c{number}", "terminal", '{"command":"wc"}')
        messages.append(ChatMessage("assistant", None, tool_calls=(call,)))
        messages.append(ChatMessage("tool", f"result {number} " + "r" * size, tool_call_id=call.id))
    return tuple(messages)
