"""What an adapter is asked to send, and where to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from hermes_trio.adapter_api.messages import MediaKind


@dataclass(frozen=True, slots=True)
class Target:
    """A place to send to.

    Attributes:
        chat_id: The chat, as the platform names it.
        thread_id: The thread or topic within it, or None.
    """

    chat_id: str
    thread_id: str | None = None


@dataclass(frozen=True, slots=True)
class Button:
    """A button below a message.

    Attributes:
        label: What it says.
        data: What comes back when it is pressed; at most 64 bytes of UTF-8, the least that platforms allow.
    """

    label: str
    data: str


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """One message of text, short enough for the platform.

    Attributes:
        text: The text without markup; what is sent when the platform refuses the formatted one.
        formatted: The same in the platform's own markup (see `Capabilities.render`), or None.
        reply_to: The platform's id of the message it answers, or None.
        buttons: Rows of buttons.
        silent: Whether nobody is to be notified.
        idempotency_key: The same for every try to send this part; platforms that know such a key get it. Printable
            ASCII, at most 255 characters.
    """

    text: str
    formatted: str | None = None
    reply_to: str | None = None
    buttons: tuple[tuple[Button, ...], ...] = ()
    silent: bool = False
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True)
class OutgoingMedia:
    """One file to send.

    Attributes:
        kind: How it is to be shown.
        path: Where it is; the delivery has checked that it may be sent.
        name: Its name for people.
        caption: Text below it, or None; at most `Capabilities.caption_limit` long.
        reply_to: The platform's id of the message it answers, or None.
        idempotency_key: See `OutgoingText`.
    """

    kind: MediaKind
    path: Path = field(repr=False)
    name: str = ""
    caption: OutgoingText | None = None
    reply_to: str | None = None
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True)
class SentMessage:
    """What the platform made of it.

    Attributes:
        message_id: The platform's id, with which the message can be edited.
    """

    message_id: str
