"""The JSON of chat completions, streamed and whole, turned into events; pure.

The format is OpenAI's ("Create chat completion" in its API reference), read tolerantly: providers send null for what
is missing, leave fields out, add their own, repeat the usage in every chunk, number tool calls wrongly or not at all,
and call the reasoning ``reasoning_content`` (DeepSeek) or ``reasoning`` (OpenRouter). A value of the wrong type is an
error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.models.answer_calls import AnswerCall, AnswerCalls
from hermes_trio.models.chat_replay import ReplayKeeper
from hermes_trio.models.events import Finish, ReasoningDelta, TextDelta, ToolCallDelta, Usage
from hermes_trio.models.failures import bad_response, error_from_object, interrupted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hermes_trio.models.events import ModelEvent
    from hermes_trio.models.target import ModelTarget

DONE: Final = b"[DONE]"

#: What providers call the reasons of OpenAI's format.
_FINISH_REASONS: Final[Mapping[str, str]] = {
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
    "safety": "content_filter",
    "refusal": "content_filter",
}


_NOTHING: Final = msgspec.Raw(b"")


class _PromptDetails(msgspec.Struct, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _CompletionDetails(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None  # DeepSeek


class _Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | dict[str, object] | None = None


class _ToolCall(msgspec.Struct, gc=False):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None
    extra_content: msgspec.Raw = _NOTHING  # Gemini's signature of what it thought


class _Part(msgspec.Struct, gc=False):
    text: str | None = None


class _Message(msgspec.Struct, gc=False):
    content: str | list[_Part] | None = None
    reasoning_content: str | None = None
    reasoning: str | dict[str, object] | None = None
    reasoning_details: msgspec.Raw = _NOTHING  # OpenRouter
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct, gc=False):
    delta: _Message | None = None
    message: _Message | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: object = None
    kind: str | None = msgspec.field(default=None, name="object")


_decode = msgspec.json.Decoder(_Chunk).decode
_encode = msgspec.json.Encoder().encode


class AnswerReader:
    """Reads one answer, chunk by chunk.

    Attributes:
        finish_reason: Why the model stopped, once it said so; empty before.
        done: Whether the end mark came.
    """

    def __init__(self, target: ModelTarget, hide: Sequence[str] = ()) -> None:
        self._target = target
        self._hide = hide
        self._usage: _Usage | None = None
        self._calls = AnswerCalls()
        self._places: dict[int | None, AnswerCall] = {}  # by the provider's number of a call
        self._replay = ReplayKeeper(target)
        self.finish_reason = ""
        self.done = False

    def read(self, payloads: Iterable[bytes]) -> list[ModelEvent]:
        """The events in the payloads of some chunks; what comes after the end mark is not looked at.

        Raises:
            ModelError: ``model_bad_response`` for what is no chunk; what the provider says if it is an error.
        """
        events: list[ModelEvent] = []
        for payload in payloads:
            if self.done:
                break
            if payload.startswith(DONE):
                self.done = True
                break
            self._take(payload, events)
        return events

    def last_events(self) -> list[ModelEvent]:
        """What ends the answer: what is to be sent back, the usage, if the provider told it, and the reason."""
        events: list[ModelEvent] = [*self._calls.missing_arguments()]
        if self._calls.calls:
            events += self._replay.items()
        if self._usage is not None:
            events.append(_read_usage(self._usage))
        events.append(Finish(self._finish_reason()))
        return events

    def _finish_reason(self) -> str:
        """The reason; some providers say that the answer stopped where it is in truth interrupted by tool calls."""
        if self._calls.calls and self.finish_reason in ("", "stop"):
            return "tool_calls"
        return self.finish_reason or "stop"

    def _take(self, payload: bytes, events: list[ModelEvent]) -> None:
        try:
            chunk = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            found = f"{exc} in {payload[:200].decode('utf-8', 'replace')}"
            raise bad_response(self._target, "the provider sent what is no chat completion", found, self._hide) from exc
        if chunk.choices:
            self._take_choice(chunk.choices[0], events)
        if chunk.usage is not None:
            self._usage = chunk.usage
        if chunk.error or chunk.kind == "error":
            error = chunk.error or msgspec.json.decode(payload)
            raise error_from_object(self._target, error, self._hide)
        if self.finish_reason == "error":
            raise interrupted(self._target, "the provider gave up in the middle of the answer")

    def _take_choice(self, choice: _Choice, events: list[ModelEvent]) -> None:
        message = choice.delta or choice.message
        if message is not None:
            reasoning = message.reasoning_content or message.reasoning
            if reasoning and isinstance(reasoning, str):
                events.append(ReasoningDelta(reasoning))
                self._replay.add_text(reasoning)
            if message.reasoning_details is not _NOTHING:
                self._replay.add_details(message.reasoning_details)
            if content := message.content or message.refusal:
                events.extend(_read_content(content))
            if message.tool_calls:
                events.extend(self._read_call(call) for call in message.tool_calls)
        if choice.finish_reason:
            reason = choice.finish_reason.lower()
            self.finish_reason = _FINISH_REASONS.get(reason, reason)

    def _read_call(self, said: _ToolCall) -> ToolCallDelta:
        """One piece of a tool call."""
        function = said.function or _Function()
        given = function.arguments or ""
        arguments = given if isinstance(given, str) else _encode(given).decode()
        call = self._places.get(said.index)
        if call is None or _begins_anew(call, said, function):
            call, delta = self._calls.begin(said.id or "", function.name or "", arguments)
            self._places[said.index] = call
        else:
            delta = self._calls.add(call, arguments)
        if said.extra_content is not _NOTHING:
            self._replay.add_extra(call.id, said.extra_content)
        return delta


def _begins_anew(call: AnswerCall, said: _ToolCall, function: _Function) -> bool:
    """Whether a piece begins a further call although its number is that of ``call``.

    Some providers number all calls alike, or not at all: a new id, or without ids a name after whole arguments, tells.
    """
    if not function.name:
        return False
    if said.id:
        return said.id != call.said_id
    return call.has_arguments and call.is_complete()


def _read_content(content: str | list[_Part]) -> list[ModelEvent]:
    if isinstance(content, str):
        return [TextDelta(content)]
    return [TextDelta(part.text) for part in content if part.text]


def _read_usage(usage: _Usage) -> Usage:
    prompt = usage.prompt_tokens_details or _PromptDetails()
    completion = usage.completion_tokens_details or _CompletionDetails()
    return Usage(
        input_tokens=usage.prompt_tokens or 0,
        output_tokens=usage.completion_tokens or 0,
        cache_read_tokens=prompt.cached_tokens or usage.prompt_cache_hit_tokens or 0,
        cache_write_tokens=prompt.cache_write_tokens or 0,
        reasoning_tokens=completion.reasoning_tokens or 0,
    )
