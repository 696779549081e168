from hermes_trio.models.echo import write_script
from hermes_trio.models.request import ChatMessage, ToolCall

SCRIPT = 'do it\n!tool write_file {"path": "a"}\n!tool terminal {"command": "ls"}\n!also todo'


def after(*messages: ChatMessage):
    return write_script((ChatMessage("system", "You are Ada."), ChatMessage("user", SCRIPT), *messages))


def assistant(*names: str) -> ChatMessage:
    return ChatMessage("assistant", None, tool_calls=tuple(ToolCall(name, name, "{}") for name in names))


def test_each_line_is_a_step():
    assert [(call.name, call.arguments) for call in after().calls] == [("write_file", '{"path": "a"}')]


def test_a_line_with_also_joins_the_step_before():
    calls = after(assistant("write_file"), ChatMessage("tool", "ok", tool_call_id="write_file")).calls
    assert [(call.name, call.arguments) for call in calls] == [("terminal", '{"command": "ls"}'), ("todo", "{}")]
    assert len({call.id for call in calls}) == 2


def test_the_end_quotes_what_the_tools_said():
    script = after(
        assistant("write_file"),
        ChatMessage("tool", "first", tool_call_id="write_file"),
        assistant("terminal", "todo"),
        ChatMessage("tool", "second", tool_call_id="terminal"),
        ChatMessage("tool", "third", tool_call_id="todo"),
    )
    assert script.calls == ()
    assert "".join(script.pieces) == "The tools said: first\nsecond\nthird"


def test_a_later_message_starts_afresh():
    script = after(assistant("write_file"), ChatMessage("tool", "ok", tool_call_id="x"), ChatMessage("user", "hello"))
    assert "".join(script.pieces) == "Ada here. You said: hello"
