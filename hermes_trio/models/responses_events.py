"""The JSON of OpenAI's responses, streamed and whole, turned into events; pure.

The format is that of OpenAI's API reference, "Streaming events" of the Responses API: output items are added one after
the other, grow by deltas, and are done; the last event holds the whole response. Read tolerantly: servers that imitate
it leave out deltas, or the events of items, or send everything with the last event only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.models.answer_calls import AnswerCall, AnswerCalls
from hermes_trio.models.events import Finish, ReasoningDelta, ReplayItem, TextDelta, Usage
from hermes_trio.models.failures import bad_response, error_from_object
from hermes_trio.models.providers import RESPONSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hermes_trio.models.events import ModelEvent
    from hermes_trio.models.target import ModelTarget

_REASONS: Final[Mapping[str, str]] = {"max_output_tokens": "length", "max_tokens": "length"}


class _InputDetails(msgspec.Struct, gc=False):
    cached_tokens: int | None = None


class _OutputDetails(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct, gc=False):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


class _Part(msgspec.Struct, gc=False):
    text: str | None = None
    refusal: str | None = None


class _Item(msgspec.Struct, gc=False):
    type: str = ""
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    content: list[_Part] | None = None
    summary: list[_Part] | None = None
    encrypted_content: str | None = None


class _Incomplete(msgspec.Struct, gc=False):
    reason: str | None = None


class _Response(msgspec.Struct, gc=False):
    status: str | None = None
    output: list[_Item] | None = None
    usage: _Usage | None = None
    error: object = None
    incomplete_details: _Incomplete | None = None


class _Event(msgspec.Struct, gc=False):
    """An event, or a whole response: the fields of both."""

    type: str = ""
    delta: str | None = None
    item_id: str | None = None
    output_index: int | None = None
    summary_index: int | None = None
    item: _Item | None = None
    arguments: str | None = None
    response: _Response | None = None
    error: object = None
    kind: str | None = msgspec.field(default=None, name="object")
    status: str | None = None
    output: list[_Item] | None = None
    usage: _Usage | None = None
    incomplete_details: _Incomplete | None = None


@dataclass(slots=True)
class _Place:
    """What came of one output item so far."""

    call: AnswerCall | None = None
    text: bool = False
    reasoning: bool = False
    done: bool = False


_decode = msgspec.json.Decoder(_Event).decode
_encode = msgspec.json.Encoder().encode


class ResponseReader:
    """Reads one answer; see `hermes_trio.models.wire.Reader`."""

    def __init__(self, target: ModelTarget, hide: Sequence[str] = ()) -> None:
        self._target = target
        self._hide = hide
        self._usage: _Usage | None = None
        self._calls = AnswerCalls()
        self._places: dict[int | str | None, _Place] = {}
        self._thoughts: list[dict[str, object]] = []
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
            self._take(self._decode(payload), payload, events)
        return events

    def last_events(self) -> list[ModelEvent]:
        """See `Reader.last_events`."""
        events: list[ModelEvent] = [*self._calls.missing_arguments()]
        if self._calls.calls and self._thoughts:
            events.append(ReplayItem(RESPONSES, _encode(self._thoughts)))
        if self._usage is not None:
            events.append(_read_usage(self._usage))
        default = "tool_calls" if self._calls.calls else "stop"
        events.append(Finish(default if self.finish_reason in ("", "stop") else self.finish_reason))
        return events

    def _decode(self, payload: bytes) -> _Event:
        try:
            return _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            found = f"{exc} in {payload[:200].decode('utf-8', 'replace')}"
            raise bad_response(self._target, "the provider sent what is no response", found, self._hide) from exc

    def _take(self, event: _Event, payload: bytes, events: list[ModelEvent]) -> None:
        match event.type:
            case "response.output_text.delta" | "response.refusal.delta" if event.delta:
                self._place(event).text = True
                events.append(TextDelta(event.delta))
            case "response.function_call_arguments.delta" if event.delta:
                self._add_arguments(self._place(event), event.delta, events)
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" if event.delta:
                self._place(event).reasoning = True
                events.append(ReasoningDelta(event.delta))
            case "response.reasoning_summary_part.added" if event.summary_index:
                events.append(ReasoningDelta("\n\n"))
            case _:
                self._take_rare(event, payload, events)

    def _take_rare(self, event: _Event, payload: bytes, events: list[ModelEvent]) -> None:
        """Beginnings, ends and errors."""
        match event.type:
            case "response.function_call_arguments.done":
                self._end_arguments(self._place(event), event.arguments, events)
            case "response.output_item.added" if event.item is not None:
                self._begin_item(self._place(event), event.item, events)
            case "response.output_item.done" if event.item is not None:
                self._end_item(self._place(event), event.item, events)
            case "response.completed" | "response.done" | "response.incomplete" | "response.failed":
                self._take_last(event.response or _Response(), event.type, events)
            case "" if event.kind == "response":
                whole = _Response(event.status, event.output, event.usage, event.error, event.incomplete_details)
                self._take_last(whole, "", events)
            case _ if event.type == "error" or event.error:
                raise error_from_object(self._target, event.error or msgspec.json.decode(payload), self._hide)

    def _place(self, event: _Event) -> _Place:
        """Where an event's item is kept: by its number, which all events should have, or by its id."""
        key: int | str | None = event.output_index
        if key is None:
            key = event.item_id or (event.item.id if event.item else None)
        return self._places.setdefault(key, _Place())

    def _begin_item(self, place: _Place, item: _Item, events: list[ModelEvent]) -> None:
        if item.type == "function_call" and place.call is None:
            place.call, delta = self._calls.begin(item.call_id or item.id or "", item.name or "", item.arguments or "")
            events.append(delta)

    def _add_arguments(self, place: _Place, arguments: str, events: list[ModelEvent]) -> None:
        if place.call is not None:
            events.append(self._calls.add(place.call, arguments))

    def _end_arguments(self, place: _Place, whole: str | None, events: list[ModelEvent]) -> None:
        """The whole arguments, for servers that send no deltas, or not all of them."""
        if place.call is None or not whole:
            return
        so_far = "".join(place.call.pieces)
        if whole != so_far and whole.startswith(so_far):
            self._add_arguments(place, whole[len(so_far) :], events)

    def _end_item(self, place: _Place, item: _Item, events: list[ModelEvent]) -> None:
        """A whole item: hand out what its deltas did not bring."""
        if place.done:
            return
        place.done = True
        match item.type:
            case "function_call":
                self._begin_item(place, item, events)
                self._end_arguments(place, item.arguments, events)
            case "message" if not place.text:
                texts = (part.text or part.refusal for part in item.content or ())
                events.extend(TextDelta(text) for text in texts if text)
            case "reasoning":
                summary = [part.text for part in item.summary or () if part.text]
                if summary and not place.reasoning:
                    events.append(ReasoningDelta("\n\n".join(summary)))
                self._keep_thought(item, summary)

    def _keep_thought(self, item: _Item, summary: list[str]) -> None:
        if item.encrypted_content:
            parts = [{"type": "summary_text", "text": text} for text in summary]
            self._thoughts.append({"type": "reasoning", "summary": parts, "encrypted_content": item.encrypted_content})

    def _take_last(self, response: _Response, kind: str, events: list[ModelEvent]) -> None:
        if response.error or kind == "response.failed" or response.status == "failed":
            error = response.error or {"message": "the response failed"}
            raise error_from_object(self._target, error, self._hide)
        if not self._places:
            for index, item in enumerate(response.output or ()):
                self._end_item(self._places.setdefault(index, _Place()), item, events)
        elif not self._calls.calls:  # some servers stream the text, and keep the calls until the end
            for item in response.output or ():
                if item.type == "function_call":
                    self._end_item(_Place(), item, events)
        if response.usage is not None:
            self._usage = response.usage
        self.finish_reason = "stop"
        if kind == "response.incomplete" or response.status == "incomplete":
            said = (response.incomplete_details and response.incomplete_details.reason) or "length"
            self.finish_reason = _REASONS.get(said, said)
        self.done = True


def _read_usage(usage: _Usage) -> Usage:
    return Usage(
        input_tokens=usage.input_tokens or 0,
        output_tokens=usage.output_tokens or 0,
        cache_read_tokens=(usage.input_tokens_details and usage.input_tokens_details.cached_tokens) or 0,
        reasoning_tokens=(usage.output_tokens_details and usage.output_tokens_details.reasoning_tokens) or 0,
    )
