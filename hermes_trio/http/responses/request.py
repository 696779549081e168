"""The body of ``POST /v1/responses``: JSON to a typed request, with errors that name the offending part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec

from hermes_trio.errors import RequestError
from hermes_trio.http.json_body import decode_body
from hermes_trio.http.message_content import SentMessage, parse_content
from hermes_trio.http.responses.talk import Talk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.http.message_content import Content

MAXIMUM_NAME: Final = 256
_SPEAKERS: Final = frozenset({"user", "assistant"})
_SYSTEM: Final = frozenset({"system", "developer"})

Name = Annotated[str, msgspec.Meta(max_length=MAXIMUM_NAME)]
Metadata = Annotated[
    dict[Annotated[str, msgspec.Meta(max_length=64)], Annotated[str, msgspec.Meta(max_length=512)]],
    msgspec.Meta(max_length=16),
]


class ConversationName(msgspec.Struct, frozen=True):
    """A conversation, as OpenAI's SDK may name it."""

    id: Name


class ResponsesBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a client sends; what else it sends is passed over.

    Attributes:
        input: What the user says, or items: messages, tool calls of another agent and their results, reasoning.
        model: The profile or an alias of one of its models; echoed.
        instructions: Appended to the profile's own prompt; those of the previous response if there are none.
        previous_response_id: The response after which the talk goes on.
        conversation: The name of a talk, which goes on after its last response; a new name begins one.
        store: Whether the response is kept, so that it can be read and continued.
        stream: Whether the answer comes as server-sent events.
        truncation: ``auto`` for the last 100 messages only.
        metadata: Given back as it is.
        tools: Not used: the agent has tools of its own.
    """

    input: str | list[dict[str, Any]]
    model: str | None = None
    instructions: str | None = None
    previous_response_id: Name | None = None
    conversation: Name | ConversationName | None = None
    store: bool | None = None
    stream: bool | None = None
    truncation: Literal["auto", "disabled"] | None = None
    metadata: Metadata | None = None
    tools: Any = None


@dataclass(frozen=True, slots=True)
class ResponsesRequest:
    """What a client asks for.

    Attributes:
        body: The decoded body.
        system_text: System messages among the input, joined.
        earlier: What the input has before its last message; empty in most requests.
        user_message: The last message of the input, which is the user's.
        conversation: The name of the conversation, or None.
        previous_response_id: The response to continue, or None.
    """

    body: ResponsesBody
    system_text: str
    earlier: Talk
    user_message: Content
    conversation: str | None
    previous_response_id: str | None

    @property
    def stores(self) -> bool:
        """Whether the response is kept."""
        return self.body.store is not False

    @property
    def fingerprinted(self) -> Mapping[str, object]:
        """What makes two requests the same, beside their key."""
        body = self.body
        return {
            "input": body.input,
            "instructions": body.instructions,
            "previous_response_id": self.previous_response_id,
            "conversation": self.conversation,
            "model": body.model,
            "tools": body.tools,
        }


def parse_responses_request(body: bytes) -> ResponsesRequest:
    """Decode and check a request body.

    Raises:
        RequestError: Status 400; ``param`` names the offending part where there is one.
    """
    asked = decode_body(body, ResponsesBody)
    conversation = asked.conversation.id if isinstance(asked.conversation, ConversationName) else asked.conversation
    if asked.previous_response_id and conversation:
        raise RequestError("`previous_response_id` and `conversation` exclude each other", param="previous_response_id")
    parsed = _Input()
    if isinstance(asked.input, str):
        parsed.add_message("user", asked.input)
    else:
        for index, item in enumerate(asked.input):
            parsed.add_item(item, f"input[{index}]")
    return ResponsesRequest(
        body=asked,
        system_text="\n\n".join(parsed.system),
        earlier=parsed.earlier,
        user_message=parsed.take_last(),
        conversation=conversation or None,
        previous_response_id=asked.previous_response_id or None,
    )


class _Input:
    """Sorts the items of an input; the last message is held back, because it is not history."""

    def __init__(self) -> None:
        self.system: list[str] = []
        self.earlier = Talk()
        self._last: SentMessage | None = None

    def add_item(self, item: Mapping[str, object], where: str) -> None:
        """Take in an item of any type.

        Raises:
            RequestError: It cannot be used.
        """
        kind = item.get("type", "message")
        if kind == "message":
            self._add_sent(item, where)
        elif kind == "function_call":
            self._release()
            self.earlier.call(
                _text(item, "call_id", where), _text(item, "name", where), _text(item, "arguments", where)
            )
        elif kind == "function_call_output":
            self._release()
            self.earlier.result(_text(item, "call_id", where), parse_content(item.get("output"), f"{where}.output"))
        elif kind != "reasoning":
            raise RequestError(
                f"items of type {str(kind)[:40]!r} are not supported",
                code="unsupported_item_type",
                param=f"{where}.type",
            )

    def add_message(self, role: str, content: Content) -> None:
        """Take in what the user or the assistant said."""
        self._release()
        self._last = SentMessage(role, content)

    def take_last(self) -> Content:
        """The message to answer.

        Raises:
            RequestError: It is not the user's, or says nothing.
        """
        if self._last is None or self._last.role != "user":
            raise RequestError("the last item of `input` must be a user message", param="input")
        if not self._last.content:
            raise RequestError("the last message of `input` is empty", param="input")
        return self._last.content

    def _add_sent(self, item: Mapping[str, object], where: str) -> None:
        role = item.get("role")
        if not isinstance(role, str):
            raise RequestError("a message must have a `role`", param=where)
        content = parse_content(item.get("content"), f"{where}.content")
        if role in _SPEAKERS:
            self.add_message(role, content)
        elif role not in _SYSTEM:
            raise RequestError(f"unknown role {role[:40]!r}", param=f"{where}.role")
        elif text := SentMessage(role, content).text:
            self.system.append(text)

    def _release(self) -> None:
        if self._last is not None:
            self.earlier.say(self._last.role, self._last.content)
            self._last = None


def _text(item: Mapping[str, object], name: str, where: str) -> str:
    value = item.get(name)
    if not isinstance(value, str):
        raise RequestError(f"`{name}` must be text", param=f"{where}.{name}")
    return value
