"""Turn events as the chunks of a streamed completion."""

from __future__ import annotations

import json

from hermes_trio.http.chat.stream import ChunkEncoder
from hermes_trio.models.events import ReasoningDelta, TextDelta, Usage
from hermes_trio.turns.events import QuestionAsked, QuestionClosed, ToolFinished, ToolStarted, UsageReported


def encode(*events: object) -> list[str]:
    """What is sent for events that came together, event by event."""
    return ChunkEncoder("chatcmpl-1", 7, "ada").events(events).decode().split("\n\n")[:-1]


def test_text_is_sent_piece_by_piece():
    chunks = [json.loads(chunk.removeprefix("data: ")) for chunk in encode(TextDelta("Hel"), TextDelta("lo"))]
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [{"content": "Hel"}, {"content": "lo"}]


def test_text_after_tools_begins_with_an_empty_line():
    *_, last = encode(ToolStarted("c1", "todo", "{}"), ToolFinished("c1", "todo", failed=False), TextDelta("Done."))
    assert json.loads(last.removeprefix("data: "))["choices"][0]["delta"] == {"content": "\n\nDone."}


def test_a_tool_is_told_by_events_that_are_chunks_without_choices():
    events = encode(ToolStarted("c1", "todo", "{}"), ToolFinished("c1", "todo", failed=False))
    assert {event.split("\n")[0] for event in events} == {"event: hermes.tool.progress"}
    begun, ended = (json.loads(event.split("data: ")[1]) for event in events)
    same = {"tool": "todo", "toolCallId": "c1", "choices": []}
    assert begun == {**same, "emoji": "", "label": "{}", "status": "running"}
    assert ended == {**same, "status": "completed"}


def test_what_the_format_cannot_show_is_left_out():
    usage = UsageReported(Usage(1, 2), "echo")
    asked = QuestionAsked("q1", "Which?", (), 60.0)
    assert encode(ReasoningDelta("hm"), usage, asked, QuestionClosed("q1")) == []
