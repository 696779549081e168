"""The history that is kept with a response: messages in the format of chat completions, which others read as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.http.responses.talk import Talk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hermes_trio.http.message_content import Content
    from hermes_trio.store.messages import StoredMessage

#: More than the largest body that a client may send, so that what it sent last is kept.
MOST_BYTES: Final = 16 * 1024 * 1024
_IMAGE_GONE: Final[Mapping[str, object]] = {"type": "text", "text": "[an image that is not kept any more]"}


def encode_history(messages: Iterable[StoredMessage]) -> list[dict[str, object]]:
    """Messages as they are kept, in at most 16 MiB of JSON.

    Where they take more, the oldest images go first, then the oldest messages; what the user said last stays.
    """
    kept = [_encode(message) for message in messages]
    sizes = [_size(message) for message in kept]
    _leave_out_images(kept, sizes)
    if sum(sizes) <= MOST_BYTES:
        return kept
    starts = [index for index, message in enumerate(kept) if message["role"] == "user"] or [0]
    return kept[next((start for start in starts if sum(sizes[start:]) <= MOST_BYTES), starts[-1]) :]


def decode_history(kept: Iterable[Mapping[str, object]], at: float) -> tuple[StoredMessage, ...]:
    """Kept messages; what cannot be understood is left out.

    Args:
        kept: As another program may have kept them, too.
        at: Stands for the time when they were said, in seconds since the epoch.
    """
    talk = Talk()
    for message in kept:
        role, content = message.get("role"), _content(message.get("content"))
        if role == "tool":
            talk.result(str(message.get("tool_call_id")), content)
        elif role in ("user", "assistant"):
            talk.say(str(role), content)
            calls = message.get("tool_calls")
            for call in calls if isinstance(calls, list) else ():
                _add_call(talk, call)
    return talk.messages(at)


def _encode(message: StoredMessage) -> dict[str, object]:
    kept: dict[str, object] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        kept["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        kept["tool_call_id"] = message.tool_call_id
    return kept


def _leave_out_images(kept: list[dict[str, object]], sizes: list[int]) -> None:
    """Leave out the oldest images, as far as it must be."""
    excess = sum(sizes) - MOST_BYTES
    for index, message in enumerate(kept):
        content = message["content"]
        if excess > 0 and isinstance(content, tuple):
            message["content"] = tuple(part if part.get("type") == "text" else _IMAGE_GONE for part in content)
            smaller = _size(message)
            excess -= sizes[index] - smaller
            sizes[index] = smaller


def _size(message: Mapping[str, object]) -> int:
    return len(msgspec.json.encode(message))


def _content(content: object) -> Content:
    if isinstance(content, list):
        return tuple(part for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _add_call(talk: Talk, call: object) -> None:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict):
        return
    name, arguments = function.get("name"), function.get("arguments")
    if isinstance(name, str) and isinstance(arguments, str):
        talk.call(str(call.get("id")), name, arguments)
