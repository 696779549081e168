"""OpenAI's responses format: what goes there, and what comes back."""

from __future__ import annotations

import json

import httpx
import msgspec
import pytest

from hermes_trio.errors import ModelError
from hermes_trio.home.config import ModelConfig
from hermes_trio.models import http_attempt
from hermes_trio.models.events import Finish, ReasoningDelta, ReplayItem, TextDelta, ToolCallDelta, Usage
from hermes_trio.models.request import ChatMessage, ModelRequest, ToolCall
from hermes_trio.models.responses import FORMAT, build_body
from hermes_trio.models.responses_events import ResponseReader
from hermes_trio.models.target import ModelTarget
from tests.models.rig import Pieces, ask, collect, make_scope

TARGET = ModelTarget("openai", "gpt-4o", "https://api.openai.com/v1", "sk-very-secret-key")


def body_of(*messages: ChatMessage, model: str = "gpt-4o", **more):
    return json.loads(build_body(ModelTarget("openai", model), ModelRequest(messages, **more)))


def read(*events: dict[str, object], reader: ResponseReader | None = None):
    return (reader or ResponseReader(TARGET)).read(msgspec.json.encode(event) for event in events)


def last(*events: dict[str, object]):
    reader = ResponseReader(TARGET)
    read(*events, reader=reader)
    return reader.last_events()


def event(kind: str, **fields: object) -> dict[str, object]:
    return {"type": f"response.{kind}", **fields}


def item(kind: str, index: int = 0, **fields: object) -> dict[str, object]:
    return event(f"output_item.{kind}", output_index=index, item=fields)


def completed(**fields: object) -> dict[str, object]:
    return event("completed", response={"status": "completed", "error": None, **fields})


CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "ls"}


# Requests


def test_a_plain_question():
    assert body_of(ChatMessage("system", "Be nice."), ChatMessage("user", "hello")) == {
        "model": "gpt-4o",
        "instructions": "Be nice.",
        "input": [{"type": "message", "role": "user", "content": "hello"}],
        "stream": True,
        "store": False,
    }


def test_tools_have_their_own_shape():
    tool = {"type": "function", "function": {"name": "ls", "description": "Lists.", "parameters": {"type": "object"}}}
    assert body_of(ChatMessage("user", "x"), tools=(tool,))["tools"] == [
        {"type": "function", "name": "ls", "description": "Lists.", "parameters": {"type": "object"}, "strict": False}
    ]


def test_calls_and_results_are_items():
    calls = (ToolCall("a", "ls", '{"path":"."}'), ToolCall("b", "ls", ""))
    body = body_of(
        ChatMessage("user", "look"),
        ChatMessage("assistant", "Yes.", tool_calls=calls),
        ChatMessage("tool", "x.txt", tool_call_id="a"),
        ChatMessage("tool", None, tool_call_id="b"),
        ChatMessage("assistant", "There."),
    )
    assert body["input"][1:] == [
        {"type": "message", "role": "assistant", "content": "Yes."},
        {"type": "function_call", "call_id": "a", "name": "ls", "arguments": '{"path":"."}'},
        {"type": "function_call", "call_id": "b", "name": "ls", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "x.txt"},
        {"type": "function_call_output", "call_id": "b", "output": ""},
        {"type": "message", "role": "assistant", "content": "There."},
    ]


def test_long_ids_are_shortened_alike_for_call_and_result():
    said = ChatMessage("assistant", None, tool_calls=(ToolCall("x" * 100, "ls", "{}"),))
    items = body_of(ChatMessage("user", "x"), said, ChatMessage("tool", "y", tool_call_id="x" * 100))["input"]
    assert items[1]["call_id"] == items[2]["call_id"]
    assert len(items[1]["call_id"]) <= 64


def test_images_are_parts():
    parts = (
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "https://x.test/a.png", "detail": "low"}},
        {"type": "input_audio"},
    )
    (message,) = body_of(ChatMessage("user", parts))["input"]
    assert message["content"][:2] == [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "low"},
    ]
    assert "input_audio" in message["content"][2]["text"]


def test_limits_and_cache_key_are_sent_when_there_are_some():
    target = ModelTarget("openai", "gpt-4o", max_tokens=50)
    body = json.loads(build_body(target, ModelRequest((ChatMessage("user", "x"),), cache_key="session-1")))
    assert (body["max_output_tokens"], body["prompt_cache_key"]) == (50, "session-1")


