"""What the wire formats' requests have in common: JSON, tool schemas, ids, arguments, images. Pure."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote_to_bytes

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.models.request import ContentPart, ToolCall
    from hermes_trio.models.target import ModelTarget

LONGEST_ID: Final = 64
"""Characters of a tool call's id that OpenAI takes."""

LONGEST_NAME: Final = 64

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_check_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def encode_body(body: Mapping[str, object], target: ModelTarget) -> bytes:
    """The JSON of a request. ``extra_body`` of the target wins; None values take keys out."""
    merged = {**body, **target.extra_body}
    return encode_json({key: value for key, value in merged.items() if value is not None})


def encode_json(value: object) -> bytes:
    """JSON of built-in types, mappings and `msgspec.Raw`, whatever its strings hold."""
    try:
        return msgspec.json.encode(value, enc_hook=dict)  # dict: settings are read-only mappings
    except UnicodeEncodeError:  # half a surrogate pair, from a broken client, stands in the history
        return msgspec.json.encode(_mend_text(value), enc_hook=dict)


def _mend_text(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case Mapping():
            return {key: _mend_text(item) for key, item in value.items()}
        case list() | tuple():
            return [_mend_text(item) for item in value]
        case _:
            return value


class Function(NamedTuple):
    """A tool's schema; ``parameters`` are JSON already, or built-in types."""

    name: str
    description: object
    parameters: object


def read_functions(tools: Sequence[Mapping[str, object]]) -> list[Function]:
    """The functions among tool schemas of the chat-completions format; other kinds of tools are left out."""
    functions = (tool.get("function") for tool in tools)
    return [
        Function(
            str(function.get("name", "")),
            function.get("description"),
            function.get("parameters") or {"type": "object", "properties": {}},
        )
        for function in functions
        if isinstance(function, Mapping)
    ]


def tool_name(name: str) -> str:
    """A name that every provider takes back; models now and then invent others."""
    return _NOT_IN_NAMES.sub("_", name)[:LONGEST_NAME] or "unknown"


def check_arguments(text: str) -> bytes:
    """A tool call's arguments as the JSON object that most providers insist on; what is none is wrapped into one."""
    arguments = text.encode("utf-8", "replace")
    if not arguments.strip():
        return b"{}"
    try:
        _check_object(arguments)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return encode_json({"invalid_json": text})
    return arguments


class CallIds:
    """Ids of tool calls within one request: allowed everywhere, not too long, and never twice.

    A conversation may have been begun with another provider, and some providers count from 0 in every answer.
    """

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._current: dict[str, list[str]] = {}

    def begin(self, calls: Sequence[ToolCall]) -> list[str]:
        """The ids to send for the calls of one answer, in order."""
        self._current = {}
        ids = [self._fresh(call.id) for call in calls]
        for call, fresh in zip(calls, ids, strict=True):
            self._current.setdefault(call.id, []).append(fresh)
        return ids

    def answer(self, call_id: str) -> str:
        """The id to send for a result of the answer that was begun last."""
        waiting = self._current.get(call_id)
        if not waiting:
            return _clean_id(call_id)
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def _fresh(self, call_id: str) -> str:
        clean = _clean_id(call_id)
        number, fresh = 1, clean
        while fresh in self._used:
            number += 1
            fresh = f"{clean[: LONGEST_ID - 8]}_{number}"
        self._used.add(fresh)
        return fresh


def _clean_id(call_id: str) -> str:
    clean = _NOT_IN_NAMES.sub("_", call_id) or "call"
    if len(clean) <= LONGEST_ID:
        return clean
    digest = hashlib.sha256(call_id.encode("utf-8", "replace")).hexdigest()[:16]
    return f"{clean[: LONGEST_ID - 17]}_{digest}"


def part_text(part: ContentPart) -> str | None:
    """The text of a part, or None for one of another kind."""
    text = part.get("text")
    return text if isinstance(text, str) else None


def image_url(part: ContentPart) -> str | None:
    """The address of an image part, which may be a data URL, or None for a part of another kind."""
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, Mapping) else image
    return url if isinstance(url, str) and url else None


def unknown_part(part: ContentPart) -> str:
    """What the model reads in place of a part that its provider's format does not have."""
    return f"[content of type '{part.get('type', 'unknown')}' that cannot be shown to this model]"


class DataUrl(NamedTuple):
    """The content of a data URL (RFC 2397)."""

    media_type: str
    base64: str


def read_data_url(url: str) -> DataUrl | None:
    """The content of a data URL, or None for another address."""
    if url[:5].lower() != "data:" or "," not in url:
        return None
    head, _, data = url[5:].partition(",")
    media_type, *parameters = head.split(";")
    if "base64" not in (parameter.strip().lower() for parameter in parameters):
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    return DataUrl(media_type.strip().lower() or "text/plain", data)
