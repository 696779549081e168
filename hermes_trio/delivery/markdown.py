"""Reads the Markdown that models write into a `Document`.

It is CommonMark with tables and ``~~struck~~`` text, and differs where chats do: a line end is a line end, ``||text||``
is a spoiler, images become links, and raw HTML, reference definitions and underlined headings are text. No word of the
text gets lost: where the grammar would drop one (surplus cells of a table's row, too deep nesting), the text stays as
it is written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt
from markdown_it.rules_block.table import escapedSplit, getLine, table

from hermes_trio.adapter_api.document import (
    Bold,
    Code,
    CodeBlock,
    Heading,
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
    from collections.abc import Iterator, Sequence

    from markdown_it.rules_block import StateBlock
    from markdown_it.token import Token

    from hermes_trio.adapter_api.document import Block, Document, Inline

DEEPEST_NESTING: Final = 20
_SPOILER: Final = re.compile(r"(\|\|)")
_EDGE_PIPES: Final = re.compile(r"^\s*\||(?<!\\)\|\s*$")


def parse_markdown(text: str) -> Document:
    """Read a text; every text is valid. Takes time proportional to its length, about 10 s for the worst megabyte."""
    tokens = _parser().parse(_without_lone_surrogates(text))
    if any(token.level >= DEEPEST_NESTING - 1 for token in tokens):
        return _as_it_is(text)
    return tuple(_blocks(iter(tokens)))


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST_NESTING})
    parser.enable(["strikethrough", "table"]).disable(["reference", "lheading"])
    parser.block.ruler.at("table", _table_without_surplus_cells, {"alt": ["paragraph"]})
    return parser


def _without_lone_surrogates(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _table_without_surplus_cells(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A table, unless a row has more cells than the head: the grammar would drop them."""
    before = len(state.tokens)
    if not table(state, start, end, silent):
        return False
    if silent:
        return True
    columns = _cells(state, start)
    if all(_cells(state, line) <= columns for line in range(start + 2, state.line)):
        return True
    del state.tokens[before:]
    state.line = start
    return False


def _cells(state: StateBlock, line: int) -> int:
    return len(escapedSplit(_EDGE_PIPES.sub("", getLine(state, line))))


def _as_it_is(text: str) -> Document:
    """Paragraphs without markup."""
    paragraphs = (paragraph.strip("\n") for paragraph in re.split(r"\n\s*\n", _without_lone_surrogates(text)))
    return tuple(Paragraph(_lines(paragraph)) for paragraph in paragraphs if paragraph.strip())


def _lines(text: str) -> tuple[Inline, ...]:
    lines: list[Inline] = []
    for line in text.split("\n"):
        lines += [Text(line.strip()), LineBreak()]
    return tuple(lines[:-1])


def _blocks(tokens: Iterator[Token], end: str = "") -> list[Block]:
    """The blocks up to the token that closes the one around them."""
    blocks: list[Block] = []
    for token in tokens:
        if token.type == end:
            break
        blocks += _block(token, tokens)
    return blocks


def _block(token: Token, tokens: Iterator[Token]) -> tuple[Block, ...]:
    match token.type:
        case "paragraph_open":
            children = _inlines_of(tokens)
            return (Paragraph(children),) if children else ()
        case "heading_open":
            children = _inlines_of(tokens)
            return (Heading(int(token.tag[1:]), children),) if children else ()
        case "fence" | "code_block":
            language = token.info.split(maxsplit=1)[0] if token.info.strip() else ""
            return (CodeBlock(token.content.removesuffix("\n"), language),)
        case "blockquote_open":
            return (Quote(tuple(_blocks(tokens, "blockquote_close"))),)
        case "bullet_list_open":
            return (ListBlock(tuple(_items(tokens, "bullet_list_close"))),)
        case "ordered_list_open":
            return (ListBlock(tuple(_items(tokens, "ordered_list_close")), int(token.attrs.get("start", 1))),)
        case "table_open":
            return (Table(tuple(_rows(tokens))),)
        case "hr":
            return (Rule(),)
    return ()


