"""The body of ``POST /v1/chat/completions``: JSON to a typed request, with errors that name the offending part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import msgspec

from hermes_trio.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Part = Mapping[str, object]
    Content = str | tuple[Part, ...]

MAXIMUM_TEXT = 65_536
_TEXT_PARTS = frozenset({"text", "input_text", "output_text"})
_IMAGE_PARTS = frozenset({"image_url", "input_image"})
_IMAGE_URLS = ("http://", "https://", "data:image/")


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One user or assistant message of a request."""

    role: str
    content: Content

    @property
    def text(self) -> str:
        """The text of the message without its images."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(str(part["text"]) for part in self.content if part["type"] == "text")


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a client asks for.

    Attributes:
        system_text: The client's system messages, joined.
        earlier: User and assistant messages before the last one.
        user_message: The last message, which must be the user's.
        model: The model named by the client, or None.
        stream: Whether the client wants server-sent events.
        raw: The decoded body.
    """

    system_text: str
    earlier: tuple[SentMessage, ...]
    user_message: SentMessage
    model: str | None
    stream: bool
    raw: Mapping[str, object]

    @property
    def first_user_text(self) -> str:
        """The text of the first user message; with the system text it identifies a conversation."""
        return next((sent.text for sent in self.earlier if sent.role == "user"), self.user_message.text)


def parse_chat_request(body: bytes) -> ChatRequest:
    """Decode and check a request body.

    Raises:
        RequestError: Status 400; ``param`` names the offending part where there is one.
    """
    raw = _decode(body)
    messages = raw.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RequestError("`messages` must be a list with at least one message", param="messages")
    system_text, talk = read_messages(messages, "messages")
    if not talk or talk[-1].role != "user":
        raise RequestError("the last message must be a user message", param="messages")
    if not talk[-1].text and isinstance(talk[-1].content, str):
        raise RequestError("the last message is empty", param=f"messages[{len(messages) - 1}].content")
    model = raw.get("model")
    return ChatRequest(
        system_text=system_text,
        earlier=talk[:-1],
        user_message=talk[-1],
        model=model if isinstance(model, str) and model else None,
        stream=raw.get("stream") is True,
        raw=raw,
    )


def read_messages(messages: Sequence[object], where: str) -> tuple[str, tuple[SentMessage, ...]]:
    """Take a list of messages apart: what systems say, joined, and what users and assistants say, in order.

    Args:
        messages: The messages as decoded.
        where: The list's name in the body, for errors.

    Raises:
        RequestError: Status 400; ``param`` names the offending message.
    """
    system: list[str] = []
    talk: list[SentMessage] = []
    for index, message in enumerate(messages):
        _sort_in(f"{where}[{index}]", message, system, talk)
    return "\n\n".join(system), tuple(talk)


def _decode(body: bytes) -> dict[str, object]:
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"the body is not valid JSON: {error}") from error
    if not isinstance(raw, dict):
        raise RequestError("the body must be a JSON object")
    return cast("dict[str, object]", raw)


def _sort_in(where: str, message: object, system: list[str], talk: list[SentMessage]) -> None:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise RequestError("a message must be an object with a `role`", param=where)
    role = message["role"]
    if role in ("system", "developer"):
        text = SentMessage(role, _content(where, message.get("content"))).text
        if text:
            system.append(text)
    elif role in ("user", "assistant"):
        sent = SentMessage(role, _content(where, message.get("content")))
        # An assistant message without text is a bare tool call of the client's own making; it says nothing here.
        if role == "user" or sent.content:
            talk.append(sent)
    elif role not in ("tool", "function"):
        raise RequestError(f"unknown role {role[:40]!r}", param=f"{where}.role")


def _content(where: str, content: object) -> Content:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise RequestError("`content` must be text or a list of parts", param=f"{where}.content")
    parts = tuple(_part(f"{where}.content", part) for part in content)
    if all(part["type"] == "text" for part in parts):
        return "\n".join(str(part["text"]) for part in parts)
    return parts


def _part(where: str, part: object) -> Part:
    if not isinstance(part, dict):
        raise RequestError("a content part must be an object", param=where)
    kind = str(part.get("type"))
    if kind in _TEXT_PARTS and isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"][:MAXIMUM_TEXT]}
    if kind in _IMAGE_PARTS:
        return {"type": "image_url", "image_url": {"url": _image_url(where, part.get("image_url"))}}
    raise RequestError(
        f"content parts of type {kind[:40]!r} are not supported", code="unsupported_content_type", param=where
    )


def _image_url(where: str, value: object) -> str:
    url = value.get("url") if isinstance(value, dict) else value
    if not isinstance(url, str) or not url.startswith(_IMAGE_URLS):
        raise RequestError(
            "an image must be an http(s) or data:image/ URL", code="unsupported_content_type", param=where
        )
    return url
