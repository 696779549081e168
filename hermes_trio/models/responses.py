"""OpenAI's responses wire format: ``POST <base_url>/responses``, answered by server-sent events. Pure.

The format is that of OpenAI's API reference, "Create a model response"; xAI and several local servers have it too. The
conversation is sent whole each time and nothing is stored at the provider. `hermes_trio.models.responses_events` reads
the answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.models.body import (
    CallIds,
    check_arguments,
    encode_body,
    image_url,
    part_text,
    read_functions,
    tool_name,
    unknown_part,
)
from hermes_trio.models.chat_completions import key_header
from hermes_trio.models.effort import effort_name, gives_encrypted_reasoning
from hermes_trio.models.providers import RESPONSES
from hermes_trio.models.responses_events import ResponseReader
from hermes_trio.models.wire import WireFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hermes_trio.models.request import ChatMessage, ContentPart, ModelRequest
    from hermes_trio.models.target import ModelTarget

    Item = dict[str, object] | msgspec.Raw

ENCRYPTED: Final = "reasoning.encrypted_content"

_read_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


def build_body(target: ModelTarget, request: ModelRequest, left_out: frozenset[str] = frozenset()) -> bytes:
    """The request's JSON; see `WireFormat.build_body`."""
    system, rest = _split_system(request.messages)
    body: dict[str, object] = {
        "model": target.model,
        "input": list(_wire_items(rest, replays="encrypted_content" not in left_out)),
        "stream": True,
        "store": False,
    }
    if system:
        body["instructions"] = system
    if tools := _wire_tools(request.tools):
        body["tools"] = tools
    if target.max_tokens is not None and "max_output_tokens" not in left_out:
        body["max_output_tokens"] = target.max_tokens
    reasons = gives_encrypted_reasoning(target.model)
    if reasons and "encrypted_content" not in left_out:
        body["include"] = [ENCRYPTED]
    if reasons and (effort := effort_name(request.reasoning_effort)) and "effort" not in left_out:
        body["reasoning"] = {"effort": effort}
    if request.cache_key and "prompt_cache_key" not in left_out:
        body["prompt_cache_key"] = request.cache_key
    return encode_body(body, target)


FORMAT: Final = WireFormat(
    path="/responses",
    headers=key_header,
    build_body=build_body,
    make_reader=ResponseReader,
    optional=(
        ("encrypted_content", b"ncrypted"),
        ("encrypted_content", b"include"),
        ("max_output_tokens", b"max_output_tokens"),
        ("prompt_cache_key", b"prompt_cache_key"),
        ("effort", b"effort"),
    ),
    lasting=frozenset({"max_output_tokens", "prompt_cache_key"}),
)


def _split_system(messages: Sequence[ChatMessage]) -> tuple[str, Sequence[ChatMessage]]:
    """The text of the system messages at the beginning, and the other messages."""
    count = next((at for at, message in enumerate(messages) if message.role != "system"), len(messages))
    return "\n\n".join(text for message in messages[:count] if (text := message.text)), messages[count:]


def _wire_tools(tools: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    return [
        {
            "type": "function",
            "name": function.name,
            "description": function.description or "",
            "parameters": function.parameters,
            "strict": False,  # the default would forbid optional arguments
        }
        for function in read_functions(tools)
    ]


def _wire_items(messages: Iterable[ChatMessage], *, replays: bool) -> Iterator[Item]:
    ids = CallIds()
    for message in messages:
        if message.role == "tool":
            output = _wire_content(message.content)
            yield {"type": "function_call_output", "call_id": ids.answer(message.tool_call_id), "output": output}
            continue
        for item in message.replay if replays else ():
            if item.api_mode == RESPONSES:
                yield from _read_items(item.data)
        if message.content or message.role != "assistant":
            content = message.text if message.role == "assistant" else _wire_content(message.content)
            yield {"type": "message", "role": message.role, "content": content}
        for call, call_id in zip(message.tool_calls, ids.begin(message.tool_calls), strict=True):
            arguments = check_arguments(call.arguments).decode()
            name = tool_name(call.name)
            yield {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def _wire_content(content: str | Sequence[ContentPart] | None) -> str | list[dict[str, object]]:
    if content is None or isinstance(content, str):
        return content or ""
    return [_wire_part(part) for part in content]


def _wire_part(part: ContentPart) -> dict[str, object]:
    text, url = part_text(part), image_url(part)
    if url is not None:
        image = part.get("image_url")
        detail = image.get("detail") if isinstance(image, Mapping) else None
        return {"type": "input_image", "image_url": url, "detail": detail or "auto"}
    return {"type": "input_text", "text": text if text is not None else unknown_part(part)}
