"""The loopback platform's answers as its adapter reads them, and what the core makes of them. Pure."""

from __future__ import annotations

import msgspec

from hermes_trio.adapter_api import (
    Attachment,
    ButtonPress,
    InboundMessage,
    MediaKind,
    MessageSource,
    QuotedMessage,
)

PLATFORM = "loopback"


class Me(msgspec.Struct, frozen=True):
    """The bot's own account."""

    id: str
    name: str


class Sent(msgspec.Struct, frozen=True):
    """A message that was sent."""

    id: str


class Nothing(msgspec.Struct, frozen=True):
    """An answer that says no more than that it worked."""


class Refusal(msgspec.Struct, frozen=True):
    """An answer that says no."""

    error: str
    message: str
    retry_after: float | None = None


class File(msgspec.Struct, frozen=True):
    """A file that goes with a message."""

    id: str
    kind: MediaKind
    name: str
    size: int


class Quoted(msgspec.Struct, frozen=True):
    """The bot's message that somebody answers."""

    id: str
    text: str


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where something happened, and who did it."""

    chat: str
    kind: str
    thread: str | None
    user: str
    user_name: str

    def source(self) -> MessageSource:
        """The same for the core."""
        return MessageSource(PLATFORM, self.kind, self.chat, self.thread, self.user, user_name=self.user_name)


class Message(Place, frozen=True, kw_only=True):
    """Somebody wrote."""

    id: str
    text: str
    at: float
    files: tuple[File, ...] = ()
    quoted: Quoted | None = None


class Press(Place, frozen=True, kw_only=True):
    """Somebody pressed a button."""

    id: str
    message: str
    data: str


class Event(msgspec.Struct, frozen=True):
    """Something that happened."""

    cursor: int
    message: Message | None = None
    press: Press | None = None


class Events(msgspec.Struct, frozen=True):
    """What happened since the last question."""

    events: tuple[Event, ...]


def to_message(message: Message) -> InboundMessage:
    """A message for the core."""
    quoted = message.quoted
    return InboundMessage(
        source=message.source(),
        message_id=message.id,
        text=message.text,
        at=message.at,
        attachments=tuple(Attachment(file.kind, file.id, file.name, size=file.size) for file in message.files),
        quoted=None if quoted is None else QuotedMessage(quoted.id, quoted.text, is_ours=True),
    )


def to_press(press: Press) -> ButtonPress:
    """A press for the core."""
    return ButtonPress(press.source(), press.message, press.data)
