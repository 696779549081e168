"""``parse_mode=MarkdownV2``, as strict as Telegram: every reserved character that marks nothing must be escaped."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.testing.telegram.answers import ApiRefusal, bad_request
from hermes_trio.testing.telegram.entities import Entity, RichText, in_order, utf16_length

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


@dataclass(frozen=True, slots=True)
class _Open:
    kind: str
    mark: str
    offset: int
    at: int
    language: str = ""


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._parts: list[str] = []
        self._length = 0
        self._open: list[_Open] = []
        self._quote: int | None = None
        self._expandable = False
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
        if character == "\\" and "\x00" < following < "\x7f":
            self._add(following, 2)
        elif self._literal:
            if self._source.startswith(self._open[-1].mark, self._at):
                self._close(self._open[-1].mark)
            else:
                self._add(character)
        elif self._at_line_start and self._quotes(character):
            return
        elif character not in _RESERVED:
            self._add(character)
        else:
            self._mark(character)

    @property
    def _literal(self) -> bool:
        return bool(self._open) and self._open[-1].kind in ("code", "pre")

    @property
    def _at_line_start(self) -> bool:
        return self._at == 0 or self._source[self._at - 1] == "\n"

    def _quotes(self, character: str) -> bool:
        """Begin, go on with, or end a block quotation at the beginning of a line; whether a mark was taken."""
        expandable = self._source.startswith("**>", self._at)
        if character == ">" or expandable:
            if self._quote is None or expandable:
                self._end_quote()
                self._quote = self._length
            self._at += 3 if expandable else 1
            return True
        self._end_quote()
        return False

    def _end_quote(self) -> None:
        if self._quote is not None:
            length = self._length - self._quote - (1 if self._parts[-1:] == ["\n"] else 0)
            kind = "expandable_blockquote" if self._expandable else "blockquote"
            self._entities.append(Entity(kind, self._quote, length))
            self._quote, self._expandable = None, False

    def _mark(self, character: str) -> None:
        if self._open and self._source.startswith(self._open[-1].mark, self._at):
            opened = self._open[-1]
            # `__` inside an italic part opens or closes an underline; only a lone `_` ends the italics.
            if opened.mark != "_" or not self._source.startswith("__", self._at):
                self._close(opened.mark)
                return
        if self._quote is not None and self._source[self._at :].partition("\n")[0] == "||":
            self._expandable = True
            self._at += 2
            return
        mark = next((mark for mark in _MARKS if self._source.startswith(mark, self._at)), None)
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
        if self._source.startswith("\n", self._at):
            self._at += 1
        return language

    def _close(self, mark: str) -> None:
        opened = self._open.pop()
        self._at += len(mark)
        address = self._address() if opened.kind in _ENDS else ""
        length = self._length - opened.offset
        if opened.kind == "custom_emoji":
            emoji = address.rpartition("id=")[2]
            self._entities.append(Entity(opened.kind, opened.offset, length, custom_emoji_id=emoji))
        elif opened.kind != "text_link" or address:
            self._entities.append(Entity(opened.kind, opened.offset, length, address, opened.language))

    def _address(self) -> str:
        if not self._source.startswith("(", self._at):
            return ""
        begin = self._at
        self._at += 1
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
