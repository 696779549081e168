"""What clients may say in a message, whatever the format of the request around it: text and images, but no files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hermes_trio.errors import RequestError
from hermes_trio.turns.history import text_of

Part = Mapping[str, object]
Content = str | tuple[Part, ...]

MAXIMUM_TEXT: Final = 65_536
_TEXT_PARTS: Final = frozenset({"text", "input_text", "output_text"})
_IMAGE_PARTS: Final = frozenset({"image_url", "input_image"})
_IMAGE_URLS: Final = ("http://", "https://", "data:image/")


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One user or assistant message of a request."""

    role: str
    content: Content

    @property
    def text(self) -> str:
        """The text of the message without its images."""
        return text_of(self.content)


def parse_content(content: object, where: str) -> Content:
    """The content of a message: text, or parts in the format of chat completions if there are images among them.

    Args:
        content: What the client sent.
        where: Its path in the body, e.g. ``messages[0].content``.

    Raises:
        RequestError: It is neither, or has parts of other types (``unsupported_content_type``).
    """
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise RequestError("`content` must be text or a list of parts", param=where)
    parts = tuple(_part(part, where) for part in content)
    if all(part["type"] == "text" for part in parts):
        return "\n".join(str(part["text"]) for part in parts)
    return parts


def _part(part: object, where: str) -> Part:
    if not isinstance(part, dict):
        raise RequestError("a content part must be an object", param=where)
    kind = str(part.get("type"))
    if kind in _TEXT_PARTS and isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"][:MAXIMUM_TEXT]}
    if kind in _IMAGE_PARTS:
        return {"type": "image_url", "image_url": {"url": _image_url(part.get("image_url"), where)}}
    raise RequestError(
        f"content parts of type {kind[:40]!r} are not supported", code="unsupported_content_type", param=where
    )


def _image_url(value: object, where: str) -> str:
    url = value.get("url") if isinstance(value, dict) else value
    if not isinstance(url, str) or not url.startswith(_IMAGE_URLS):
        raise RequestError(
            "an image must be an http(s) or data:image/ URL", code="unsupported_content_type", param=where
        )
    return url
