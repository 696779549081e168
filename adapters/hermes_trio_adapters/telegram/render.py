"""A document as Telegram's HTML. Pure; whatever the document, Telegram takes the result.

Telegram's HTML knows no lists, headings and tables, and no quotation within a quotation; a link holds no code.
"""

from __future__ import annotations

import re
from html import escape
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
    from collections.abc import Mapping, Sequence

    from hermes_trio.adapter_api.document import Document

RULE: Final = "———"
#: The lines of a wider table would wrap in a chat; it is not aligned.
WIDEST_TABLE: Final = 80
BULLETS: Final = ("•", "◦", "▪")
_BAR: Final = " | "
_TAGS: Final[Mapping[type, str]] = {Bold: "b", Italic: "i", Strike: "s", Spoiler: "tg-spoiler"}
_LANGUAGE: Final = re.compile(r"[^\w+#.-]+")
_SHOWN_AS_LINK: Final = ("http://", "https://", "tg://")


def render_html(document: Document) -> str:
    """Render a document; every tag is closed, and what is no markup is escaped."""
    return _blocks(document, "", depth=0, quoted=False, between="\n\n")


def _blocks(blocks: Sequence[Block], indent: str, *, depth: int, quoted: bool, between: str) -> str:
    return between.join(_block(block, indent, depth=depth, quoted=quoted) for block in blocks)


def _block(block: Block, indent: str, *, depth: int, quoted: bool) -> str:
    match block:
        case Paragraph(children):
            return _lines(_inlines(children), indent)
        case Heading(_, children):
            return _lines(f"<b>{_inlines(children)}</b>", indent)
        case CodeBlock(text, language):
            return _code_block(text, language)
        case Quote(children):
            inner = _blocks(children, "" if not quoted else indent, depth=depth, quoted=True, between="\n\n")
            return inner if quoted else f"<blockquote>{inner}</blockquote>"
        case ListBlock():
            return _list(block, indent, depth=depth, quoted=quoted)
        case Table(rows):
            return f"<pre>{escape(_table(rows), quote=False)}</pre>"
        case Rule():
            return indent + RULE


def _lines(rendered: str, indent: str) -> str:
    return indent + rendered.replace("\n", f"\n{indent}") if indent else rendered


def _inlines(children: Sequence[Inline], *, linked: bool = False) -> str:
    return "".join(_inline(child, linked=linked) for child in children)


def _inline(inline: Inline, *, linked: bool) -> str:
    match inline:
        case Text(text):
            return escape(text, quote=False)
        case LineBreak():
            return "\n"
        case Code(text):
            shown = escape(text, quote=False)
            return shown if linked else f"<code>{shown}</code>"
        case Link(url, children):
            return _inlines(children, linked=True) if linked else _link(url, children)
        case Bold(children) | Italic(children) | Strike(children) | Spoiler(children):
            tag = _TAGS[type(inline)]
            return f"<{tag}>{_inlines(children, linked=linked)}</{tag}>"


def _link(url: str, children: Sequence[Inline]) -> str:
    shown = _inlines(children, linked=True)
    if url.lower().startswith(_SHOWN_AS_LINK):
        return f'<a href="{escape(url)}">{shown or escape(url, quote=False)}</a>'
    # Telegram links nothing else; the address must not get lost.
    return shown if not url or _says(_plain(children), url) else f"{shown} ({escape(url, quote=False)})"


def _says(shown: str, url: str) -> bool:
    """Whether the shown text is the address itself."""
    bare = url.removeprefix("mailto:").removeprefix("https://")
    return shown in (url, bare, f"{bare}/")


def _code_block(text: str, language: str) -> str:
    named = _LANGUAGE.sub("", language)
    shown = escape(text, quote=False)
    return f'<pre><code class="language-{named}">{shown}</code></pre>' if named else f"<pre>{shown}</pre>"


def _list(block: ListBlock, indent: str, *, depth: int, quoted: bool) -> str:
    bullet = BULLETS[min(depth, len(BULLETS) - 1)]
    items = []
    for number, item in enumerate(block.items, start=block.start or 0):
        marker = f"{bullet} " if block.start is None else f"{number}. "
        items.append(_item(item, indent, marker, depth=depth, quoted=quoted))
    return "\n".join(items)


def _item(item: Sequence[Block], indent: str, marker: str, *, depth: int, quoted: bool) -> str:
    inner = indent + " " * len(marker)
    rendered = _blocks(item, inner, depth=depth + 1, quoted=quoted, between="\n")
    if rendered.startswith(inner):
        return indent + marker + rendered[len(inner) :]
    return f"{indent}{marker.rstrip()}\n{rendered}" if rendered else indent + marker.rstrip()


def _table(rows: Sequence[Sequence[Sequence[Inline]]]) -> str:
    """Rows below each other; columns are aligned by characters, which keeps a table as short as the plain text."""
    cells = [[_plain(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=False)]
    if sum(widths) + len(_BAR) * len(widths) > WIDEST_TABLE:
        widths = [0] * len(widths)
    lines = [_BAR.join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in cells]
    lines.insert(1, "-+-".join("-" * max(width, 3) for width in widths))
    return "\n".join(lines)


def _plain(children: Sequence[Inline]) -> str:
    return "".join(_plain_inline(child) for child in children)


def _plain_inline(inline: Inline) -> str:
    match inline:
        case Text(text) | Code(text):
            return text
        case LineBreak():
            return " "
        case Link(url, children):
            shown = _plain(children)  # nothing is linked within `pre`
            return shown if _says(shown, url) else f"{shown} ({url})"
        case Bold(children) | Italic(children) | Strike(children) | Spoiler(children):
            return _plain(children)
