"""Events of Anthropic's messages format, as providers really send them."""

from __future__ import annotations

import json

import msgspec
import pytest

from hermes_trio.errors import ModelError
from hermes_trio.models.anthropic_events import MessageReader
from hermes_trio.models.events import Finish, ReasoningDelta, ReplayItem, TextDelta, ToolCallDelta, Usage
from hermes_trio.models.target import ModelTarget

TARGET = ModelTarget("anthropic", "m", "https://api.anthropic.com", "sk-very-secret-key")


def read(*events: dict[str, object], reader: MessageReader | None = None):
    return (reader or MessageReader(TARGET)).read(msgspec.json.encode(event) for event in events)


def last(*events: dict[str, object]):
    reader = MessageReader(TARGET)
    read(*events, reader=reader)
    return reader.last_events()


def start(index: int = 0, **block: object) -> dict[str, object]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int = 0, **fields: object) -> dict[str, object]:
    return {"type": "content_block_delta", "index": index, "delta": fields}


def stop(index: int = 0) -> dict[str, object]:
    return {"type": "content_block_stop", "index": index}


def ended(reason: str = "end_turn", **usage: object) -> dict[str, object]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage or None}


def test_text_comes_piece_by_piece():
    assert read(start(type="text", text=""), delta(type="text_delta", text="Hi"), stop()) == [TextDelta("Hi")]


def test_thinking_is_reasoning():
    assert read(start(type="thinking", thinking=""), delta(type="thinking_delta", thinking="hm")) == [
        ReasoningDelta("hm")
    ]


def test_pings_comments_and_unknown_events_are_passed_over():
    assert read({"type": "ping"}, {"type": "new_kind", "x": 1}, delta(type="citations_delta", citation={})) == []


def test_a_tool_call_comes_in_pieces():
    assert read(
        start(1, type="tool_use", id="a", name="ls", input={}),
        delta(1, type="input_json_delta", partial_json=""),
        delta(1, type="input_json_delta", partial_json='{"x'),
        delta(1, type="input_json_delta", partial_json='":1}'),
        stop(1),
    ) == [ToolCallDelta(0, "a", "ls", ""), ToolCallDelta(0, "", "", '{"x'), ToolCallDelta(0, "", "", '":1}')]


def test_arguments_that_come_whole_are_handed_out_when_the_block_ends():
    assert read(start(type="tool_use", id="a", name="ls", input={"x": 1}), stop()) == [
        ToolCallDelta(0, "a", "ls", ""),
        ToolCallDelta(0, "", "", '{"x":1}'),
    ]


def test_blocks_that_grow_in_turns_are_told_apart():
    events = read(
        start(0, type="tool_use", id="a", name="f"),
        start(1, type="tool_use", id="b", name="g"),
        delta(1, type="input_json_delta", partial_json="2"),
        delta(0, type="input_json_delta", partial_json="1"),
        stop(0),
        stop(1),
    )
    assert [(event.index, event.arguments) for event in events] == [(0, ""), (1, ""), (1, "2"), (0, "1")]


def test_tools_that_the_provider_runs_itself_are_not_ours():
    assert (
        read(
            start(type="server_tool_use", id="s", name="web_search", input={}),
            delta(type="input_json_delta", partial_json='{"query":"x"}'),
            stop(),
            start(1, type="web_search_tool_result", content=[]),
        )
        == []
    )


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("something_new", "something_new"),
    ],
)
def test_stop_reasons(said, meant):
    assert last(ended(said)) == [Finish(meant)]


def test_tool_use_is_the_reason_when_there_are_calls():
    assert last(start(type="tool_use", id="a", name="f", input={"x": 1}), stop(), ended("tool_use")) == [
        Finish("tool_calls")
    ]


def test_the_prompt_s_tokens_include_those_of_the_cache():
    begun = {"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 5, "output_tokens": 1}
    events = last({"type": "message_start", "message": {"usage": begun}}, ended(output_tokens=42))
    assert events == [Usage(115, 42, 100, 5), Finish("stop")]


def test_usage_that_comes_late_or_with_zeros_is_not_lost():
    begun = {"input_tokens": 0, "output_tokens": 0}
    assert last({"type": "message_start", "message": {"usage": begun}}, ended(input_tokens=7, output_tokens=2))[
        0
    ] == Usage(7, 2)
    begun = {"input_tokens": 7, "output_tokens": 1}
    assert last({"type": "message_start", "message": {"usage": begun}}, ended(input_tokens=0, output_tokens=2))[
        0
    ] == Usage(7, 2)


def test_without_usage_there_is_none():
    assert last({"type": "message_start", "message": {"content": [], "usage": None}}, ended()) == [Finish("stop")]


def test_signed_thinking_before_a_call_is_to_be_sent_back():
    replay = last(
        start(0, type="thinking", thinking="", signature=""),
        delta(0, type="thinking_delta", thinking="I "),
        delta(0, type="thinking_delta", thinking="see."),
        delta(0, type="signature_delta", signature="c2ln"),
        stop(0),
        start(1, type="redacted_thinking", data="ZGF0YQ=="),
        stop(1),
        start(2, type="tool_use", id="a", name="f", input={"x": 1}),
        stop(2),
        ended("tool_use"),
    )[0]
    assert isinstance(replay, ReplayItem)
    assert json.loads(replay.data) == [
        {"type": "thinking", "thinking": "I see.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZGF0YQ=="},
    ]


def test_thinking_before_a_final_answer_or_without_a_signature_is_not():
    thought = (start(type="thinking", thinking="hm", signature="s"), stop())
    assert last(*thought, ended()) == [Finish("stop")]
    unsigned = (start(type="thinking", thinking="hm"), stop(), start(1, type="tool_use", id="a", name="f"), stop(1))
    assert last(*unsigned, ended("tool_use")) == [Finish("tool_calls")]


def test_a_whole_message_is_read_like_a_stream():
    whole = {
        "type": "message",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "text", "text": "Hi"},
            {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    reader = MessageReader(TARGET)
    assert read(whole, reader=reader) == [
        ReasoningDelta("hm"),
        TextDelta("Hi"),
        ToolCallDelta(0, "a", "f", ""),
        ToolCallDelta(0, "", "", '{"x":1}'),
    ]
    assert reader.last_events()[1:] == [Usage(3, 2), Finish("tool_calls")]


def test_the_answer_is_over_with_its_last_event():
    reader = MessageReader(TARGET)
    read(ended(), reader=reader)
    assert (reader.finish_reason, reader.done) == ("stop", False)
    read({"type": "message_stop"}, delta(type="text_delta", text="late"), reader=reader)
    assert reader.done


def test_the_end_mark_of_another_format_ends_it_too():
    reader = MessageReader(TARGET)
    assert reader.read([b"[DONE]", b"garbage"]) == []
    assert reader.done


def test_an_error_hides_the_key():
    with pytest.raises(ModelError) as caught:
        read({"type": "error", "error": {"type": "api_error", "message": "sk-very-secret-key is bad"}})
    assert "very-secret" not in str(caught.value)
    assert caught.value.retryable


@pytest.mark.parametrize(
    "event", [delta(type="text_delta", text=5), start(type=3), ended(input_tokens="12"), {"type": []}]
)
def test_a_value_of_the_wrong_type_is_an_error(event):
    with pytest.raises(ModelError) as caught:
        read(event)
    assert caught.value.code == "model_bad_response"