def _items(tokens: Iterator[Token], end: str) -> Iterator[tuple[Block, ...]]:
    for token in tokens:
        if token.type == end:
            return
        yield tuple(_blocks(tokens, "list_item_close"))


def _rows(tokens: Iterator[Token]) -> Iterator[tuple[tuple[Inline, ...], ...]]:
    row: list[tuple[Inline, ...]] = []
    for token in tokens:
        match token.type:
            case "table_close":
                return
            case "inline":
                row.append(_inlines(token.children or ()))
            case "tr_close":
                yield tuple(row)
                row = []


def _inlines_of(tokens: Iterator[Token]) -> tuple[Inline, ...]:
    """What a paragraph or heading holds; takes its closing token as well."""
    inline = next(tokens)
    next(tokens)
    return _inlines(inline.children or ())


def _inlines(tokens: Sequence[Token]) -> tuple[Inline, ...]:
    """Build the tree without recursion; an emphasis within its like adds nothing, so that depth has a bound."""
    levels: list[tuple[Token | None, list[Inline]]] = [(None, [])]
    for token in tokens:
        if token.nesting == 1:
            shown = all(opened is None or opened.type != token.type for opened, _ in levels)
            levels.append((token, [] if shown else levels[-1][1]))
        elif token.nesting == -1:
            opened, children = levels.pop()
            if opened is not None and children is not levels[-1][1]:
                levels[-1][1].extend(_spans(opened, _with_spoilers(children)))
        else:
            in_link = any(opened is not None and opened.type == "link_open" for opened, _ in levels)
            levels[-1][1].extend(_leaf(token, in_link=in_link))
    return _with_spoilers(levels[0][1])


def _spans(opened: Token, children: tuple[Inline, ...]) -> tuple[Inline, ...]:
    if opened.type == "link_open":
        url = str(opened.attrs.get("href", ""))
        return (Link(url, children or (Text(url),)),) if url else children
    if not children:
        return ()
    match opened.type:
        case "strong_open":
            return (Bold(children),)
        case "em_open":
            return (Italic(children),)
        case "s_open":
            return (Strike(children),)
    return children


def _leaf(token: Token, *, in_link: bool) -> tuple[Inline, ...]:
    match token.type:
        case "softbreak" | "hardbreak":
            return (LineBreak(),)
        case "code_inline":
            return (Code(token.content),)
        case "image":
            url = str(token.attrs.get("src", ""))
            shown = Text(token.content or url)
            return (Link(url, (shown,)),) if url and not in_link else (shown,)
    return (Text(token.content),) if token.content else ()


def _with_spoilers(children: list[Inline]) -> tuple[Inline, ...]:
    """Pair the ``||`` among siblings: one opens before a word, one closes after a word."""
    pieces = list(_pieces(children))
    found: list[Inline] = []
    opened: int | None = None
    for index, piece in enumerate(pieces):
        if piece != Text("||"):
            found.append(piece)
        elif opened is not None and len(found) > opened + 1 and _is_tight(pieces[index - 1], -1):
            found[opened:] = [Spoiler(_merged(found[opened + 1 :]))]
            opened = None
        else:
            if opened is None and index + 1 < len(pieces) and _is_tight(pieces[index + 1], 0):
                opened = len(found)
            found.append(piece)
    return _merged(found)


def _pieces(children: list[Inline]) -> Iterator[Inline]:
    for child in children:
        if isinstance(child, Text) and "||" in child.text:
            yield from (Text(piece) for piece in _SPOILER.split(child.text) if piece)
        else:
            yield child


def _is_tight(neighbour: Inline, index: int) -> bool:
    """Whether no space stands between a mark and what is next to it."""
    if isinstance(neighbour, Text):
        return not neighbour.text[index].isspace()
    return not isinstance(neighbour, LineBreak)


def _merged(children: list[Inline]) -> tuple[Inline, ...]:
    merged: list[Inline] = []
    texts: list[str] = []
    for child in children:
        if isinstance(child, Text):
            texts.append(child.text)
            continue
        if texts:
            merged.append(Text("".join(texts)))
            texts = []
        merged.append(child)
    if texts:
        merged.append(Text("".join(texts)))
    return tuple(merged)