@pytest.mark.parametrize(
    ("model", "asks"), [("gpt-5.4", True), ("o3", True), ("openai/gpt-5", True), ("grok-4.3", True), ("gpt-4o", False)]
)
def test_models_that_think_are_asked_for_what_they_thought_encrypted(model, asks):
    assert ("include" in body_of(ChatMessage("user", "x"), model=model)) is asks


def test_what_the_model_thought_goes_back_before_its_calls():
    thought = {"type": "reasoning", "summary": [], "encrypted_content": "e"}
    replay = (ReplayItem("codex_responses", json.dumps([thought]).encode()), ReplayItem("anthropic_messages", b"[1]"))
    said = ChatMessage("assistant", None, tool_calls=(ToolCall("a", "ls", "{}"),), replay=replay)
    items = body_of(ChatMessage("user", "x"), said, ChatMessage("tool", "y", tool_call_id="a"))["input"]
    assert [one["type"] for one in items] == ["message", "reasoning", "function_call", "function_call_output"]
    assert items[1] == thought


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1/responses"),
        ("https://x.test/v1/responses", "https://x.test/v1/responses"),
    ],
)
def test_the_address(base_url, url):
    assert str(http_attempt.build_url(ModelTarget("openai", "m", base_url), FORMAT)) == url


def test_the_key_is_a_bearer_token():
    assert FORMAT.headers(TARGET) == {"Authorization": "Bearer sk-very-secret-key"}


async def test_a_model_that_does_not_encrypt_is_asked_again_without():
    bodies: list[dict[str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        if "include" in bodies[-1]:
            error = {"message": "Encrypted content is not supported with this model.", "param": "include"}
            return httpx.Response(400, json={"error": error})
        done = msgspec.json.encode(completed(output=[{"type": "message", "content": [{"text": "Hi"}]}]))
        return httpx.Response(200, stream=Pieces([b"data: " + done + b"\n\n"]))

    model = ModelConfig(name="gpt-5", base_url="https://x.test/v1", api_mode="codex_responses")
    scope = make_scope(model, answer)
    assert await collect(scope, ask()) == [TextDelta("Hi"), Finish("stop")]
    assert ["include" in body for body in bodies] == [True, False]
    assert scope.log.lines == []


# Answers


def test_text_and_refusals_come_piece_by_piece():
    assert read(event("output_text.delta", delta="Hi"), event("refusal.delta", delta="No")) == [
        TextDelta("Hi"),
        TextDelta("No"),
    ]


def test_reasoning_summaries_are_reasoning_with_a_blank_line_between():
    assert read(
        event("reasoning_summary_part.added", summary_index=0),
        event("reasoning_summary_text.delta", summary_index=0, delta="One."),
        event("reasoning_summary_part.added", summary_index=1),
        event("reasoning_summary_text.delta", summary_index=1, delta="Two."),
        event("reasoning_text.delta", delta="Three."),
    ) == [ReasoningDelta("One."), ReasoningDelta("\n\n"), ReasoningDelta("Two."), ReasoningDelta("Three.")]


def test_a_call_comes_in_pieces():
    assert read(
        item("added", **CALL, arguments=""),
        event("function_call_arguments.delta", output_index=0, delta='{"x'),
        event("function_call_arguments.delta", output_index=0, delta='":1}'),
        event("function_call_arguments.done", output_index=0, arguments='{"x":1}'),
        item("done", **CALL, arguments='{"x":1}'),
    ) == [ToolCallDelta(0, "call_1", "ls", ""), ToolCallDelta(0, "", "", '{"x'), ToolCallDelta(0, "", "", '":1}')]


@pytest.mark.parametrize(
    "events",
    [
        [item("added", **CALL), event("function_call_arguments.done", output_index=0, arguments='{"x":1}')],
        [item("added", **CALL), item("done", **CALL, arguments='{"x":1}')],
        [item("done", **CALL, arguments='{"x":1}')],
        [item("done", **CALL, arguments='{"x":1}'), item("done", **CALL, arguments='{"x":1}')],
        [completed(output=[{**CALL, "arguments": '{"x":1}'}])],
        [
            item("added", **CALL),
            event("function_call_arguments.delta", output_index=0, delta='{"x'),
            item("done", **CALL, arguments='{"x":1}'),
        ],
    ],
)
def test_servers_that_leave_out_events_are_understood(events):
    got = read(*events)
    assert got[0].id == "call_1"
    assert {one.index for one in got} == {0}
    assert "".join(one.arguments for one in got) == '{"x":1}'


def test_events_without_numbers_are_told_apart_by_ids():
    events = read(
        {"type": "response.output_item.added", "item": CALL},
        {"type": "response.output_item.added", "item": {**CALL, "id": "fc_2", "call_id": "call_2"}},
        event("function_call_arguments.delta", item_id="fc_1", delta="1"),
        event("function_call_arguments.delta", item_id="fc_2", delta="2"),
    )
    assert [(one.index, one.arguments) for one in events] == [(0, ""), (1, ""), (0, "1"), (1, "2")]


def test_text_that_came_already_does_not_come_twice():
    done = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    assert read(
        event("output_text.delta", output_index=0, delta="Hi"), item("done", **done), completed(output=[done])
    ) == [TextDelta("Hi")]


def test_text_that_comes_only_with_the_item_or_the_end_is_not_lost():
    done = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    assert read(item("done", **done)) == [TextDelta("Hi")]
    assert read(completed(output=[done])) == [TextDelta("Hi")]


def test_a_call_that_comes_only_with_the_end_is_not_lost_although_text_came_before():
    text = event("output_text.delta", output_index=0, delta="Hi")
    done = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    call = {**CALL, "arguments": "{}"}
    assert read(text, completed(output=[done, call])) == [TextDelta("Hi"), ToolCallDelta(0, "call_1", "ls", "{}")]
    assert len(read(text, item("done", 1, **call), completed(output=[done, call]))) == 2


def test_a_whole_response_is_read_like_a_stream():
    whole = {
        "object": "response",
        "status": "completed",
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]},
        ],
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    reader = ResponseReader(TARGET)
    assert read(whole, reader=reader) == [ReasoningDelta("hm"), TextDelta("Hi")]
    assert (reader.done, reader.last_events()) == (True, [Usage(3, 2), Finish("stop")])


