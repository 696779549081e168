"""All wire formats carry the same conversation and bring the same answer."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_trio.errors import ModelError
from hermes_trio.home.config import ModelConfig
from hermes_trio.models.events import Finish, TextDelta, ToolCallDelta, Usage
from hermes_trio.models.formats import find_format
from hermes_trio.models.request import ASIDE_MARK, ChatMessage, ModelRequest, ToolCall
from hermes_trio.models.sse import SseDecoder
from hermes_trio.models.target import ModelTarget
from tests.models.rig import Pieces, collect, collect_until_failure, make_scope
from tests.models.speakers import MODES, Answer, listen, merged, speak

if TYPE_CHECKING:
    from hermes_trio.models.events import ModelEvent

PARAMETERS = {"type": "object", "properties": {"path": {"type": "string"}}}
TOOLS = (
    {"type": "function", "function": {"name": "ls", "description": "Lists.", "parameters": PARAMETERS}},
    {"type": "function", "function": {"name": "cat", "parameters": msgspec.Raw(msgspec.json.encode(PARAMETERS))}},
)
CALLS = (ToolCall("call_a", "ls", '{"path":"/tmp/x"}'), ToolCall("call_b", "cat", '{"path":"notes.txt"}'))
SYSTEM = ChatMessage("system", "You are Ada.")
ASKED = ChatMessage("user", "What is there?")
SAID = ChatMessage("assistant", "Let me look.", tool_calls=CALLS)
RESULTS = (ChatMessage("tool", "notes.txt", tool_call_id="call_a"), ChatMessage("tool", "hi", tool_call_id="call_b"))


def target_of(mode: str, **more: object) -> ModelTarget:
    return ModelTarget("custom", "m", "https://models.test/v1", "sk-very-secret-key", mode, **more)


def body_of(mode: str, *messages: ChatMessage, tools=()) -> dict[str, object]:
    body = find_format(mode).build_body(target_of(mode), ModelRequest(messages, tools=tools), frozenset())
    return json.loads(body)


def read(mode: str, answer: bytes) -> list[ModelEvent]:
    """The events in a whole answer."""
    reader = find_format(mode).make_reader(target_of(mode), ())
    return [*reader.read(SseDecoder().feed(answer)), *reader.last_events()]


class Provider:
    """Gives the scripted answers one after the other, and remembers what it was asked."""

    def __init__(self, mode: str, *answers: Answer) -> None:
        self.mode = mode
        self.answers = list(answers)
        self.asked: list[dict[str, object]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(json.loads(request.content))
        answer = speak(self.mode, self.answers.pop(0))
        return httpx.Response(200, stream=Pieces([answer[:100], answer[100:]]))


# A whole session


@pytest.mark.parametrize("mode", MODES)
async def test_the_same_session_yields_the_same_events(mode):
    provider = Provider(
        mode, Answer(("Let me ", "look."), CALLS), Answer(("Two ", "files."), usage=Usage(40, 6, 20), piece=1)
    )
    scope = make_scope(ModelConfig(name="m", base_url="https://models.test/v1", api_mode=mode), provider)
    first = await collect(scope, ModelRequest((SYSTEM, ASKED), tools=TOOLS))
    second = await collect(scope, ModelRequest((SYSTEM, ASKED, SAID, *RESULTS), tools=TOOLS))
    assert merged(first) == [
        TextDelta("Let me look."),
        ToolCallDelta(0, "call_a", "ls", '{"path":"/tmp/x"}'),
        ToolCallDelta(1, "call_b", "cat", '{"path":"notes.txt"}'),
        Usage(20, 5, 8),
        Finish("tool_calls"),
    ]
    assert merged(second) == [TextDelta("Two files."), Usage(40, 6, 20), Finish("stop")]
    heard = [listen(mode, body) for body in provider.asked]
    assert heard[0].said == [("user", "What is there?")]
    assert heard[1].said == [("user", "What is there?"), ("assistant", "Let me look.")]
    assert heard[1].calls == [("ls", {"path": "/tmp/x"}), ("cat", {"path": "notes.txt"})]
    assert heard[1].answers == [(0, "notes.txt"), (1, "hi")]
    assert {(one.system, str(one.tools)) for one in heard} == {
        ("You are Ada.", str([("ls", PARAMETERS), ("cat", PARAMETERS)]))
    }


# Answers


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
arguments = st.dictionaries(texts, st.integers() | texts, max_size=3).map(lambda value: json.dumps(value))
answers = st.builds(
    Answer,
    text=st.lists(texts, max_size=4).map(tuple),
    calls=st.lists(arguments, max_size=4).map(
        lambda texts: tuple(ToolCall(f"call_{at}", f"tool_{at}", text) for at, text in enumerate(texts))
    ),
    piece=st.integers(1, 9),
    reason=st.sampled_from(["", "", "length", "content_filter"]),
)


@given(answers)
@settings(max_examples=60)
def test_any_answer_means_the_same_in_all_formats(answer):
    chat, *others = (merged(read(mode, speak(mode, answer))) for mode in MODES)
    assert others == [chat, chat]


@given(answers, st.sampled_from(MODES), st.integers(1, 40))
@settings(max_examples=40)
def test_it_does_not_matter_how_the_network_cuts_an_answer(answer, mode, size):
    whole = speak(mode, answer)
    reader, decoder = find_format(mode).make_reader(target_of(mode), ()), SseDecoder()
    events: list[ModelEvent] = []
    for at in range(0, len(whole), size):
        events += reader.read(decoder.feed(whole[at : at + size]))
    assert [*events, *reader.last_events()] == read(mode, whole)


NAMES = (
    *("type", "delta", "index", "content_block", "message", "usage", "error", "content", "stop_reason", "choices"),
    *("tool_calls", "function", "id", "name", "arguments", "finish_reason", "response", "output", "item", "item_id"),
    *("output_index", "object", "status", "text", "thinking", "partial_json", "input_tokens", "incomplete_details"),
    *("reason", "summary", "input", "reasoning_details", "extra_content"),
)
KINDS = (
    *("message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta"),
    *("message_stop", "ping", "error", "message", "text", "tool_use", "thinking", "text_delta", "function_call"),
    *("response", "reasoning", "response.output_text.delta", "response.output_item.added", "response.completed"),
    *("response.output_item.done", "response.function_call_arguments.done", "response.incomplete", "response.failed"),
)
odd_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.sampled_from(KINDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=15,
)


@given(st.sampled_from(MODES), st.lists(odd_json, max_size=5))
@settings(max_examples=200)
def test_whatever_json_comes_is_read_or_refused_in_our_words(mode, payloads):
    reader = find_format(mode).make_reader(target_of(mode), ())
    with contextlib.suppress(ModelError):
        reader.read(msgspec.json.encode(payload) for payload in payloads)
        reader.last_events()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("payload", [b"{", b"nonsense", b"[]", b"7", b"\xff", b'{"error":' + b"[" * 100_000])
def test_what_is_not_in_the_format_is_a_typed_error(mode, payload):
    with pytest.raises(ModelError) as caught:
        find_format(mode).make_reader(target_of(mode), ()).read([payload])
    assert caught.value.code == "model_bad_response"
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("mode", MODES)
def test_every_call_has_an_id_of_its_own(mode):
    calls = tuple(ToolCall(said, "f", "{}") for said in ("same", "same", "", "same"))
    ids = [event.id for event in merged(read(mode, speak(mode, Answer((), calls)))) if isinstance(event, ToolCallDelta)]
    assert ids[0] == "same"
    assert all(ids)
    assert len(set(ids)) == 4


@pytest.mark.parametrize("mode", MODES)
def test_a_call_without_arguments_has_an_empty_object(mode):
    events = read(mode, speak(mode, Answer((), (ToolCall("a", "f", ""), ToolCall("b", "g", "")))))
    pieces = [event for event in events if isinstance(event, ToolCallDelta)]
    assert ["".join(piece.arguments for piece in pieces if piece.index == index) for index in (0, 1)] == ["{}", "{}"]


@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_that_breaks_off_is_no_answer(mode):
    whole = speak(mode, Answer(("Let me ", "look."), CALLS))
    for share in (0.3, 0.6, 0.9):
        body = Pieces([whole[: int(len(whole) * share)].rpartition(b"\n\n")[0] + b"\n\n"])
        model = ModelConfig(name="m", base_url="https://models.test/v1", api_mode=mode)
        scope = make_scope(model, lambda _request, body=body: httpx.Response(200, stream=body), attempts=1)
        events, error = await collect_until_failure(scope, ModelRequest((ASKED,)))
        assert (error.code, error.partial) == ("model_interrupted", bool(events))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("body", [b'{"hello": "world"}', b"<html><title>Login</title>", b"data: {oops\n\n"])
async def test_what_is_no_answer_is_told(mode, body):
    model = ModelConfig(name="m", base_url="https://models.test/v1", api_mode=mode)
    scope = make_scope(model, lambda _request: httpx.Response(200, stream=Pieces([body])), attempts=1)
    _, error = await collect_until_failure(scope, ModelRequest((ASKED,)))
    assert error.code == "model_bad_response"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"type": "overloaded_error", "message": "Overloaded"}, "model_overloaded"),
        ({"code": "rate_limit_exceeded", "message": "slow down"}, "model_rate_limited"),
        ({"code": "context_length_exceeded", "message": "too much"}, "model_context_length"),
        ({"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8"}, "model_context_length"),
        ({"type": "authentication_error", "message": "invalid x-api-key"}, "model_unauthorized"),
    ],
)
def test_an_error_within_the_stream_is_typed(mode, error, code):
    reader = find_format(mode).make_reader(target_of(mode), ())
    with pytest.raises(ModelError) as caught:
        reader.read([msgspec.json.encode({"type": "error", "error": error})])
    assert caught.value.code == code


# Requests


words = st.text(st.characters(codec="utf-8", exclude_categories=("Z", "C")), min_size=1, max_size=6)
rounds = st.tuples(words, st.lists(st.tuples(words, st.dictionaries(words, words, max_size=2), words), max_size=3))


def conversation(turns: list[tuple[str, list[tuple[str, dict[str, str], str]]]]) -> list[ChatMessage]:
    """A question, and in each round an answer with calls that all have the ids of the round before, and results."""
    messages = [SYSTEM, ASKED]
    for text, uses in turns:
        calls = tuple(ToolCall(f"id:{at}", "ls", json.dumps(values)) for at, (_, values, _) in enumerate(uses))
        messages.append(ChatMessage("assistant", text, tool_calls=calls))
        results = [(f"id:{at}", result) for at, (_, _, result) in enumerate(uses)]
        messages += [ChatMessage("tool", result, tool_call_id=call_id) for call_id, result in results]
        messages.append(ChatMessage("user", "Go on."))
    return messages


@given(st.lists(rounds, max_size=1))
@settings(max_examples=40)
def test_any_conversation_means_the_same_in_all_formats(turns):
    messages = conversation(turns)
    chat, *others = (listen(mode, body_of(mode, *messages, tools=TOOLS)) for mode in MODES)
    assert others == [chat, chat]


@given(st.lists(rounds, min_size=2, max_size=3))
@settings(max_examples=40)
def test_ids_that_repeat_from_answer_to_answer_are_told_apart(turns):
    messages = conversation(turns)
    responses, anthropic = (listen(mode, body_of(mode, *messages)) for mode in MODES[1:])
    assert responses == anthropic
    assert [number for number, _ in responses.answers] == list(range(len(responses.calls)))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("written", "sent"), [('{"a": oops', {"invalid_json": '{"a": oops'}), ("", {}), (" ", {})])
def test_arguments_that_are_no_json_object_are_sent_back_as_one(mode, written, sent):
    said = ChatMessage("assistant", None, tool_calls=(ToolCall("a", "ls", written),))
    body = body_of(mode, ASKED, said, ChatMessage("tool", "no", tool_call_id="a"))
    assert listen(mode, body).calls == [("ls", sent)]


@pytest.mark.parametrize("mode", MODES)
def test_a_name_the_model_made_up_does_not_end_the_conversation(mode):
    said = ChatMessage("assistant", None, tool_calls=(ToolCall("a", "bad name!", "{}"), ToolCall("b", "", "{}")))
    results = (ChatMessage("tool", "no", tool_call_id="a"), ChatMessage("tool", "no", tool_call_id="b"))
    assert listen(mode, body_of(mode, ASKED, said, *results)).calls == [("bad_name_", {}), ("unknown", {})]


@pytest.mark.parametrize("mode", MODES)
def test_half_a_surrogate_pair_does_not_end_the_conversation(mode):
    said = ChatMessage("assistant", "\ud83d", tool_calls=(ToolCall("a", "ls", '{"x": "\ud83d"}'),))
    result = ChatMessage("tool", "\ud83d!", tool_call_id="a")
    heard = listen(mode, body_of(mode, ASKED, said, result, tools=TOOLS))
    assert heard.said[-1] == ("assistant", "?")
    assert heard.calls == [("ls", {"x": "?"})]
    assert heard.answers == [(0, "?!")]
    assert [name for name, _ in heard.tools] == ["ls", "cat"]


@pytest.mark.parametrize("mode", MODES)
def test_extra_body_wins_in_every_format(mode):
    target = target_of(mode, extra_body={"stream": None, "temperature": 0.5, "model": "other"})
    body = json.loads(find_format(mode).build_body(target, ModelRequest((ASKED,)), frozenset()))
    assert (body["temperature"], body["model"], "stream" in body) == (0.5, "other", False)


@pytest.mark.parametrize("mode", MODES)
async def test_a_part_that_a_provider_refuses_is_left_out(mode):
    """Each optional part, once named by a refusal, is missing or changed in the next request."""
    for part, phrase in find_format(mode).optional:
        target = target_of(mode, max_tokens=7000)
        request = ModelRequest((ASKED,), cache_key="k", reasoning_effort="high")
        bodies = [find_format(mode).build_body(target, request, left) for left in (frozenset(), frozenset({part}))]
        assert find_format(mode).refused_parts(b"Unsupported: " + phrase + b" here") >= {part}
        if part not in ("encrypted_content", "effort", "thinking"):  # sent to models that think only
            assert bodies[0] != bodies[1]


def test_what_the_user_says_into_the_work_follows_the_results_in_every_format():
    aside = ChatMessage("user", f"{ASIDE_MARK}\nin French")
    messages = (SYSTEM, ASKED, SAID, *RESULTS, aside, ChatMessage("assistant", "Fait."))
    chat = body_of("chat_completions", *messages)["messages"]
    assert [one["role"] for one in chat] == ["system", "user", "assistant", "tool", "tool", "user", "assistant"]
    items = body_of("codex_responses", *messages)["input"]
    kinds = [one.get("role") or one["type"] for one in items]
    results = ["function_call", "function_call", "function_call_output", "function_call_output"]
    assert kinds == ["user", "assistant", *results, "user", "assistant"]
    turns = body_of("anthropic_messages", *messages)["messages"]
    assert [one["role"] for one in turns] == ["user", "assistant", "user", "assistant"]
    assert [block["type"] for block in turns[2]["content"]] == ["tool_result", "tool_result", "text"]
    for said in (chat[5]["content"], items[6]["content"], turns[2]["content"][2]["text"]):
        assert said == f"{ASIDE_MARK}\nin French"
