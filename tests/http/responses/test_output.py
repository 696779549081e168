"""Turn events as the items and the server-sent events of a response."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from hermes_trio.errors import ModelError
from hermes_trio.http.responses.objects import FinishedResponse, ResponseObject, response_usage
from hermes_trio.http.responses.output import Begun, ResponseOutput, changes_of
from hermes_trio.http.responses.stream import ResponseEncoder
from hermes_trio.models.events import ReasoningDelta, TextDelta, Usage
from hermes_trio.turns.events import QuestionClosed, ToolFinished, ToolStarted, UsageReported

DRAFT = ResponseObject(id="resp_1", created_at=7, model="ada")
EVENTS = TypeAdapter(ResponseStreamEvent)


def started(call_id="c1", tool="todo"):
    return ToolStarted(call_id, tool, "{}", arguments='{"a":1}')


def finished(call_id="c1", tool="todo"):
    return ToolFinished(call_id, tool, failed=False, output="done")


def gather(*events, answer=""):
    output = ResponseOutput()
    return output, output.take(events) + output.finish(answer)


def decode(data: bytes) -> list[dict]:
    """The events of a stream; each must be framed as its type says and be one that the SDK knows."""
    decoded = []
    for frame in data.decode().split("\n\n")[:-1]:
        name, body = frame.split("\n")
        decoded.append(json.loads(body.removeprefix("data: ")))
        assert name == f"event: {decoded[-1]['type']}"
        EVENTS.validate_python(_with_a_known_code(decoded[-1]))
    return decoded


def _with_a_known_code(event: dict) -> dict:
    """The SDK's types list OpenAI's own codes; it takes any other as well, but does not say so."""
    error = event.get("response", {}).get("error")
    if error is None:
        return event
    return {**event, "response": {**event["response"], "error": {**error, "code": "server_error"}}}


def stream(*events, answer="", draft=DRAFT):
    output, changes = gather(*events, answer=answer)
    encoder = ResponseEncoder(draft, lambda: output.items)
    whole = msgspec.structs.replace(draft, status="completed", output=output.items, usage=response_usage(Usage(3, 2)))
    data = encoder.opening() + encoder.events([Begun(draft), *changes])
    return decode(data + encoder.closing(FinishedResponse(whole, "s")))


def test_a_plain_answer_is_told_by_these_events():
    events = stream(TextDelta("Hel"), TextDelta("lo"))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert events[0]["response"]["status"] == "in_progress"
    item_id = events[2]["item"]["id"]
    assert item_id.startswith("msg_")
    assert len(item_id) == len("msg_") + 24
    assert events[4] == {
        "type": "response.output_text.delta",
        "item_id": item_id,
        "output_index": 0,
        "content_index": 0,
        "logprobs": [],
        "delta": "Hel",
        "sequence_number": 4,
    }
    assert events[6]["text"] == "Hello"
    assert events[-1]["response"]["output"] == [events[-2]["item"]]


def test_the_use_of_a_tool_is_told_by_a_call_and_its_output():
    events = stream(TextDelta("Wait."), started(), finished(), TextDelta("Done."))
    told = [(event["type"].removeprefix("response."), event.get("output_index")) for event in events]
    assert told[7:] == [
        ("output_item.done", 0),
        ("output_item.added", 1),
        ("function_call_arguments.done", 1),
        ("output_item.done", 1),
        ("output_item.added", 2),
        ("output_item.done", 2),
        ("output_item.added", 3),
        ("content_part.added", 3),
        ("output_text.delta", 3),
        ("output_text.done", 3),
        ("content_part.done", 3),
        ("output_item.done", 3),
        ("completed", None),
    ]
    said, call, output, answer = events[-1]["response"]["output"]
    assert (said["phase"], answer["phase"]) == ("commentary", "final_answer")
    assert (call["name"], call["arguments"], call["call_id"]) == ("todo", '{"a":1}', "c1")
    assert (output["call_id"], output["output"]) == ("c1", [{"type": "input_text", "text": "done"}])
    assert call["id"].startswith("fc_")
    assert output["id"].startswith("fco_")


def test_what_the_format_cannot_show_is_left_out():
    output = ResponseOutput()
    assert output.take([ReasoningDelta("hm"), UsageReported(Usage(1, 2), "echo"), QuestionClosed("q1")]) == []


def test_an_answer_that_did_not_come_in_pieces_is_told_in_one():
    output, _ = gather(started(), finished(), answer="Done.")
    assert output.items[-1].text == "Done."


def test_an_empty_answer_is_a_message_without_text():
    (item,) = gather()[0].items
    assert (item.status, item.text) == ("completed", "")


def test_calls_that_a_model_numbers_anew_in_each_step_get_ids_of_their_own():
    output, _ = gather(started(), finished(), started(), finished(), started(), finished())
    assert [item.call_id for item in output.items[:-1]] == ["c1", "c1", "c1_2", "c1_2", "c1_3", "c1_3"]


@pytest.mark.parametrize("order", ["AaBb", "ABab", "ABba", "ABbCac"])
def test_every_result_stays_with_its_call_whatever_the_order(order):
    events = [started(one) if one.isupper() else finished(one.upper()) for one in order]
    calls = []
    for message in gather(*events, answer="x")[0].messages(0.0)[:-1]:
        if message.role == "assistant":
            calls = [call.id for call in message.tool_calls]
        else:
            assert message.tool_call_id in calls
            calls.remove(message.tool_call_id)
    assert calls == []


def test_a_failure_is_told_with_what_there_is():
    output = ResponseOutput()
    changes = output.take([started(), finished(), TextDelta("Half an ans")])
    encoder = ResponseEncoder(DRAFT, lambda: output.items)
    events = decode(encoder.events([Begun(DRAFT), *changes]))
    *rest, last = decode(encoder.failure(ModelError("broke off", code="model_interrupted")))
    assert rest == []
    assert last["sequence_number"] == len(events)
    assert last["type"] == "response.failed"
    assert last["response"]["status"] == "failed"
    assert last["response"]["error"]["code"] == "model_interrupted"
    assert "broke off" in last["response"]["error"]["message"]
    assert [item["status"] for item in last["response"]["output"]] == ["completed", "completed", "incomplete"]
    assert last["response"]["output"][-1]["content"][0]["text"] == "Half an ans"


def test_a_failure_before_everything_else_still_begins():
    encoder = ResponseEncoder(DRAFT, tuple)
    types = [event["type"] for event in decode(encoder.failure(ModelError("no", code="model_timeout")))]
    assert types == ["response.created", "response.in_progress", "response.failed"]


def test_an_answer_that_was_cut_off_ends_incomplete():
    whole = msgspec.structs.replace(DRAFT, status="incomplete")
    (event,) = decode(ResponseEncoder(DRAFT, tuple).closing(FinishedResponse(whole, "s")))
    assert event["type"] == "response.incomplete"


@given(
    st.lists(st.sampled_from([TextDelta("a "), TextDelta("b"), started(), finished(), started("c2"), finished("c2")]))
)
def test_a_response_is_told_the_same_afterwards(events):
    output, changes = gather(*events, answer="x")
    again = changes_of(output.items)

    def told(all_changes):
        encoder = ResponseEncoder(DRAFT, tuple)
        kept = [event for event in decode(encoder.events(all_changes)) if "delta" not in event]
        return [{name: value for name, value in event.items() if name != "sequence_number"} for event in kept]

    assert told(again) == told(changes)


def test_the_object_is_one_that_the_sdk_knows():
    output, _ = gather(TextDelta("Wait."), started(), finished(), TextDelta("Done."))
    whole = msgspec.structs.replace(DRAFT, status="completed", output=output.items, usage=response_usage(Usage(3, 2)))
    known = Response.model_validate_json(msgspec.json.encode(whole), strict=False)
    assert known.output_text == "Wait.Done."
    assert known.usage.total_tokens == 5
