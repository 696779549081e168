"""The chat-completions wire format: ``POST <base_url>/chat/completions``, answered by server-sent events. Pure.

The format is OpenAI's ("Create chat completion" in its API reference). `hermes_trio.models.chat_chunks` reads the
answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.models.addresses import host_of
from hermes_trio.models.body import check_arguments, encode_body, image_url, part_text, tool_name
from hermes_trio.models.chat_chunks import AnswerReader
from hermes_trio.models.effort import effort_name
from hermes_trio.models.providers import CHAT_COMPLETIONS, host_belongs, wants_reasoning_back
from hermes_trio.models.wire import WireFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hermes_trio.models.request import ChatMessage, ContentPart, ModelRequest, ToolCall
    from hermes_trio.models.target import ModelTarget

CACHE_HERE: Final[Mapping[str, str]] = {"type": "ephemeral"}

_decode_replay = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_extras = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def build_body(target: ModelTarget, request: ModelRequest, left_out: frozenset[str] = frozenset()) -> bytes:
    """The request's JSON; see `WireFormat.build_body`."""
    messages = list(_wire_messages(target, request.messages))
    if _marks_cache(target):
        _mark_cache(messages)
    body: dict[str, object] = {"model": target.model, "messages": messages, "stream": True}
    if "stream_options" not in left_out:
        body["stream_options"] = {"include_usage": True}
    if target.max_tokens is not None:
        # OpenAI's newer models know the limit under another name only, most other providers under the old one only.
        body["max_completion_tokens" if "max_tokens" in left_out else "max_tokens"] = target.max_tokens
    if (effort := effort_name(request.reasoning_effort)) and "reasoning_effort" not in left_out:
        body["reasoning_effort"] = effort
    if request.tools:
        body["tools"] = request.tools
    return encode_body(body, target)


def key_header(target: ModelTarget) -> dict[str, str]:
    """The key as OpenAI's formats send it."""
    return {"Authorization": f"Bearer {target.api_key}"} if target.api_key else {}


FORMAT: Final = WireFormat(
    path="/chat/completions",
    headers=key_header,
    build_body=build_body,
    make_reader=AnswerReader,
    optional=(
        ("stream_options", b"stream_options"),
        ("max_tokens", b"max_completion_tokens"),
        ("reasoning_effort", b"reasoning_effort"),
    ),
    lasting=frozenset({"stream_options", "max_tokens"}),
)


def _wire_messages(target: ModelTarget, messages: Iterable[ChatMessage]) -> Iterator[dict[str, object]]:
    """The messages. Images in tool results follow the results, as a user's message: the format has no other place."""
    keeps_reasoning = wants_reasoning_back(target.base_url)
    images: list[ContentPart] = []
    for message in messages:
        if message.role == "tool":
            yield _wire_result(message, images)
            continue
        if images:
            yield {"role": "user", "content": images}
            images = []
        yield _wire_message(message, keeps_reasoning=keeps_reasoning)
    if images:
        yield {"role": "user", "content": images}


def _wire_result(message: ChatMessage, images: list[ContentPart]) -> dict[str, object]:
    content: object = message.content or ""
    if isinstance(message.content, tuple):
        shown = [part for part in message.content if image_url(part)]
        content = [part for part in message.content if part_text(part) is not None]
        if shown:
            images += [{"type": "text", "text": "Images of the tool's result:"}, *shown]
            content = content or "The images of the result follow."
    return {"role": "tool", "content": content, "tool_call_id": message.tool_call_id}


def _wire_message(message: ChatMessage, *, keeps_reasoning: bool) -> dict[str, object]:
    wire: dict[str, object] = {"role": message.role, "content": message.content}
    if not message.tool_calls:
        return wire
    if keeps_reasoning:
        wire["reasoning_content"] = " "  # what was thought in earlier turns is not kept; without the key they refuse
    extras: dict[str, msgspec.Raw] = {}
    for item in message.replay:
        if item.api_mode == CHAT_COMPLETIONS:
            replayed = _decode_replay(item.data)
            extras |= _decode_extras(replayed.pop("tool_calls", b"{}"))
            wire |= replayed
    wire["tool_calls"] = [_wire_call(call, extras) for call in message.tool_calls]
    return wire


def _wire_call(call: ToolCall, extras: Mapping[str, msgspec.Raw]) -> dict[str, object]:
    function = {"name": tool_name(call.name), "arguments": check_arguments(call.arguments).decode()}
    wire: dict[str, object] = {"id": call.id, "type": "function", "function": function}
    if call.id in extras:
        wire["extra_content"] = extras[call.id]
    return wire


def _marks_cache(target: ModelTarget) -> bool:
    """Whether the provider passes cache marks on to a model that caches nothing without them."""
    return target.model.startswith("anthropic/") and host_belongs(host_of(target.base_url) or "", ("openrouter.ai",))


def _mark_cache(messages: Sequence[dict[str, object]]) -> None:
    """Mark the first system message and the last two messages of the user and the tools, as OpenRouter documents it."""
    systems = [message for message in messages if message["role"] == "system"]
    others = [message for message in messages if message["role"] in ("user", "tool")]
    for message in (*systems[:1], *others[-2:]):
        content = message["content"]
        if isinstance(content, str) and content.strip():
            message["content"] = [{"type": "text", "text": content, "cache_control": CACHE_HERE}]
