"""What a platform can do, as its adapter tells the core."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hermes_trio.adapter_api.document import Document
    from hermes_trio.adapter_api.messages import MediaKind

Render = Callable[["Document"], str]
"""Renders a document into a platform's markup. Pure."""


class TextUnit(enum.StrEnum):
    """In what a platform counts the length of a text."""

    CHARACTERS = "characters"
    UTF16 = "utf16"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can do; the core never asks an adapter for anything else.

    Attributes:
        text_limit: Longest text of one message, in ``text_unit``.
        text_unit: What a text's length is counted in.
        render: Renders the platform's markup, or None where there is only plain text.
        counts_markup: Whether markup counts for the limit.
        edits: Whether a sent message can be edited, so that an answer can grow while it is written.
        deletes: Whether a sent message can be deleted.
        threads: Whether chats have threads or topics.
        typing: Whether it can show that the bot is writing.
        typing_seconds: How long one such sign lasts.
        reactions: Whether the bot can react to a message.
        buttons: Whether messages can have buttons.
        media: What kinds of files it can send.
        caption_limit: Longest text below a file; 0 where files have none.
        idempotent_sends: Whether the platform itself drops a part that it has got already, by `idempotency_key`.
        requires_mention: Whether groups are answered only when the bot is spoken to, unless the settings say otherwise.
        numbers_parts: Whether the parts of a long text are numbered.
    """

    text_limit: int
    text_unit: TextUnit = TextUnit.CHARACTERS
    render: Render | None = None
    counts_markup: bool = True
    edits: bool = False
    deletes: bool = False
    threads: bool = False
    typing: bool = False
    typing_seconds: float = 4.0
    reactions: bool = False
    buttons: bool = False
    media: frozenset[MediaKind] = frozenset()
    caption_limit: int = 0
    idempotent_sends: bool = False
    requires_mention: bool = True
    numbers_parts: bool = True
