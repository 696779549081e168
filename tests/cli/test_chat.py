import contextlib
import io

import pytest

from hermes_trio.cli import conversation
from hermes_trio.testing.home import ProfileFiles, test_key, write_home
from tests.cli.fake_gateway import ChatServer, control_socket, gateway_report, profile_report


class Keyboard(io.StringIO):
    """Standard input; a terminal when the test types line by line."""

    terminal = True

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def home(tmp_path):
    return write_home(tmp_path / "home", {"coder": "C", "mute": ProfileFiles(env={"API_SERVER_KEY": ""})})


@pytest.fixture
def chat(home):
    """A gateway with three profiles; its answers are set by the test."""
    server = ChatServer()
    with server.serve():
        profiles = [profile_report("default", path_prefix=""), profile_report("coder"), profile_report("mute")]
        with control_socket(home, gateway_report(*profiles, address=server.url)):
            yield server


@pytest.fixture
def type_in(monkeypatch):
    """What the user types, or a pipe brings."""

    def set_input(text: str, *, terminal: bool = True) -> None:
        keyboard = Keyboard(text)
        keyboard.terminal = terminal
        monkeypatch.setattr("sys.stdin", keyboard)

    return set_input


def test_one_question_one_answer(command, home, chat):
    chat.answers = [["Hello, ", "world."]]
    ran = command("chat", "-p", "coder", "-q", "hi", "--home", home.root)
    assert (ran.code, ran.out) == (0, "Hello, world.\n")
    [(path, headers, body)] = chat.asked
    assert path == "/p/coder/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {test_key('coder')}"
    assert body == {"model": "coder", "stream": True, "messages": [{"role": "user", "content": "hi"}]}


def test_without_a_profile_the_active_one_answers(command, home, chat):
    chat.answers = [["a"], ["b"]]
    command("chat", "-q", "hi", "--home", home.root)
    home.active_profile.write_text("coder\n")
    command("chat", "-q", "hi", "--home", home.root)
    assert [path for path, *_ in chat.asked] == ["/v1/chat/completions", "/p/coder/v1/chat/completions"]


def test_a_question_from_a_pipe(command, home, chat, type_in):
    type_in("what is\nthis?\n", terminal=False)
    chat.answers = [["a diff"]]
    assert command("chat", "-p", "coder", "--home", home.root).out == "a diff\n"
    assert chat.asked[0][2]["messages"][0]["content"] == "what is\nthis?"


def test_an_empty_pipe_is_wrong_usage(command, home, chat, type_in):
    type_in("", terminal=False)
    assert command("chat", "-p", "coder", "--home", home.root).code == 2


def test_a_conversation_keeps_its_session_until_new(command, home, chat, type_in):
    type_in("one\ntwo\n\n/new\nthree\n/quit\nnever asked\n")
    chat.answers = [["1"], ["2"], ["3"]]
    ran = command("chat", "-p", "coder", "--home", home.root)
    sessions = [headers["X-Hermes-Session-Id"] for _, headers, _ in chat.asked]
    assert (ran.code, len(sessions)) == (0, 3)
    assert sessions[0] == sessions[1] != sessions[2]
    assert "coder> 2\n" in ran.out


def test_a_named_session_is_gone_on_with(command, home, chat):
    chat.answers = [["1"]]
    command("chat", "-p", "coder", "-q", "hi", "--session", "project", "--home", home.root)
    assert chat.asked[0][1]["X-Hermes-Session-Id"] == "project"


def test_the_end_of_input_leaves(command, home, chat, type_in):
    type_in("")
    assert command("chat", "-p", "coder", "--home", home.root).code == 0


def test_a_refusal_is_told_with_the_code_of_the_gateway(command, home, chat):
    chat.answers = [(429, b'{"error": {"message": "too many", "code": "rate_limit_exceeded"}}')]
    ran = command("chat", "-p", "coder", "-q", "hi", "--home", home.root)
    assert (ran.code, ran.err.splitlines()[0]) == (1, "error: too many [rate_limit_exceeded]")


def test_a_conversation_survives_an_error(command, home, chat, type_in):
    type_in("one\ntwo\n")
    chat.answers = [(502, b'{"error": {"message": "model gone", "code": "model_unreachable"}}'), ["back"]]
    ran = command("chat", "-p", "coder", "--home", home.root)
    assert ran.code == 0
    assert "model gone [model_unreachable]" in ran.err
    assert "coder> back" in ran.out


def test_an_answer_that_breaks_off_is_an_error(command, home, chat):
    chat.answers = [["so far", {"error": {"message": "model broke", "code": "model_interrupted"}}]]
    ran = command("chat", "-p", "coder", "-q", "hi", "--home", home.root)
    assert (ran.code, ran.out) == (1, "so far")
    assert "[model_interrupted]" in ran.err


@pytest.mark.parametrize("body", [b"Bad Gateway", b"[]", b'{"error": "text"}'])
def test_a_refusal_in_another_form_is_told_with_its_status(command, home, chat, body):
    chat.answers = [(502, body)]
    assert "HTTP 502 [chat_failed]" in command("chat", "-p", "coder", "-q", "hi", "--home", home.root).err


def test_ctrl_c_stops_an_answer_and_not_the_conversation(command, home, chat, type_in, monkeypatch):
    answers = iter([KeyboardInterrupt(), None])

    def ask(*_):
        yield "text"
        if problem := next(answers):
            raise problem

    monkeypatch.setattr(conversation.ChatEndpoint, "ask", ask)
    type_in("one\ntwo\n")
    ran = command("chat", "-p", "coder", "--home", home.root)
    assert ran.code == 0
    assert "coder> text [stopped]\n" in ran.out
    assert "coder> text\n" in ran.out


def test_a_profile_without_a_key_is_told_how_to_get_one(command, home, chat):
    ran = command("chat", "-p", "mute", "-q", "hi", "--home", home.root)
    assert (ran.code, chat.asked) == (1, [])
    assert "[key_missing]" in ran.err
    assert "API_SERVER_KEY=" in ran.err


def test_a_profile_that_is_not_served(command, home, chat):
    assert "[unknown_profile]" in command("chat", "-p", "poet", "-q", "hi", "--home", home.root).err


def test_no_gateway(command, home):
    assert "[gateway_not_running]" in command("chat", "-p", "coder", "-q", "hi", "--home", home.root).err


def test_a_connection_that_is_refused(command, home):
    server = ChatServer()
    with server.serve():
        pass
    with control_socket(home, gateway_report(profile_report("coder"), address=server.url)):
        ran = command("chat", "-p", "coder", "-q", "hi", "--home", home.root)
    assert "the connection to the gateway broke [chat_failed]" in ran.err


def test_a_gateway_that_does_not_listen_yet(command, home):
    with control_socket(home, gateway_report(profile_report("coder"), address="")):
        ran = command("chat", "-p", "coder", "-q", "hi", "--home", home.root)
    assert "[profile_unavailable]" in ran.err


def test_closing_an_answer_closes_its_connection(home, chat):
    chat.answers = [["a", "b"]]
    endpoint = conversation.ChatEndpoint("127.0.0.1", int(chat.url.rsplit(":", 1)[1]), "/p/coder", "coder", "k")
    with contextlib.closing(endpoint.ask("hi", "s")) as answer:
        assert next(answer) == "a"


def test_the_key_is_not_in_the_representation():
    assert "secret" not in repr(conversation.ChatEndpoint("h", 1, "", "coder", "secret"))
