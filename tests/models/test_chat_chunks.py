"""Chunks of chat completions, as providers really send them, become events."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.errors import ModelError
from hermes_trio.models.chat_chunks import AnswerReader
from hermes_trio.models.events import Finish, ReasoningDelta, ReplayItem, TextDelta, ToolCallDelta, Usage
from hermes_trio.models.target import ModelTarget

TARGET = ModelTarget("custom", "small", "https://models.test/v1", "sk-very-secret-key")


def read(*chunks: object, reader: AnswerReader | None = None):
    return (reader or AnswerReader(TARGET)).read(
        chunk if isinstance(chunk, bytes) else msgspec.json.encode(chunk) for chunk in chunks
    )


def delta(**fields: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": fields}]}


def last(*chunks: object):
    reader = AnswerReader(TARGET)
    read(*chunks, reader=reader)
    return reader.last_events()


def call(**fields: object) -> dict[str, object]:
    return delta(tool_calls=[fields])


def test_text_comes_piece_by_piece():
    assert read(delta(role="assistant", content=""), delta(content="Hel"), delta(content="lo")) == [
        TextDelta("Hel"),
        TextDelta("lo"),
    ]


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_has_two_names(field):
    assert read(delta(**{field: "hm", "content": None})) == [ReasoningDelta("hm")]


def test_reasoning_under_both_names_counts_once():
    assert read(delta(reasoning="hm", reasoning_content="hm")) == [ReasoningDelta("hm")]


def test_content_in_parts_is_text():
    assert read(delta(content=[{"type": "text", "text": "a"}, {"type": "image"}])) == [TextDelta("a")]


def test_a_refusal_is_text():
    assert read(delta(refusal="No.")) == [TextDelta("No.")]


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": None},
        {"choices": []},
        {},
        {"choices": [{"delta": None}]},
        {"choices": [{}]},
        {"choices": [{"delta": {"content": None, "tool_calls": None}, "finish_reason": None, "logprobs": {}}]},
        {
            "x": 1,
            "choices": [{"delta": {"content": "", "annotations": []}, "native_finish_reason": "?"}],
            "error": None,
        },
    ],
)
def test_missing_null_and_unknown_fields_do_no_harm(chunk):
    assert read(chunk) == []


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b"nonsense",
        b"[]",
        b"7",
        b"\xff",
        b'{"choices": 3}',
        b'{"choices": [{"delta": {"content": 5}}]}',
        b'{"usage": {"prompt_tokens": "12"}}',
        b'{"choices": [{"delta": {"tool_calls": [{"index": "0"}]}}]}',
        b'{"choices": [{"finish_reason": 1}]}',
        b'{"error":' + b"[" * 100_000,
    ],
    ids=lambda payload: payload[:40].decode("latin-1"),
)
def test_what_is_no_chunk_is_a_typed_error(payload):
    with pytest.raises(ModelError) as caught:
        read(payload)
    assert caught.value.code == "model_bad_response"
    assert len(str(caught.value)) < 1000


def test_the_error_about_a_broken_chunk_hides_the_key():
    with pytest.raises(ModelError) as caught:
        read(b'{"choices": "sk-very-secret-key"}')
    assert "very-secret" not in str(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "choices",
                        "delta",
                        "content",
                        "usage",
                        "error",
                        "index",
                        "tool_calls",
                        "function",
                        "message",
                        "finish_reason",
                        "object",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_json_comes_is_read_or_refused_in_our_words(value):
    try:
        reader = AnswerReader(TARGET)
        read(value, reader=reader)
        reader.last_events()
    except ModelError:
        pass


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("content_filter", "content_filter"),
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("end_turn", "stop"),
        ("tool_use", "tool_calls"),
        ("SAFETY", "content_filter"),
        ("something_new", "something_new"),
    ],
)
def test_finish_reasons_of_all_providers_mean_the_same(said, meant):
    assert last({"choices": [{"delta": {}, "finish_reason": said}]}) == [Finish(meant)]


def test_without_a_finish_reason_the_answer_has_simply_stopped():
    assert last(delta(content="x"), b"[DONE]") == [Finish("stop")]
    assert last(call(index=0, id="a", function={"name": "f", "arguments": "{}"}), b"[DONE]") == [Finish("tool_calls")]


def test_what_follows_the_end_mark_is_not_looked_at():
    assert read(delta(content="x"), b"[DONE]", b"garbage") == [TextDelta("x")]


def test_usage_of_the_last_chunk():
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    assert last(delta(content="x"), {"choices": [], "usage": usage}) == [Usage(10, 5, 4, 0, 2), Finish("stop")]


def test_usage_in_every_chunk_counts_once_and_the_last_one_wins():
    growing = ({**delta(content="x"), "usage": {"prompt_tokens": 3, "completion_tokens": n}} for n in range(1, 4))
    assert last(*growing) == [Usage(3, 3), Finish("stop")]


def test_null_usage_and_details_do_no_harm():
    usage = {"prompt_tokens": 3, "completion_tokens": None, "prompt_tokens_details": None}
    assert last({"usage": None}, {"usage": usage}, {"usage": None}) == [Usage(3, 0), Finish("stop")]


def test_deepseek_tells_cached_tokens_its_own_way():
    assert last({"usage": {"prompt_tokens": 3, "prompt_cache_hit_tokens": 2}})[0] == Usage(3, 0, 2)


def test_a_tool_call_comes_in_pieces():
    assert read(
        call(index=0, id="a", type="function", function={"name": "ls", "arguments": ""}),
        call(index=0, function={"arguments": '{"x'}),
        call(index=0, function={"arguments": '":1}'}),
    ) == [ToolCallDelta(0, "a", "ls", ""), ToolCallDelta(0, "", "", '{"x'), ToolCallDelta(0, "", "", '":1}')]


def test_parallel_tool_calls_keep_their_places():
    assert read(
        delta(
            tool_calls=[
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "1"}},
                {"index": 1, "id": "b", "function": {"name": "g", "arguments": "2"}},
            ]
        ),
        call(index=0, function={"arguments": "3"}),
    ) == [ToolCallDelta(0, "a", "f", "1"), ToolCallDelta(1, "b", "g", "2"), ToolCallDelta(0, "", "", "3")]


def test_calls_that_are_all_numbered_alike_are_told_apart_by_their_ids():
    assert read(
        call(index=0, id="a", function={"name": "f", "arguments": "1"}),
        call(index=0, id="b", function={"name": "g", "arguments": "2"}),
    ) == [ToolCallDelta(0, "a", "f", "1"), ToolCallDelta(1, "b", "g", "2")]


def test_calls_without_numbers_continue_the_last_one():
    assert read(
        call(id="a", function={"name": "f", "arguments": "1"}),
        call(function={"arguments": "2"}),
        call(id="b", function={"name": "g", "arguments": "3"}),
        call(function={"arguments": "4"}),
    ) == [
        ToolCallDelta(0, "a", "f", "1"),
        ToolCallDelta(0, "", "", "2"),
        ToolCallDelta(1, "b", "g", "3"),
        ToolCallDelta(1, "", "", "4"),
    ]


def test_an_id_that_every_piece_repeats_is_one_call():
    assert [event.index for event in read(*[call(index=0, id="a", function={"name": "f", "arguments": "1"})] * 3)] == [
        0
    ] * 3


def test_calls_whose_numbers_begin_at_one_are_counted_from_zero():
    assert read(call(index=1, id="a", function={"name": "f"}), call(index=1, function={"arguments": "x"})) == [
        ToolCallDelta(0, "a", "f", ""),
        ToolCallDelta(0, "", "", "x"),
    ]


def test_arguments_as_an_object_become_json_text():
    assert read(call(index=0, id="a", function={"name": "f", "arguments": {"x": 1}})) == [
        ToolCallDelta(0, "a", "f", '{"x":1}')
    ]


def test_a_whole_message_is_read_like_a_stream():
    whole = {
        "choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    }
    reader = AnswerReader(TARGET)
    assert read(whole, reader=reader) == [TextDelta("hi")]
    assert reader.last_events() == [Usage(1, 1), Finish("stop")]


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        ({"message": "slow down", "code": 429}, "model_rate_limited", True),
        ({"message": "slow down", "code": "rate_limit_exceeded"}, "model_rate_limited", True),
        ({"message": "no money", "type": "insufficient_quota"}, "model_rate_limited", False),
        ({"message": "busy", "type": "overloaded_error"}, "model_overloaded", True),
        ({"message": "provider broke", "code": 502}, "model_overloaded", True),
        ({"message": "whatever"}, "model_overloaded", True),
        ("just words", "model_overloaded", True),
        ({"message": "bad key", "type": "authentication_error"}, "model_unauthorized", False),
        ({"message": "bad", "type": "invalid_request_error"}, "model_bad_request", False),
        ({"message": "maximum context length is 8192 tokens", "code": 400}, "model_context_length", False),
        ({"message": "too long", "code": "context_length_exceeded"}, "model_context_length", False),
    ],
)
def test_an_error_within_the_stream_is_typed(error, code, retryable):
    with pytest.raises(ModelError) as caught:
        read(delta(content="x"), {"error": error, "choices": [{"delta": {}, "finish_reason": "error"}]})
    assert (caught.value.code, caught.value.retryable) == (code, retryable)


def test_an_answer_that_ends_in_an_error_without_words_broke_off():
    with pytest.raises(ModelError) as caught:
        read({"choices": [{"delta": {"content": ""}, "finish_reason": "error"}]})
    assert (caught.value.code, caught.value.retryable) == ("model_interrupted", True)


def test_an_error_object_without_the_error_key_is_one_too():
    with pytest.raises(ModelError, match="slow down") as caught:
        read({"object": "error", "message": "slow down", "code": 429})
    assert caught.value.code == "model_rate_limited"


# Calls


def test_whole_calls_without_ids_and_numbers_are_told_apart():
    events = read(
        delta(
            tool_calls=[
                {"function": {"name": "f", "arguments": '{"x":1}'}},
                {"function": {"name": "f", "arguments": {"x": 2}}},
            ]
        )
    )
    assert [(event.index, event.name, event.arguments) for event in events] == [
        (0, "f", '{"x":1}'),
        (1, "f", '{"x":2}'),
    ]
    assert events[0].id != events[1].id


def test_a_name_that_every_piece_repeats_is_one_call():
    pieces = [call(index=0, function={"name": "f", "arguments": text}) for text in ('{"x', '":', "1}")]
    assert [(event.index, event.arguments) for event in read(*pieces)] == [(0, '{"x'), (0, '":'), (0, "1}")]


def test_calls_in_an_answer_that_claims_to_have_stopped_count():
    answer = call(index=0, id="a", function={"name": "f", "arguments": "{}"})
    assert last(answer, {"choices": [{"delta": {}, "finish_reason": "stop"}]}) == [Finish("tool_calls")]
    assert last(answer, {"choices": [{"delta": {}, "finish_reason": "length"}]}) == [Finish("length")]


# What goes back


def replayed(*chunks: object, host: str = "models.test") -> dict[str, object]:
    reader = AnswerReader(ModelTarget("custom", "m", f"https://{host}/v1"))
    read(*chunks, reader=reader)
    items = [event for event in reader.last_events() if isinstance(event, ReplayItem)]
    assert len(items) <= 1
    return json.loads(items[0].data) if items else {}


CALL = call(index=0, id="a", function={"name": "f", "arguments": "{}"})


def test_the_signature_of_a_call_goes_back():
    signed = {"index": 0, "id": "a", "function": {"name": "f"}, "extra_content": {"google": {"thought_signature": "s"}}}
    assert replayed(call(**signed)) == {"tool_calls": {"a": {"google": {"thought_signature": "s"}}}}


def test_reasoning_goes_back_to_those_who_want_it():
    thought = (delta(reasoning_content="I "), delta(reasoning_content="see."))
    assert replayed(*thought, CALL, host="api.deepseek.com") == {"reasoning_content": "I see."}
    assert replayed(*thought, CALL) == {}
    assert replayed(*thought, host="api.deepseek.com") == {}


def test_details_of_reasoning_are_put_together_and_go_back():
    def detail(**fields: object) -> dict[str, object]:
        return delta(reasoning_details=[fields])

    assert replayed(
        detail(type="reasoning.text", index=0, text="I "),
        detail(type="reasoning.text", index=0, text="see.", signature=None),
        detail(type="reasoning.text", index=0, signature="s"),
        detail(type="reasoning.encrypted", index=1, data="e"),
        CALL,
    ) == {
        "reasoning_details": [
            {"type": "reasoning.text", "index": 0, "text": "I see.", "signature": "s"},
            {"type": "reasoning.encrypted", "index": 1, "data": "e"},
        ]
    }


@pytest.mark.parametrize("odd", [None, 5, "x", {"a": 1}, [5], [[]]])
def test_odd_details_do_not_spoil_the_answer(odd):
    chunk = {"choices": [{"delta": {"content": "Hi", "reasoning_details": odd}}]}
    assert read(chunk) == [TextDelta("Hi")]
    assert replayed(chunk, CALL) == {}


@pytest.mark.parametrize("odd", [None, 5, "x"])
def test_odd_extra_content_does_not_spoil_the_answer(odd):
    odd_call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}, "extra_content": odd}
    assert len(read(call(**odd_call))) == 1
    replayed(call(**odd_call))
