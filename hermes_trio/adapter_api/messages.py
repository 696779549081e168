"""What an adapter hands over: messages and presses of buttons."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from hermes_trio.routing.source import MessageSource  # noqa: TC001  read at run time when a message is decoded


class MediaKind(enum.StrEnum):
    """What a file is to people."""

    PHOTO = "photo"
    VOICE = "voice"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message and has not been fetched yet.

    Attributes:
        kind: What it is to people.
        reference: What the adapter needs to fetch it, e.g. the platform's file id.
        name: File name, or empty.
        mime_type: Media type, or empty.
        size: Bytes, or None when the platform does not say.
    """

    kind: MediaKind
    reference: str
    name: str = ""
    mime_type: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class QuotedMessage:
    """The message that another one replies to.

    Attributes:
        message_id: The platform's id.
        text: What it said, or empty.
        user_name: Who wrote it, for people.
        is_ours: Whether this bot wrote it.
    """

    message_id: str
    text: str = ""
    user_name: str = ""
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A message as an adapter hands it over.

    Attributes:
        source: Where it comes from.
        message_id: The platform's id, unique within the chat; duplicates are told by it.
        text: What was written; a mention of the bot itself and its name behind a command are taken out.
        at: When it was written, in seconds since the epoch.
        attachments: Files.
        quoted: What it replies to, or None.
        album_id: Messages with the same one are parts of one message.
        mentions_us: In a group: whether the bot is spoken to by name.
        mentions_other_bot: In a group: whether another bot is spoken to by name.
        is_edit: Whether it is a new version of a message that came before.
    """

    source: MessageSource
    message_id: str
    text: str
    at: float
    attachments: tuple[Attachment, ...] = ()
    quoted: QuotedMessage | None = None
    album_id: str = ""
    mentions_us: bool = False
    mentions_other_bot: bool = False
    is_edit: bool = False


@dataclass(frozen=True, slots=True)
class ButtonPress:
    """Somebody pressed a button below one of the bot's messages.

    Attributes:
        source: Who, and where.
        message_id: The message with the buttons.
        data: The button's `Button.data`.
    """

    source: MessageSource
    message_id: str
    data: str