def test_usage():
    usage = {
        "input_tokens": 10,
        "output_tokens": 5,
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens_details": {"reasoning_tokens": 2},
    }
    assert last(completed(usage=usage)) == [Usage(10, 5, 4, 0, 2), Finish("stop")]
    assert last(completed(usage={"input_tokens": 1, "input_tokens_details": None}))[0] == Usage(1)


@pytest.mark.parametrize(
    ("reason", "meant"), [("max_output_tokens", "length"), ("content_filter", "content_filter"), (None, "length")]
)
def test_an_incomplete_response_says_why(reason, meant):
    response = {"status": "incomplete", "incomplete_details": {"reason": reason}}
    assert last(event("incomplete", response=response)) == [Finish(meant)]


def test_encrypted_reasoning_before_a_call_is_to_be_sent_back_without_its_id():
    thought = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]}
    call = item("done", 1, **CALL, arguments="{}")
    replay = last(item("done", 0, **thought, encrypted_content="e"), call, completed())[0]
    assert isinstance(replay, ReplayItem)
    assert json.loads(replay.data) == [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "e"}
    ]
    assert last(item("done", 0, **thought), call, completed()) == [Finish("tool_calls")]


@pytest.mark.parametrize(
    ("failure", "code", "retry_after"),
    [
        (
            event(
                "failed",
                response={
                    "status": "failed",
                    "error": {"code": "rate_limit_exceeded", "message": "Please try again in 1.5s."},
                },
            ),
            "model_rate_limited",
            1.5,
        ),
        (event("failed", response={"status": "failed", "error": {"code": "server_error"}}), "model_overloaded", None),
        (event("failed", response={"status": "failed"}), "model_overloaded", None),
        (event("failed", response=None), "model_overloaded", None),
        ({"type": "error", "code": "rate_limit_exceeded", "message": "slow"}, "model_rate_limited", None),
        ({"error": {"code": "context_length_exceeded", "message": "x"}}, "model_context_length", None),
    ],
)
def test_failures_within_the_stream_are_typed(failure, code, retry_after):
    with pytest.raises(ModelError) as caught:
        read(failure)
    assert (caught.value.code, caught.value.retry_after) == (code, retry_after)


def test_what_follows_the_last_event_is_not_looked_at():
    reader = ResponseReader(TARGET)
    assert reader.read([msgspec.json.encode(completed()), b"garbage"]) == []
    reader = ResponseReader(TARGET)
    assert reader.read([b"[DONE]", b"garbage"]) == []


@pytest.mark.parametrize("wrong", [event("output_text.delta", delta=5), item("added", type=3), {"type": []}])
def test_a_value_of_the_wrong_type_is_an_error(wrong):
    with pytest.raises(ModelError) as caught:
        read(wrong)
    assert caught.value.code == "model_bad_response"


def test_an_item_that_is_repeated_counts_once():
    done = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    assert read(item("done", 5, **done), item("done", 5, **done), completed(output=[done])) == [TextDelta("Hi")]
