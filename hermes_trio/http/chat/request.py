"""The body of ``POST /v1/chat/completions``: JSON to a typed request, with errors that name the offending part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermes_trio.errors import RequestError
from hermes_trio.http.json_body import decode_body
from hermes_trio.http.message_content import SentMessage, parse_content

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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
    raw = decode_body(body, dict[str, object])
    messages = raw.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RequestError("`messages` must be a list with at least one message", param="messages")
    system_text, talk = read_messages(messages, "messages")
    if not talk or talk[-1].role != "user":
        raise RequestError("the last message must be a user message", param="messages")
    if not talk[-1].text and isinstance(talk[-1].content, str):
        raise RequestError("the last message is empty", param=f"messages[{len(messages) - 1}].content")
    model, stream = raw.get("model"), raw.get("stream")
    if not (model is None or isinstance(model, str)):
        raise RequestError("`model` must be text", param="model")
    if not (stream is None or isinstance(stream, bool)):
        raise RequestError("`stream` must be true or false", param="stream")
    return ChatRequest(
        system_text=system_text,
        earlier=talk[:-1],
        user_message=talk[-1],
        model=model or None,
        stream=stream is True,
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


def _sort_in(where: str, message: object, system: list[str], talk: list[SentMessage]) -> None:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise RequestError("a message must be an object with a `role`", param=where)
    role = message["role"]
    if role in ("system", "developer"):
        text = SentMessage(role, parse_content(message.get("content"), f"{where}.content")).text
        if text:
            system.append(text)
    elif role in ("user", "assistant"):
        sent = SentMessage(role, parse_content(message.get("content"), f"{where}.content"))
        # An assistant message without text is a bare tool call of the client's own making; it says nothing here.
        if role == "user" or sent.content:
            talk.append(sent)
    elif role not in ("tool", "function"):
        raise RequestError(f"unknown role {role[:40]!r}", param=f"{where}.role")
