"""How ids are compared: as text, whole or by the part before ``@``; an empty id is nobody and on no list. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from hermes_trio.routing.source import MessageSource

EVERYBODY: Final = "*"
_DIRECT: Final = "dm"


def clean_id(value: object) -> str:
    """An id as text; empty when there is none."""
    return "" if value is None else str(value).strip()


def is_direct(source: MessageSource) -> bool:
    """Whether it is a conversation of two."""
    return source.chat_type == _DIRECT


def is_listed(value: object, entries: AbstractSet[str]) -> bool:
    """Whether an id, or the part of it before ``@``, is among the entries, or ``*`` is."""
    text = clean_id(value)
    if not text:
        return False
    return EVERYBODY in entries or text in entries or _before_at(text) in entries


def is_chat_listed(source: MessageSource, entries: AbstractSet[str]) -> bool:
    """Whether the chat, or the one that the thread belongs to, is among the entries, or ``*`` is."""
    chats = [chat for chat in (clean_id(source.chat_id), clean_id(source.parent_chat_id)) if chat]
    return bool(chats) and (EVERYBODY in entries or any(chat in entries for chat in chats))


def _before_at(text: str) -> str:
    """An id that begins with ``@`` has nothing before it; then the whole is all there is to compare."""
    return text.partition("@")[0].strip() or text
