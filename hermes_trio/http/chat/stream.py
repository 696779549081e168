"""The server-sent events of a streamed chat completion: pure functions from turn events to bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hermes_trio.http.errors import error_answer
from hermes_trio.models.events import TextDelta
from hermes_trio.turns.events import ToolFinished, ToolStarted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.errors import HermesTrioError
    from hermes_trio.models.events import Usage
    from hermes_trio.turns.events import TurnEvent
    from hermes_trio.turns.turn import TurnResult

DONE = b"data: [DONE]\n\n"

_encode = msgspec.json.Encoder().encode


def usage_object(usage: Usage) -> dict[str, int]:
    """Token counts under the names of the OpenAI API."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _tool_progress(event: ToolStarted | ToolFinished) -> bytes:
    """An event of our own name; OpenAI's SDKs take it for a chunk all the same, so it has the choices of one: none."""
    body: dict[str, object] = {"tool": event.tool, "toolCallId": event.call_id}
    if isinstance(event, ToolStarted):
        body |= {"emoji": "", "label": event.label, "status": "running"}
    else:
        body |= {"status": "completed"}
    return b"event: hermes.tool.progress\ndata: " + _encode({**body, "choices": ()}) + b"\n\n"


class ChunkEncoder:
    """Encodes the chunks of one completion; what they have in common is encoded once.

    Args:
        completion_id: ``chatcmpl-...``
        created: Seconds since the epoch.
        model: The model name that the client is told.
    """

    def __init__(self, completion_id: str, created: int, model: str) -> None:
        head = {"id": completion_id, "object": "chat.completion.chunk", "created": created, "model": model}
        self._head = b"data: " + _encode(head)[:-1]
        self._text_head = self._head + b',"choices":[{"index":0,"delta":{"content":'
        self._text_tail = b'},"finish_reason":null}]}\n\n'
        self._after_tools = False

    def opening(self) -> bytes:
        """The first chunk, which names the role."""
        return self._chunk({"role": "assistant"}, None)

    def events(self, events: Sequence[TurnEvent]) -> bytes:
        """One chunk for each piece of text and one event for each step of a tool, in one piece of bytes."""
        head, tail = self._text_head, self._text_tail
        pieces: list[bytes] = []
        for event in events:
            if type(event) is TextDelta:
                text = "\n\n" + event.text if self._after_tools else event.text
                self._after_tools = False
                pieces.append(head + _encode(text) + tail)
            elif type(event) is ToolStarted or type(event) is ToolFinished:
                self._after_tools = True
                pieces.append(_tool_progress(event))
        return b"".join(pieces)

    def closing(self, result: TurnResult) -> bytes:
        """The last chunk, always with the usage, and the end mark."""
        return self._chunk({}, result.finish_reason, usage_object(result.usage)) + DONE

    def failure(self, error: HermesTrioError) -> bytes:
        """An error after text has been sent: clients of the OpenAI API raise it."""
        return b"data: " + error_answer(error).body + b"\n\n"

    def _chunk(self, delta: dict[str, str], finish_reason: str | None, usage: dict[str, int] | None = None) -> bytes:
        rest: dict[str, object] = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}
        if usage is not None:
            rest["usage"] = usage
        return self._head + b"," + _encode(rest)[1:] + b"\n\n"
