"""Messages and their parts as clients send them: what the OpenAPI document says of them."""

from __future__ import annotations

from typing import Annotated

import msgspec

ImageAddress = Annotated[
    str, msgspec.Meta(pattern="^(https?://|data:image/)", description="An http(s) or data:image/ URL.")
]


class TextPart(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    """A piece of text; what is longer than 65536 characters is cut."""

    text: str


class InputTextPart(msgspec.Struct, frozen=True, tag_field="type", tag="input_text"):
    """The same as `text`."""

    text: str


class OutputTextPart(msgspec.Struct, frozen=True, tag_field="type", tag="output_text"):
    """The same as `text`."""

    text: str


class ImageUrl(msgspec.Struct, frozen=True):
    """Where an image is."""

    url: ImageAddress


class ImageUrlPart(msgspec.Struct, frozen=True, tag_field="type", tag="image_url"):
    """An image."""

    image_url: ImageUrl | ImageAddress


class InputImagePart(msgspec.Struct, frozen=True, tag_field="type", tag="input_image"):
    """The same as `image_url`."""

    image_url: ImageUrl | ImageAddress


Part = TextPart | InputTextPart | OutputTextPart | ImageUrlPart | InputImagePart


class SystemMessage(msgspec.Struct, frozen=True, tag_field="role", tag="system"):
    """Added to the profile's own system prompt, for this answer."""

    content: str | list[Part] | None = None


class DeveloperMessage(SystemMessage, frozen=True, tag_field="role", tag="developer"):
    """The same as `system`."""


class UserMessage(msgspec.Struct, frozen=True, tag_field="role", tag="user"):
    """What the user said."""

    content: str | list[Part] | None = None


class AssistantMessage(msgspec.Struct, frozen=True, tag_field="role", tag="assistant"):
    """What the agent said; passed over when it has no content."""

    content: str | list[Part] | None = None


class ToolMessage(msgspec.Struct, frozen=True, tag_field="role", tag="tool"):
    """Passed over: the agent has tools of its own."""


class FunctionMessage(msgspec.Struct, frozen=True, tag_field="role", tag="function"):
    """Passed over, likewise."""


Message = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage | FunctionMessage
