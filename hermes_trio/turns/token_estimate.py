"""How many tokens a request will have, without a tokenizer: bytes by four, corrected by what the provider counted last.

Pure functions. The estimate need not be right, only cheap and good enough to tell when a conversation grows too long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hermes_trio.models.request import ChatMessage, ContentPart

BYTES_PER_TOKEN: Final = 4
FRAME_BYTES: Final = 16
"""What a message, a tool call or a part of a message takes beside its text."""

IMAGE_TOKENS: Final = 1200
"""An image of the size that providers scale larger ones down to."""

LEAST_FACTOR: Final = 0.5
MOST_FACTOR: Final = 4.0


@dataclass(frozen=True, slots=True)
class PromptReading:
    """What a provider counted for a request, beside what was estimated for it.

    Attributes:
        reported: Tokens of the prompt as the provider reported them, those from its cache included.
        estimated: The estimate for the same request.
    """

    reported: int
    estimated: int

    @property
    def factor(self) -> float:
        """What estimates are to be multiplied by; 1 when there is nothing to learn from the reading."""
        if self.reported <= 0 or self.estimated <= 0:
            return 1.0
        return min(max(self.reported / self.estimated, LEAST_FACTOR), MOST_FACTOR)


def estimate_tokens(messages: Iterable[ChatMessage]) -> int:
    """Tokens of messages, not corrected."""
    return tokens_of_bytes(sum(_message_bytes(message) for message in messages))


def tokens_of_bytes(count: int) -> int:
    """Tokens of so many bytes of text, rounded up."""
    return -(-count // BYTES_PER_TOKEN)


def corrected(estimate: int, reading: PromptReading | None) -> int:
    """An estimate in the tokens of the provider that gave the reading."""
    return estimate if reading is None else round(estimate * reading.factor)


def byte_length(text: str) -> int:
    """Length of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _message_bytes(message: ChatMessage) -> int:
    size = FRAME_BYTES
    if isinstance(message.content, str):
        size += byte_length(message.content)
    elif message.content:
        size += sum(_part_bytes(part) for part in message.content)
    for call in message.tool_calls:
        size += FRAME_BYTES + byte_length(call.name) + byte_length(call.arguments)
    return size + sum(len(item.data) for item in message.replay)


def _part_bytes(part: ContentPart) -> int:
    text = part.get("text")
    if isinstance(text, str):
        return FRAME_BYTES + byte_length(text)
    return IMAGE_TOKENS * BYTES_PER_TOKEN
