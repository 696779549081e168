"""What chat completions take and give, as the OpenAPI document says it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from hermes_trio.http.message_objects import Message  # noqa: TC001  msgspec reads the annotations


class ChatCompletionBody(msgspec.Struct, frozen=True):
    """A conversation to be gone on with. Sampling parameters and all other fields are ignored.

    Attributes:
        messages: What was said; the last message must be a user's and say something.
        model: One of the profile's model aliases; without a profile in the path, possibly a profile. Echoed.
        stream: Whether the answer comes as server-sent events.
    """

    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    model: str | None = None
    stream: bool | None = None


class CompletionMessage(msgspec.Struct, frozen=True):
    """The answer."""

    role: Literal["assistant"]
    content: str


class CompletionChoice(msgspec.Struct, frozen=True):
    """The answer and why it ended.

    Attributes:
        index: There is one.
        message: The answer.
        finish_reason: `stop`, `length` or what else the model said.
    """

    index: int
    message: CompletionMessage
    finish_reason: str


class CompletionUsage(msgspec.Struct, frozen=True):
    """Tokens of all calls of models in the answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(msgspec.Struct, frozen=True):
    """An answer.

    Attributes:
        id: `chatcmpl-...`
        object: What this is.
        created: Seconds since the epoch.
        model: The model that the request named, else the profile's name.
        choices: One.
        usage: What it took.
    """

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: CompletionUsage
