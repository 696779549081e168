"""What stands in the outbox: one part of an answer, as JSON; and its way back to something an adapter can send."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from hermes_trio.adapter_api.messages import MediaKind
from hermes_trio.adapter_api.outgoing import Button, OutgoingMedia, OutgoingText

if TYPE_CHECKING:
    from hermes_trio.store.outbox import OutboxRow


class StoredText(msgspec.Struct, frozen=True, tag="text", omit_defaults=True):
    """A text in the outbox.

    Attributes:
        text: Without markup.
        formatted: In the platform's markup, or None.
        buttons: Rows of label and data.
        silent: Whether nobody is to be notified.
        edit: The platform's id of the message that is to show this text; None for a new message.
    """

    text: str
    formatted: str | None = None
    buttons: tuple[tuple[tuple[str, str], ...], ...] = ()
    silent: bool = False
    edit: str | None = None


class StoredMedia(msgspec.Struct, frozen=True, tag="media", omit_defaults=True):
    """A file in the outbox."""

    kind: str
    path: str
    name: str = ""
    caption: str = ""
    formatted_caption: str | None = None


class StoredMarkdown(msgspec.Struct, frozen=True, tag="markdown"):
    """A text as an agent wrote it, of any length; what another program owed to the chat."""

    text: str


class StoredRemoval(msgspec.Struct, frozen=True, tag="removal"):
    """A message that is to be deleted, because the finished answer has no use for it."""

    message_id: str


StoredPart = StoredText | StoredMedia | StoredMarkdown | StoredRemoval


def encode_text(text: OutgoingText, *, edit: str | None = None) -> str:
    """A text for the outbox; its reply-to stands in a column of its own."""
    buttons = tuple(tuple((button.label, button.data) for button in row) for row in text.buttons)
    stored = StoredText(text.text, text.formatted, buttons, text.silent, edit)
    return msgspec.json.encode(stored).decode()


def encode_media(media: OutgoingMedia) -> str:
    """A file for the outbox."""
    caption = media.caption
    stored = StoredMedia(
        str(media.kind),
        str(media.path),
        media.name,
        caption.text if caption else "",
        caption.formatted if caption else None,
    )
    return msgspec.json.encode(stored).decode()


def encode_markdown(text: str) -> str:
    """A text in Markdown for the outbox; composed when it is sent."""
    return msgspec.json.encode(StoredMarkdown(text)).decode()


def encode_removal(message_id: str) -> str:
    """The removal of a message, for the outbox."""
    return msgspec.json.encode(StoredRemoval(message_id)).decode()


def decode_part(content: str) -> StoredPart:
    """What a row of the outbox is about.

    Raises:
        ValueError: It is not ours.
    """
    part: StoredPart = msgspec.json.decode(content, type=StoredPart)
    return part


def to_outgoing_text(stored: StoredText, row: OutboxRow) -> OutgoingText:
    """The text of a row, ready for an adapter."""
    buttons = tuple(tuple(Button(label, data) for label, data in line) for line in stored.buttons)
    return OutgoingText(
        stored.text,
        stored.formatted,
        reply_to=row.reply_to,
        buttons=buttons,
        silent=stored.silent,
        idempotency_key=row.idempotency_key,
    )


def to_outgoing_media(stored: StoredMedia, row: OutboxRow) -> OutgoingMedia:
    """The file of a row, ready for an adapter."""
    caption = OutgoingText(stored.caption, stored.formatted_caption) if stored.caption else None
    return OutgoingMedia(
        MediaKind(stored.kind),
        Path(stored.path),
        stored.name,
        caption,
        reply_to=row.reply_to,
        idempotency_key=row.idempotency_key,
    )
