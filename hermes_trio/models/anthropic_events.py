"""The JSON of Anthropic's messages, streamed and whole, turned into events; pure.

The format is that of Anthropic's "Streaming messages": a message begins, its content blocks come one after the other
in pieces, the message ends. Read tolerantly, as other vendors and proxies speak it: events of unknown kinds are passed
over, and what may be missing may be null. A value of the wrong type is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.models.answer_calls import AnswerCall, AnswerCalls
from hermes_trio.models.events import Finish, ReasoningDelta, ReplayItem, TextDelta, Usage
from hermes_trio.models.failures import bad_response, error_from_object
from hermes_trio.models.providers import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hermes_trio.models.events import ModelEvent
    from hermes_trio.models.target import ModelTarget

#: Anthropic's "Handling stop reasons".
_STOP_REASONS: Final[Mapping[str, str]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


class _Usage(msgspec.Struct, gc=False):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"")


class _Delta(msgspec.Struct, gc=False):
    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class _Message(msgspec.Struct, gc=False):
    usage: _Usage | None = None
    content: list[_Block] | None = None
    stop_reason: str | None = None


class _Event(msgspec.Struct, gc=False):
    """An event, or a whole message: the fields of both."""

    type: str = ""
    index: int | None = None
    delta: _Delta | None = None
    content_block: _Block | None = None
    message: _Message | str | None = None  # a text in errors of some proxies
    usage: _Usage | None = None
    error: object = None
    content: list[_Block] | None = None
    stop_reason: str | None = None


class _Thought(msgspec.Struct):
    """A block of thinking, as it is sent back."""

    type: str
    thinking: list[str]
    signature: str = ""
    data: str = ""

    def wire(self) -> dict[str, str]:
        if self.type == "redacted_thinking":
            return {"type": self.type, "data": self.data}
        return {"type": self.type, "thinking": "".join(self.thinking), "signature": self.signature}


_decode = msgspec.json.Decoder(_Event).decode
_encode = msgspec.json.Encoder().encode


class MessageReader:
    """Reads one answer; see `hermes_trio.models.wire.Reader`."""

    def __init__(self, target: ModelTarget, hide: Sequence[str] = ()) -> None:
        self._target = target
        self._hide = hide
        self._usage: _Usage | None = None
        self._calls = AnswerCalls()
        self._open_calls: dict[int | None, AnswerCall] = {}  # by the number of their block
        self._whole_inputs: dict[int, str] = {}  # arguments that came whole, by the number of the call
        self._thoughts: list[_Thought] = []
        self.finish_reason = ""
        self.done = False

    def read(self, payloads: Iterable[bytes]) -> list[ModelEvent]:
        """See `Reader.read`."""
        events: list[ModelEvent] = []
        for payload in payloads:
            if self.done:
                break
            if payload.startswith(b"[DONE]"):
                self.done = True
                break
            self._take(self._decode(payload), events)
        return events

    def last_events(self) -> list[ModelEvent]:
        """See `Reader.last_events`."""
        events: list[ModelEvent] = []
        self._end_calls(events)
        if self._calls.calls:
            events += self._replay()
        if self._usage is not None:
            events.append(_read_usage(self._usage))
        default = "tool_calls" if self._calls.calls else "stop"
        reason = self.finish_reason or default
        events.append(Finish(default if reason == "stop" else reason))
        return events

    def _decode(self, payload: bytes) -> _Event:
        try:
            event = _decode(payload)
            if event.type == "error" or event.error:
                error = event.error or msgspec.json.decode(payload)
                raise error_from_object(self._target, error, self._hide)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            found = f"{exc} in {payload[:200].decode('utf-8', 'replace')}"
            raise bad_response(self._target, "the provider sent what is no message", found, self._hide) from exc
        return event

    def _take(self, event: _Event, events: list[ModelEvent]) -> None:
        match event.type:
            case "content_block_delta" if event.delta is not None:
                self._take_delta(event.index, event.delta, events)
            case "content_block_start" if event.content_block is not None:
                self._begin_block(event.index, event.content_block, events)
            case "content_block_stop" if (call := self._open_calls.pop(event.index, None)) is not None:
                self._end_call(call, events)
            case "message_start" if isinstance(event.message, _Message):
                self._note_usage(event.message.usage)
            case "message_delta":
                self._note_usage(event.usage)
                self._note_reason(event.delta.stop_reason if event.delta else None)
            case "message_stop":
                self.done = True
            case "message":
                self._take_whole(event, events)

    def _take_delta(self, index: int | None, delta: _Delta, events: list[ModelEvent]) -> None:
        if delta.text:
            events.append(TextDelta(delta.text))
        if delta.thinking:
            events.append(ReasoningDelta(delta.thinking))
            self._thought().thinking.append(delta.thinking)
        if delta.signature:
            self._thought().signature += delta.signature
        if delta.partial_json:
            call = self._open_calls.get(index)
            if call is not None:  # else the provider itself runs the tool
                events.append(self._calls.add(call, delta.partial_json))

    def _begin_block(self, index: int | None, block: _Block, events: list[ModelEvent]) -> None:
        match block.type:
            case "text" if block.text:
                events.append(TextDelta(block.text))
            case "thinking":
                self._thoughts.append(_Thought(block.type, [block.thinking or ""], block.signature or ""))
                if block.thinking:
                    events.append(ReasoningDelta(block.thinking))
            case "redacted_thinking":
                self._thoughts.append(_Thought(block.type, [], data=block.data or ""))
            case "tool_use":
                call, delta = self._calls.begin(block.id or "", block.name or "", "")
                self._open_calls[index] = call
                self._whole_inputs[call.index] = bytes(block.input).decode("utf-8", "replace")
                events.append(delta)

    def _end_call(self, call: AnswerCall, events: list[ModelEvent]) -> None:
        """A call whose arguments came whole, or not at all, gets them once its block has ended."""
        if not call.has_arguments:
            whole = self._whole_inputs.get(call.index, "")
            events.append(self._calls.add(call, whole if whole not in ("", "null") else "{}"))

    def _end_calls(self, events: list[ModelEvent]) -> None:
        for call in self._open_calls.values():
            self._end_call(call, events)
        self._open_calls.clear()

    def _take_whole(self, message: _Event, events: list[ModelEvent]) -> None:
        for index, block in enumerate(message.content or ()):
            self._begin_block(index, block, events)
        self._end_calls(events)
        self._note_usage(message.usage)
        self._note_reason(message.stop_reason or "end_turn")

    def _thought(self) -> _Thought:
        """The block of thinking that is under way."""
        if not self._thoughts:
            self._thoughts.append(_Thought("thinking", []))
        return self._thoughts[-1]

    def _replay(self) -> list[ReplayItem]:
        """Signed thinking must come back together with the tool calls it led to; unsigned is not accepted."""
        blocks = [thought.wire() for thought in self._thoughts if thought.signature or thought.data]
        return [ReplayItem(MESSAGES, _encode(blocks))] if blocks else []

    def _note_reason(self, reason: str | None) -> None:
        if reason:
            self.finish_reason = _STOP_REASONS.get(reason.lower(), reason.lower())

    def _note_usage(self, usage: _Usage | None) -> None:
        """Counts are cumulative, and not all of them come each time; proxies send zeros for what they leave out."""
        if usage is None:
            return
        before = self._usage or _Usage()
        self._usage = _Usage(
            *(max(getattr(before, name) or 0, getattr(usage, name) or 0) for name in _Usage.__struct_fields__)
        )


def _read_usage(usage: _Usage) -> Usage:
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    return Usage(
        input_tokens=(usage.input_tokens or 0) + read + written,
        output_tokens=usage.output_tokens or 0,
        cache_read_tokens=read,
        cache_write_tokens=written,
    )
