"""A document as readable plain text."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from hermes_trio.adapter_api.document import (
    Code,
    CodeBlock,
    Heading,
    LineBreak,
    Link,
    ListBlock,
    Paragraph,
    Quote,
    Rule,
    Table,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.adapter_api.document import Block, Document, Inline

#: A wider table is not aligned: its lines would wrap in a chat.
WIDEST_TABLE: Final = 80
_BULLET: Final = "•"
_RULE: Final = "———"


def plain_text(document: Document) -> str:
    """Write a document without markup: bullets, numbers, ``> `` before quotes, aligned tables, links with address."""
    return _spaced(document)


def visible_text(children: Sequence[Inline]) -> str:
    """The words of a row of inline elements, without the addresses of links."""
    return "".join(_inline(child, with_urls=False) for child in children)


def _spaced(blocks: Sequence[Block]) -> str:
    return "\n\n".join(_block(block) for block in blocks)


def _block(block: Block) -> str:
    match block:
        case Paragraph(children=children) | Heading(children=children):
            return _line(children)
        case CodeBlock(text=text):
            return text
        case Quote(children=blocks):
            return _indented(_spaced(blocks), "> ", "> ")
        case ListBlock(items=items, start=start):
            return "\n".join(_item(item, _mark(start, index)) for index, item in enumerate(items))
        case Table(rows=rows):
            return _table(rows)
        case Rule():
            return _RULE


def _mark(start: int | None, index: int) -> str:
    return f"{_BULLET} " if start is None else f"{start + index}. "


def _item(blocks: Sequence[Block], mark: str) -> str:
    """Lists follow their line at once; other blocks get a line between them."""
    text = ""
    for block in blocks:
        gap = "" if not text else "\n" if isinstance(block, ListBlock) else "\n\n"
        text += gap + _block(block)
    return _indented(text, mark, " " * len(mark))


def _indented(text: str, first: str, others: str) -> str:
    lines = text.split("\n")
    return "\n".join(((first if index == 0 else others) + line).rstrip() for index, line in enumerate(lines))


def _line(children: Sequence[Inline]) -> str:
    return "".join(_inline(child, with_urls=True) for child in children)


def _inline(child: Inline, *, with_urls: bool) -> str:
    match child:
        case Text(text=text) | Code(text=text):
            return text
        case LineBreak():
            return "\n"
        case Link(url=url, children=children):
            shown = "".join(_inline(inner, with_urls=with_urls) for inner in children)
            return shown if not with_urls or _is_same(shown, url) else f"{shown} ({url})"
    return "".join(_inline(inner, with_urls=with_urls) for inner in child.children)


def _is_same(shown: str, url: str) -> bool:
    return shown in (url, url.removeprefix("mailto:"), url.removeprefix("https://"), url.removeprefix("https://") + "/")


def _table(rows: Sequence[Sequence[Sequence[Inline]]]) -> str:
    cells = [[_line(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip_longest(*cells, fillvalue="")]
    if sum(widths) + 3 * len(widths) > WIDEST_TABLE:
        widths = [0] * len(widths)
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in cells]
    ruler = "-+-".join("-" * max(width, 3) for width in widths)
    return "\n".join((*lines[:1], ruler, *lines[1:]))
