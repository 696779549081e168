"""A document in the loopback platform's markup: ``*bold*``, ``_italic_``, code in backticks, ``[words](address)``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hermes_trio.adapter_api.document import (
    Block,
    Bold,
    Code,
    CodeBlock,
    Heading,
    Inline,
    Italic,
    LineBreak,
    Link,
    ListBlock,
    Paragraph,
    Quote,
    Rule,
    Spoiler,
    Strike,
    Table,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.adapter_api.document import Document

_SPECIAL: Final = re.compile(r"([\\*_`\[\]])")


def render_markup(document: Document) -> str:
    """Render a document; what is no markup is escaped."""
    return "\n\n".join(_block(block) for block in document)


def _block(block: Block) -> str:
    match block:
        case Paragraph(children):
            return _inlines(children)
        case Heading(_, children):
            return f"*{_inlines(children)}*"
        case CodeBlock(text, language):
            return f"```{language}\n{text}\n```"
        case Quote(children):
            return "\n".join(f"> {line}" for line in render_markup(children).split("\n"))
        case ListBlock(items, start):
            marks = ["-" if start is None else f"{start + number}." for number in range(len(items))]
            return "\n".join(f"{mark} {render_markup(item)}" for mark, item in zip(marks, items, strict=True))
        case Table(rows):
            return "\n".join(" | ".join(_inlines(cell) for cell in row) for row in rows)
        case Rule():
            return "———"


def _inlines(children: Sequence[Inline]) -> str:
    return "".join(_inline(child) for child in children)


def _inline(inline: Inline) -> str:
    match inline:
        case Text(text):
            return _SPECIAL.sub(r"\\\1", text)
        case LineBreak():
            return "\n"
        case Code(text):
            return f"`{text}`"
        case Link(url, children):
            return f"[{_inlines(children)}]({url})"
        case Bold(children):
            return f"*{_inlines(children)}*"
        case Italic(children):
            return f"_{_inlines(children)}_"
        case Strike(children) | Spoiler(children):
            return _inlines(children)
