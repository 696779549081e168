"""What a model's answer consists of, whatever wire format brought it.

They are msgspec structs, which cost a third of a frozen dataclass to make: thousands of them a second pass through.
"""

from __future__ import annotations

import msgspec


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    """The next piece of the answer's text; never empty."""

    text: str


class ReasoningDelta(msgspec.Struct, frozen=True, gc=False):
    """The next piece of what the model thinks aloud before it answers; never empty."""

    text: str


class ToolCallDelta(msgspec.Struct, frozen=True, gc=False):
    """The next piece of a tool call.

    Attributes:
        index: Which of the answer's tool calls, counted from 0.
        id: The call's id, unlike the ids of the answer's other calls; only in the first piece.
        name: The tool's name; only in the first piece.
        arguments: The next piece of the arguments' JSON text; may be empty, but the whole never is.
    """

    index: int
    id: str
    name: str
    arguments: str


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens of one answer.

    Attributes:
        input_tokens: Tokens of the prompt, those read from a cache included.
        output_tokens: Tokens of the answer, those of the reasoning included.
        cache_read_tokens: Part of the prompt that came from the provider's cache.
        cache_write_tokens: Part of the prompt that was written to the provider's cache.
        reasoning_tokens: Part of the answer that was reasoning.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


class Finish(msgspec.Struct, frozen=True, gc=False):
    """The answer is complete; the last event of every stream that did not fail.

    Attributes:
        reason: ``stop``, ``length``, ``tool_calls``, ``content_filter``, or what else the provider said, in lower case.
    """

    reason: str


class ReplayItem(msgspec.Struct, frozen=True, gc=False):
    """Something the provider wants back with the next request of the same turn, such as signed or encrypted thinking.

    It comes right before ``Usage`` and ``Finish``. Without it the model forgets what it thought between two tool calls,
    and some providers refuse to go on. Nobody but the wire format that made it looks inside.

    Attributes:
        api_mode: The wire format.
        data: JSON.
    """

    api_mode: str
    data: bytes


ModelEvent = TextDelta | ReasoningDelta | ToolCallDelta | ReplayItem | Usage | Finish
