"""Text with entities, counted in UTF-16 units as Telegram counts, and the entities Telegram finds by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

_FOUND: Final = re.compile(
    r"(?P<url>https?://[^\s<>\"]+)"
    r"|(?<![\w@/])(?P<mention>@[A-Za-z][A-Za-z0-9_]{2,31})\b"
    r"|(?<![\w/<])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@[A-Za-z][A-Za-z0-9_]{2,31})?)(?![\w/])"
    r"|(?<![\w#])(?P<hashtag>#\w+)"
)
_ADDRESS: Final = re.compile(
    r"(?:(https?|ftp)://)?((?:(?:[\w-]+\.)+[\w-]{2,}|\d+(?:\.\d+){3})(?::\d+)?)((?:[/?#].*)?)", re.I | re.S
)
_LITERAL: Final = frozenset({"code", "pre", "text_link", "text_mention"})


class Entity(msgspec.Struct, frozen=True, omit_defaults=True):
    """A ``MessageEntity``.

    Attributes:
        type: E.g. ``bold``, ``mention``, ``bot_command``.
        offset: Start, in UTF-16 units.
        length: In UTF-16 units.
        url: Of a ``text_link``.
        language: Of a ``pre``.
        custom_emoji_id: Of a ``custom_emoji``.
    """

    type: str
    offset: int
    length: int
    url: str = ""
    language: str = ""
    custom_emoji_id: str = ""

    @property
    def end(self) -> int:
        """Where it ends, in UTF-16 units."""
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class RichText:
    """A text and its entities, in the order of their offsets, outer ones first."""

    text: str = ""
    entities: tuple[Entity, ...] = ()

    def part(self, entity: Entity) -> str:
        """The part of the text an entity covers."""
        units = self.text.encode("utf-16-le")
        return units[2 * entity.offset : 2 * entity.end].decode("utf-16-le", "replace")


def utf16_length(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def normal_url(text: str) -> str:
    """An address as Telegram keeps it, with scheme and path; empty when it is none."""
    if text.lower().startswith("tg:"):
        return text
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return ""
    scheme, host, rest = match.groups()
    return f"{(scheme or 'http').lower()}://{host}{rest if rest.startswith('/') else '/' + rest}"


def in_order(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """Entities as Telegram sorts them; empty ones are dropped."""
    return tuple(sorted((entity for entity in entities if entity.length > 0), key=lambda e: (e.offset, -e.length)))


def with_found_entities(rich: RichText) -> RichText:
    """The text with commands, mentions, addresses and hashtags marked, except inside code and links."""
    literal = [entity for entity in rich.entities if entity.type in _LITERAL]
    found = []
    for match in _FOUND.finditer(rich.text):
        offset = utf16_length(rich.text[: match.start()])
        entity = Entity(str(match.lastgroup), offset, utf16_length(match.group()))
        if not any(entity.offset < other.end and other.offset < entity.end for other in literal):
            found.append(entity)
    return RichText(rich.text, in_order((*rich.entities, *found)))


def trimmed(rich: RichText) -> RichText:
    """The text without white space around it; entities are cut to what is left."""
    text = rich.text.strip()
    start = utf16_length(rich.text[: len(rich.text) - len(rich.text.lstrip())])
    length = utf16_length(text)
    cut = []
    for entity in rich.entities:
        offset = max(entity.offset - start, 0)
        end = min(entity.end - start, length)
        cut.append(msgspec.structs.replace(entity, offset=offset, length=end - offset))
    return RichText(text, in_order(cut))
