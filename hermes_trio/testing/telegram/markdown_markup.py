"""``parse_mode=MarkdownV2``, as strict as Telegram: every reserved character that marks nothing must be escaped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.testing.telegram.answers import ApiRefusal, bad_request
from hermes_trio.testing.telegram.entities import Entity, RichText, in_order, normal_url, utf16_length

if TYPE_CHECKING:
    from collections.abc import Mapping

_RESERVED: Final = frozenset("_*[]()~`>#+-=|{}.!")
#: Longest first, since ``__`` begins with ``_``.
_MARKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "```": "pre",
        "||": "spoiler",
        "__": "underline",
        "_": "italic",
        "*": "bold",
        "~": "strikethrough",
        "`": "code",
        "![": "custom_emoji",
        "[": "text_link",
    }
)
_ENDS: Final[Mapping[str, str]] = MappingProxyType({"custom_emoji": "]", "text_link": "]"})
_NAMES: Final[Mapping[str, str]] = MappingProxyType({"text_link": "TextUrl", "custom_emoji": "CustomEmoji"})
_END_OF_EXPANDABLE: Final = re.compile(r"\|\|(?:\r?\n|\Z)")
_LINE_BREAK: Final = re.compile(r"\n\r|\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class _Open:
    kind: str
    mark: str
    offset: int
    at: int
    language: str = ""


@dataclass(slots=True)
class _Quote:
    offset: int
    depth: int
    expandable: bool = False


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._parts: list[str] = []
        self._length = 0
        self._open: list[_Open] = []
        self._quote: _Quote | None = None
        self._may_quote = True
        self._entities: list[Entity] = []

    def read(self) -> RichText:
        while self._at < len(self._source):
            self._step()
        if self._open:
            left = self._open[-1]
            raise self._no_end(left)
        self._end_quote()
        return RichText("".join(self._parts), in_order(self._entities))

    def _step(self) -> None:
        character = self._source[self._at]
        following = self._source[self._at + 1 : self._at + 2]
        literal = self._open[-1].kind if self._open and self._open[-1].kind in ("code", "pre") else ""
        if character == "\\" and "\x00" < following < "\x7f":
            self._add(following, 2)
        elif character not in _RESERVED or (literal and character != "`"):
            self._add(character)
            if character == "\n" and not literal and self._source[self._at : self._at + 1] != ">":
                self._end_quote()
        elif character == ">" and self._may_quote:
            self._quote = self._quote or _Quote(self._length, len(self._open))
            self._may_quote = False
            self._at += 1
        else:
            self._mark(character)

    def _end_quote(self) -> None:
        if self._quote is None:
            return
        if len(self._open) > self._quote.depth:
            raise self._no_end(self._open[-1])
        kind = "expandable_blockquote" if self._quote.expandable else "blockquote"
        self._entities.append(Entity(kind, self._quote.offset, self._length - self._quote.offset))
        self._quote = None

    def _mark(self, character: str) -> None:
        opened = self._open[-1] if self._open else None
        # A lone `_` ends italics; `__` inside them opens or closes an underline.
        underline = opened is not None and opened.mark == "_" and self._source.startswith("__", self._at)
        if opened is not None and not underline and self._source.startswith(opened.mark, self._at):
            self._close(opened.mark)
            return
        if self._quote is not None and _END_OF_EXPANDABLE.match(self._source, self._at):
            self._quote.expandable = True
            self._at += 2
            return
        inside_pre = opened is not None and opened.kind == "pre"
        mark = "`" if inside_pre else next((m for m in _MARKS if self._source.startswith(m, self._at)), None)
        if mark is None:
            raise _refusal(f"Character '{character}' is reserved and must be escaped with the preceding '\\'")
        kind = _MARKS[mark]
        opened_at = self._at
        self._at += len(mark)
        language = self._language() if kind == "pre" else ""
        self._open.append(_Open(kind, _ENDS.get(kind, mark), self._length, opened_at, language))

    def _language(self) -> str:
        """The language named after the fence, which is not part of the text, nor is the line break after it."""
        end = self._at
        while end < len(self._source) and not self._source[end].isspace() and self._source[end] != "`":
            end += 1
        if end > self._at and end < len(self._source) and self._source[end] != "`":
            language, self._at = self._source[self._at : end], end
        else:
            language = ""
        line_break = _LINE_BREAK.match(self._source, self._at)
        if line_break is not None:
            self._at = line_break.end()
        return language

    def _close(self, mark: str) -> None:
        opened = self._open.pop()
        self._at += len(mark)
        has_address = opened.kind in _ENDS and self._source.startswith("(", self._at)
        address = self._address() if has_address else ""
        length = self._length - opened.offset
        if opened.kind == "custom_emoji":
            emoji = address.rpartition("id=")[2]
            self._entities.append(Entity(opened.kind, opened.offset, length, custom_emoji_id=emoji))
        elif opened.kind != "text_link":
            self._entities.append(Entity(opened.kind, opened.offset, length, language=opened.language))
        elif url := normal_url(address if has_address else self._text_since(opened)):
            self._entities.append(Entity(opened.kind, opened.offset, length, url))

    def _text_since(self, opened: _Open) -> str:
        return RichText("".join(self._parts)).part(Entity("", opened.offset, self._length - opened.offset))

    def _address(self) -> str:
        self._at += 1
        begin = self._at
        address = ""
        while self._at < len(self._source) and self._source[self._at] != ")":
            if self._source[self._at] == "\\" and self._at + 1 < len(self._source):
                self._at += 1
            address += self._source[self._at]
            self._at += 1
        if self._at >= len(self._source):
            raise _refusal(f"Can't find end of a URL at byte offset {self._bytes(begin)}")
        self._at += 1
        return address

    def _add(self, text: str, consumed: int = 1) -> None:
        self._parts.append(text)
        self._length += utf16_length(text)
        self._at += consumed
        self._may_quote = text in ("\n", "\r")

    def _bytes(self, position: int) -> int:
        return len(self._source[:position].encode())

    def _no_end(self, opened: _Open) -> ApiRefusal:
        name = "PreCode" if opened.language else _NAMES.get(opened.kind, opened.kind.capitalize())
        return _refusal(f"Can't find end of {name} entity at byte offset {self._bytes(opened.at)}")


def _refusal(problem: str) -> ApiRefusal:
    return bad_request(f"can't parse entities: {problem}")


def parse_markdown(source: str) -> RichText:
    """Text and entities of a source in MarkdownV2.

    Raises:
        ApiRefusal: Telegram would not take it.
    """
    return _Reader(source).read()
