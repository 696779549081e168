"""``parse_mode=HTML``, as strict as Telegram: what it does not know or what is not closed is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.testing.telegram.answers import ApiRefusal, bad_request
from hermes_trio.testing.telegram.entities import Entity, RichText, in_order, normal_url, utf16_length

if TYPE_CHECKING:
    from collections.abc import Mapping

_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "b": "bold",
        "strong": "bold",
        "i": "italic",
        "em": "italic",
        "u": "underline",
        "ins": "underline",
        "s": "strikethrough",
        "strike": "strikethrough",
        "del": "strikethrough",
        "tg-spoiler": "spoiler",
        "span": "spoiler",
        "blockquote": "blockquote",
        "a": "text_link",
        "code": "code",
        "pre": "pre",
        "tg-emoji": "custom_emoji",
    }
)
_NAMED: Final[Mapping[str, str]] = MappingProxyType({"lt": "<", "gt": ">", "amp": "&", "quot": '"'})
_REFERENCE: Final = re.compile(r"&(?:(lt|gt|amp|quot)|#([0-9]{1,7})|#x([0-9a-fA-F]{1,6}));?")
_START: Final = re.compile(
    r"<([a-zA-Z][a-zA-Z0-9-]*)((?:\s+[a-zA-Z-]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?)*)\s*>"
)
_END: Final = re.compile(r"</([a-zA-Z0-9-]*)\s*>")
_ATTRIBUTE: Final = re.compile(r"([a-zA-Z-]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
_BAD_NAME: Final = re.compile(r"<([^\s>]*)")


@dataclass(frozen=True, slots=True)
class _Open:
    tag: str
    attributes: Mapping[str, str]
    offset: int


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._parts: list[str] = []
        self._length = 0
        self._open: list[_Open] = []
        self._entities: list[Entity] = []

    def read(self) -> RichText:
        position = 0
        while (bracket := self._source.find("<", position)) >= 0:
            self._add(self._source[position:bracket])
            closing = self._source.startswith("</", bracket)
            position = self._end(bracket) if closing else self._start(bracket)
        self._add(self._source[position:])
        if self._open:
            raise _refusal(f'Can\'t find end tag corresponding to start tag "{self._open[-1].tag}"')
        return RichText("".join(self._parts), in_order(_with_languages(self._entities)))

    def _add(self, source: str) -> None:
        text = _REFERENCE.sub(_character, source)
        self._parts.append(text)
        self._length += utf16_length(text)

    def _at(self, position: int) -> str:
        return f"at byte offset {len(self._source[:position].encode())}"

    def _start(self, position: int) -> int:
        match = _START.match(self._source, position)
        if match is None:
            name = _BAD_NAME.match(self._source, position)
            tag = name.group(1).lower() if name else ""
            if tag in _TYPES or ">" not in self._source[position:]:
                raise _refusal(f"Unclosed start tag {self._at(position)}")
            raise _refusal(f'Unsupported start tag "{tag}" {self._at(position)}')
        tag = match.group(1).lower()
        attributes = {
            found.group(1).lower(): _REFERENCE.sub(_character, next((v for v in found.groups()[1:] if v), ""))
            for found in _ATTRIBUTE.finditer(match.group(2))
        }
        if tag not in _TYPES or (tag == "span" and attributes.get("class") != "tg-spoiler"):
            raise _refusal(f'Unsupported start tag "{tag}" {self._at(position)}')
        self._open.append(_Open(tag, attributes, self._length))
        return match.end()

    def _end(self, position: int) -> int:
        match = _END.match(self._source, position)
        if self._open and match is None and ">" not in self._source[position:]:
            raise _refusal(f"Unclosed end tag {self._at(position)}")
        if match is None or not self._open:
            raise _refusal(f"Unexpected end tag {self._at(position)}")
        opened = self._open.pop()
        if match.group(1).lower() not in ("", opened.tag):
            raise _refusal(
                f'Unmatched end tag {self._at(position)}, expected "</{opened.tag}>", found "</{match.group(1)}>"'
            )
        self._close(opened)
        return match.end()

    def _close(self, opened: _Open) -> None:
        length = self._length - opened.offset
        kind = _TYPES[opened.tag]
        if kind == "blockquote" and "expandable" in opened.attributes:
            kind = "expandable_blockquote"
        url = language = ""
        if kind == "text_link":
            url = normal_url(opened.attributes.get("href") or self._text_since(opened))
            if not url:
                return
        if kind == "code":
            language = opened.attributes.get("class", "").removeprefix("language-")
        emoji = opened.attributes.get("emoji-id", "")
        self._entities.append(Entity(kind, opened.offset, length, url, language, emoji))

    def _text_since(self, opened: _Open) -> str:
        return RichText("".join(self._parts)).part(Entity("", opened.offset, self._length - opened.offset))


def _character(match: re.Match[str]) -> str:
    name, decimal, hexadecimal = match.groups()
    if name:
        return _NAMED[name]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else match.group()


def _with_languages(entities: list[Entity]) -> list[Entity]:
    """A ``code`` with a language that covers the same text as a ``pre`` gives it its language and is gone."""
    spans = {(each.offset, each.length): each.language for each in entities if each.type == "code" and each.language}
    pres = {(each.offset, each.length) for each in entities if each.type == "pre"}
    kept = []
    for each in entities:
        span = (each.offset, each.length)
        if each.type == "pre":
            kept.append(msgspec.structs.replace(each, language=spans.get(span, "")))
        elif each.type != "code" or not (each.language and span in pres):
            kept.append(msgspec.structs.replace(each, language=""))
    return kept


def _refusal(problem: str) -> ApiRefusal:
    return bad_request(f"can't parse entities: {problem}")


def parse_html(source: str) -> RichText:
    """Text and entities of a source in Telegram's HTML.

    Raises:
        ApiRefusal: Telegram would not take it.
    """
    return _Reader(source).read()
