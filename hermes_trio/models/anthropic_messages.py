"""Anthropic's messages wire format: ``POST <base_url>/v1/messages``, answered by server-sent events. Pure.

The format is that of Anthropic's API reference, "Create a Message", version 2023-06-01; other vendors offer it at
addresses that end in ``/anthropic``. `hermes_trio.models.anthropic_events` reads the answers.

Nothing is cached without marks: they are set at the end of the tools, of the system prompt and of the last two
messages of the user, so that each request of a conversation finds what the one before it wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.models.anthropic_events import MessageReader
from hermes_trio.models.body import (
    CallIds,
    check_arguments,
    encode_body,
    image_url,
    part_text,
    read_data_url,
    read_functions,
    tool_name,
    unknown_part,
)
from hermes_trio.models.context_lengths import find_known_model
from hermes_trio.models.effort import thinking_budget
from hermes_trio.models.providers import MESSAGES
from hermes_trio.models.wire import WireFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hermes_trio.models.request import ChatMessage, ContentPart, ModelRequest
    from hermes_trio.models.target import ModelTarget

    Block = dict[str, object]

VERSION: Final = "2023-06-01"
OAUTH_BETA: Final = "oauth-2025-04-20"
DEFAULT_MAX_TOKENS: Final = 16_384
"""Longest answer asked for where neither the settings nor the table of models say; the format insists on a number."""

LONGEST_DEFAULT: Final = 32_000
CACHE_HERE: Final[Mapping[str, str]] = {"type": "ephemeral"}
CONTINUED: Final = "(The conversation continues.)"

_read_blocks = msgspec.json.Decoder(list[msgspec.Raw]).decode


def headers(target: ModelTarget) -> dict[str, str]:
    """Version and key; tokens of a signed-in user go another way than keys."""
    own = {"anthropic-version": VERSION}
    if is_oauth_token(target.api_key):
        own |= {"Authorization": f"Bearer {target.api_key}", "anthropic-beta": OAUTH_BETA}
    elif target.api_key:
        own["x-api-key"] = target.api_key
    return own


def is_oauth_token(key: str) -> bool:
    """Whether a key is a token of a signed-in user: Anthropic's begin with ``sk-ant-oat``, others are JWTs."""
    return key.startswith(("sk-ant-oat", "eyJ"))


def build_body(target: ModelTarget, request: ModelRequest, left_out: frozenset[str] = frozenset()) -> bytes:
    """The request's JSON; see `WireFormat.build_body`."""
    system, rest = _split_system(request.messages)
    max_tokens = target.max_tokens or default_max_tokens(target.model)
    body: dict[str, object] = {
        "model": target.model,
        "max_tokens": max_tokens,
        "messages": _wire_messages(rest, replays="thinking" not in left_out),
        "stream": True,
    }
    if system:
        body["system"] = [{"type": "text", "text": system, "cache_control": CACHE_HERE}]
    if tools := _wire_tools(request.tools):
        body["tools"] = tools
    if (budget := thinking_budget(request.reasoning_effort, max_tokens)) and "budget" not in left_out:
        body["thinking"] = {"type": "enabled", "budget_tokens": budget}
    return encode_body(body, target)


FORMAT: Final = WireFormat(
    path="/v1/messages",
    base_ends=("/v1",),
    headers=headers,
    build_body=build_body,
    make_reader=MessageReader,
    optional=(
        ("thinking", b"signature"),  # a fallback took over, and does not know the other's signatures
        ("budget", b"thinking"),  # a model that does not think, or not by numbers; or earlier thoughts are gone
        ("budget", b"budget_tokens"),
    ),
)


def default_max_tokens(model: str) -> int:
    """Longest answer to ask for; models refuse a number beyond what they can do."""
    known = find_known_model(model)
    most = known.max_output if known else None
    return min(most, LONGEST_DEFAULT) if most else DEFAULT_MAX_TOKENS


def _split_system(messages: Sequence[ChatMessage]) -> tuple[str, Sequence[ChatMessage]]:
    """The text of the system messages at the beginning, and the other messages."""
    count = next((at for at, message in enumerate(messages) if message.role != "system"), len(messages))
    texts = (message.text.strip() for message in messages[:count])
    return "\n\n".join(text for text in texts if text), messages[count:]


def _wire_tools(tools: Sequence[Mapping[str, object]]) -> list[Block]:
    wire: list[Block] = []
    for function in read_functions(tools):
        tool: Block = {"name": function.name, "input_schema": function.parameters}
        if function.description:
            tool["description"] = function.description
        wire.append(tool)
    if wire:
        wire[-1]["cache_control"] = CACHE_HERE
    return wire


def _wire_messages(messages: Iterable[ChatMessage], *, replays: bool) -> list[Block]:
    """The conversation as the format wants it: user first, user and assistant by turns, no empty text."""
    ids = CallIds()
    merged: list[tuple[str, list[Block | msgspec.Raw]]] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _wire_blocks(message, ids, replays=replays)
        if merged and merged[-1][0] == role:
            merged[-1][1].extend(blocks)
        elif blocks:
            merged.append((role, blocks))
    if not merged or merged[0][0] != "user":
        merged.insert(0, ("user", [{"type": "text", "text": CONTINUED}]))
    users = [blocks for role, blocks in merged if role == "user"]
    for blocks in users:
        blocks.sort(key=_is_no_result)  # results come first, or the request is refused
    for blocks in users[-2:]:
        last = blocks[-1]
        if isinstance(last, dict):
            last["cache_control"] = CACHE_HERE
    return [{"role": role, "content": blocks} for role, blocks in merged]


def _is_no_result(block: Block | msgspec.Raw) -> bool:
    return not isinstance(block, dict) or block["type"] != "tool_result"


def _wire_blocks(message: ChatMessage, ids: CallIds, *, replays: bool) -> list[Block | msgspec.Raw]:
    if message.role == "tool":
        content = _content_blocks(message.content)
        return [{"type": "tool_result", "tool_use_id": ids.answer(message.tool_call_id), "content": content}]
    if message.role != "assistant":
        return [*_content_blocks(message.content)]
    blocks: list[Block | msgspec.Raw] = []
    for item in message.replay if replays else ():
        if item.api_mode == MESSAGES:
            blocks += _read_blocks(item.data)
    blocks += _content_blocks(message.content)
    for call, call_id in zip(message.tool_calls, ids.begin(message.tool_calls), strict=True):
        arguments = msgspec.Raw(check_arguments(call.arguments))
        blocks.append({"type": "tool_use", "id": call_id, "name": tool_name(call.name), "input": arguments})
    return blocks


def _content_blocks(content: str | Sequence[ContentPart] | None) -> list[Block]:
    if content is None or isinstance(content, str):
        return [{"type": "text", "text": content}] if content and not content.isspace() else []
    blocks = (_content_block(part) for part in content)
    return [block for block in blocks if block is not None]


def _content_block(part: ContentPart) -> Block | None:
    text, url = part_text(part), image_url(part)
    if url is not None:
        return {"type": "image", "source": _image_source(url)}
    if text is None:
        text = unknown_part(part)
    return {"type": "text", "text": text} if text and not text.isspace() else None


def _image_source(url: str) -> Block:
    data = read_data_url(url)
    if data is None:
        return {"type": "url", "url": url}
    return {"type": "base64", "media_type": data.media_type, "data": data.base64}
