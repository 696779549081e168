"""Where everything stands in the text of a YAML file, to the character; aliases and comments included."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yaml._yaml import Mark as CMark
    from yaml.error import Mark

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_COMMENT: Final = re.compile(r"(?:^|(?<=\s))#[^\n\r]*")


@dataclass(slots=True)
class Part:
    """A value or a key in the text.

    Attributes:
        kind: ``scalar``, ``alias``, ``list`` or ``mapping``.
        start: Index of its first character; an anchor or a tag belongs to it.
        end: Index after its last character; in a block, that of what is in it, without comments that follow.
        column: Column of ``start``.
        flow: Whether it is written in brackets or braces.
        text: Of a scalar, what it says.
        style: Of a scalar, its first quote, ``|`` or ``>``; empty for none.
        parts: Of a list its items, of a mapping its keys and values in turn.
    """

    kind: str
    start: int
    end: int
    column: int
    flow: bool = False
    text: str = ""
    style: str = ""
    parts: list[Part] = field(default_factory=list)

    @property
    def is_null(self) -> bool:
        """Whether it is nothing, written in whatever way."""
        return self.kind == "scalar" and not self.style and self.text in _NULLS

    def pairs(self) -> list[tuple[Part, Part]]:
        """The keys and values of a mapping."""
        return list(zip(self.parts[::2], self.parts[1::2], strict=True))

    def find(self, key: str) -> tuple[Part, Part] | None:
        """The last pair with this key, which is the one that counts."""
        return next((pair for pair in reversed(self.pairs()) if pair[0].kind == "scalar" and pair[0].text == key), None)


def outline(text: str) -> Part | None:
    """The root of a YAML text that is known to be fine; None when there is nothing in it."""
    root = Part("list", 0, 0, 0)
    open_parts = [root]
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, NodeEvent):
            part = _part(event)
            open_parts[-1].parts.append(part)
            if isinstance(event, CollectionStartEvent):
                open_parts.append(part)
        elif isinstance(event, CollectionEndEvent):
            part = open_parts.pop()
            part.end = part.parts[-1].end if part.parts and not part.flow else _place(event.end_mark)[0]
    return root.parts[0] if root.parts else None


def _part(event: NodeEvent) -> Part:
    start, column = _place(event.start_mark)
    end, _ = _place(event.end_mark)
    if isinstance(event, ScalarEvent):
        return Part("scalar", start, end, column, text=event.value, style=event.style or "")
    if isinstance(event, AliasEvent):
        return Part("alias", start, end, column)
    kind = "mapping" if isinstance(event, MappingStartEvent) else "list"
    return Part(kind, start, end, column, flow=bool(getattr(event, "flow_style", False)))


def _place(mark: Mark | CMark | None) -> tuple[int, int]:
    """Index and column; the parser gives every event a mark."""
    return (mark.index, mark.column) if mark is not None else (0, 0)


def comments(text: str, root: Part | None) -> list[str]:
    """All comments of the text, in order."""
    found: list[str] = []
    at = 0
    for part in _leaves(root) if root else ():
        found += _COMMENT.findall(text, at, max(at, part.start))
        if part.style in ("|", ">"):
            header = text[part.start : part.end].split("\n", 1)[0]
            found += _COMMENT.findall(header)
        at = max(at, part.end)
    return [comment.rstrip() for comment in found + _COMMENT.findall(text, at)]


def _leaves(part: Part) -> Iterator[Part]:
    if part.kind in ("scalar", "alias"):
        yield part
    for child in part.parts:
        yield from _leaves(child)
