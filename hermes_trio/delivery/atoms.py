"""A document as a row of atoms that are not to be torn apart, and back; what splitting works on.

An atom knows the elements around it from the outside in (its path), and how good it is to cut behind it.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

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
from hermes_trio.delivery.measure import chunks, cut_at
from hermes_trio.delivery.plain import plain_text, visible_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hermes_trio.adapter_api.document import Block, Document, Inline

Cell = tuple["Inline", ...]
Path = tuple["Frame", ...]

_WORDS: Final = re.compile(r"\s+|[^\s。！？]*[。！？]+\s*|[^\s。！？]+\s*")
_NOTHING: Final = Paragraph((Text(" "),))
_SENTENCE_END: Final = re.compile(r"(?:[.!?…:;][\"'”’)\]]*\s+|[。！？]+\s*)$")


class Border(enum.IntEnum):
    """How good it is to cut behind an atom."""

    GLUE = 0  # within a word
    CHARACTER = 1  # within a word that is longer than a part
    WORD = 2
    SENTENCE = 3
    LINE = 4
    BLOCK = 5


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """An element around atoms; told from others by identity.

    Attributes:
        node: The element, or None for an item of a list.
        index: Of the item in its list.
    """

    node: Block | Inline | None
    index: int = 0


class Row(NamedTuple):
    """A row of a table; the head is repeated in every part."""

    cells: tuple[Cell, ...]


class CodeText(NamedTuple):
    """A piece of a block of code, with its line end where it has one."""

    text: str


class Atom(NamedTuple):
    """What is not torn apart unless it is longer than a part.

    Attributes:
        leaf: The innermost element.
        path: The elements around it.
        border: How good it is to cut behind it.
        size: Characters that it shows, at least 1; never more than it takes up.
    """

    leaf: Inline | Row | CodeText | Rule
    path: Path
    border: Border
    size: int


def atoms_of(document: Document, longest: int) -> Iterator[Atom]:
    """Take a document apart.

    Args:
        document: What to take apart.
        longest: Characters that one part can hold; longer words come in pieces.
    """
    for block in document:
        atoms = list(_block(block, (), longest))
        yield from atoms[:-1]
        if atoms:
            border = Border.WORD if isinstance(block, Heading) else Border.BLOCK  # a heading stays with its text
            yield atoms[-1]._replace(border=border, size=atoms[-1].size + 1)


def document_of(atoms: Sequence[Atom]) -> Document:
    """Put a document together from a row of neighbouring atoms."""
    return tuple(node for node in _nodes(_trimmed(atoms), 0) if not isinstance(node, _INLINES))


def broken_up(atom: Atom) -> list[Atom]:
    """Take an atom apart that is longer than a part; what cannot be taken apart comes back as simple as possible."""
    pieces = _pieces(atom)
    if len(pieces) > 1 or (pieces and pieces[0] != atom):
        return pieces
    plain = Atom(Text(_shown(atom.leaf)), (Frame(Paragraph(())),), atom.border, atom.size)
    return [plain] if atom.leaf != plain.leaf or len(atom.path) > 1 else []


def _block(block: Block, path: Path, longest: int) -> Iterator[Atom]:
    match block:
        case Paragraph(children=children) | Heading(children=children):
            yield from _ending(list(_inlines(children, (*path, Frame(block)), longest)))
        case CodeBlock(text=text):
            yield from _code_lines(text, (*path, Frame(block)), longest)
        case Quote(children=blocks):
            yield from _each(blocks, (*path, Frame(block)), longest)
        case ListBlock(items=items):
            frame = Frame(block)
            for index, item in enumerate(items):
                yield from _each(item or (_NOTHING,), (*path, frame, Frame(None, index)), longest)
        case Table(rows=rows):
            frame = Frame(block)
            for index, row in enumerate(rows):
                size = sum(len(visible_text(cell)) for cell in row)
                border = Border.GLUE if index == 0 and len(rows) > 1 else Border.LINE
                yield Atom(Row(row), (*path, frame), border, max(1, size))
        case Rule():
            yield Atom(block, path, Border.LINE, 1)


def _each(blocks: Sequence[Block], path: Path, longest: int) -> Iterator[Atom]:
    for block in blocks:
        yield from _block(block, path, longest)


def _ending(atoms: list[Atom]) -> list[Atom]:
    if atoms:
        atoms[-1] = atoms[-1]._replace(border=Border.LINE)
    return atoms


def _inlines(children: Sequence[Inline], path: Path, longest: int) -> Iterator[Atom]:
    for child in children:
        match child:
            case Text(text=text):
                yield from _words(text, path, longest)
            case LineBreak():
                yield Atom(child, path, Border.LINE, 1)
            case Code(text=text):
                yield Atom(child, path, Border.GLUE, max(1, len(text)))
            case Link():
                yield Atom(child, path, Border.GLUE, max(1, len(visible_text(child.children))))
            case _:
                yield from _inlines(child.children, (*path, Frame(child)), longest)


def _words(text: str, path: Path, longest: int) -> Iterator[Atom]:
    for word in _WORDS.findall(text):
        if len(word) > longest:
            *pieces, word = chunks(word, _piece(longest))  # noqa: PLW2901  the word's end has the word's border
            yield from (Atom(Text(piece), path, Border.CHARACTER, len(piece)) for piece in pieces)
        yield Atom(Text(word), path, _border_after(word), len(word))


def _border_after(word: str) -> Border:
    if _SENTENCE_END.search(word):
        return Border.SENTENCE
    return Border.WORD if word[-1].isspace() else Border.GLUE


def _code_lines(text: str, path: Path, longest: int) -> Iterator[Atom]:
    for line in text.splitlines(keepends=True) or [""]:
        pieces = list(chunks(line, _piece(longest))) if len(line) > longest else [line]
        for piece in pieces[:-1]:
            yield Atom(CodeText(piece), path, Border.CHARACTER, len(piece))
        yield Atom(CodeText(pieces[-1]), path, Border.LINE, max(1, len(pieces[-1])))


def _piece(longest: int) -> int:
    return max(1, longest // 8)


def _pieces(atom: Atom) -> list[Atom]:
    match atom.leaf:
        case Link():
            text = plain_text((Paragraph((atom.leaf,)),))
            return _with_end([*_words(text, atom.path, len(text))], atom.border)
        case Row(cells=cells):
            frame = Frame(Paragraph(()))
            row = [piece for cell in cells for piece in (*cell, Text(" | "))][:-1]
            return _with_end([*_inlines(row, (*atom.path[:-1], frame), atom.size + 1)], Border.LINE)
        case Text(text=text) | Code(text=text) | CodeText(text=text) if len(text) > 1:
            middle = cut_at(text, len(text) // 2)
            kind = type(atom.leaf)
            return [
                Atom(kind(text[:middle]), atom.path, Border.CHARACTER, middle),
                Atom(kind(text[middle:]), atom.path, atom.border, len(text) - middle),
            ]
    return [atom]


def _with_end(atoms: list[Atom], border: Border) -> list[Atom]:
    if atoms:
        atoms[-1] = atoms[-1]._replace(border=border)
    return atoms


def _shown(leaf: Inline | Row | CodeText | Rule) -> str:
    match leaf:
        case CodeText(text=text):
            return text
        case Row(cells=cells):
            return " | ".join(visible_text(cell) for cell in cells)
        case Rule():
            return "-"
        case LineBreak():
            return " "
    return visible_text((leaf,))


def _trimmed(atoms: Sequence[Atom]) -> list[Atom]:
    """Without the spaces and line ends at the edges, which a cut leaves over."""
    first, last = 0, len(atoms)
    while first < last and _is_blank(atoms[first].leaf):
        first += 1
    while last > first and _is_blank(atoms[last - 1].leaf):
        last -= 1
    kept = list(atoms[first:last])
    if kept and isinstance(kept[-1].leaf, Text):
        kept[-1] = kept[-1]._replace(leaf=Text(kept[-1].leaf.text.rstrip()))
    return kept


def _is_blank(leaf: Inline | Row | CodeText | Rule) -> bool:
    return isinstance(leaf, LineBreak) or (isinstance(leaf, Text) and not leaf.text.strip())


def _nodes(atoms: Sequence[Atom], depth: int) -> Iterator[Block | Inline]:
    """The elements at one depth."""

    def outer(atom: Atom) -> Frame | None:
        return atom.path[depth] if depth < len(atom.path) else None

    for frame, group in groupby(atoms, key=outer):
        if frame is None:
            yield from _leaves(list(group))
        else:
            yield from _node(frame, list(group), depth + 1)


def _leaves(atoms: Sequence[Atom]) -> Iterator[Block | Inline]:
    for is_text, group in groupby((atom.leaf for atom in atoms), key=lambda leaf: isinstance(leaf, Text)):
        if is_text:
            yield Text("".join(leaf.text for leaf in group if isinstance(leaf, Text)))
        else:
            yield from (leaf for leaf in group if not isinstance(leaf, Row | CodeText))


def _node(frame: Frame, atoms: Sequence[Atom], depth: int) -> Iterator[Block | Inline]:
    match frame.node:
        case Table(rows=rows):
            cells = [atom.leaf.cells for atom in atoms if isinstance(atom.leaf, Row)]
            yield Table(tuple(cells if cells[0] is rows[0] else (rows[0], *cells)))
        case CodeBlock(language=language):
            text = "".join(atom.leaf.text for atom in atoms if isinstance(atom.leaf, CodeText))
            yield CodeBlock(text.removesuffix("\n"), language)
        case ListBlock(start=start):
            items = [(item, list(group)) for item, group in groupby(atoms, key=lambda atom: atom.path[depth])]
            first = None if start is None else start + items[0][0].index
            yield ListBlock(tuple(_blocks(group, depth + 1) for _, group in items), first)
        case Quote():
            yield Quote(_blocks(atoms, depth))
        case node:
            yield from _with_children(node, tuple(_nodes(atoms, depth)))


def _blocks(atoms: Sequence[Atom], depth: int) -> tuple[Block, ...]:
    return tuple(node for node in _nodes(atoms, depth) if not isinstance(node, _INLINES))


_INLINES: Final = (Text, LineBreak, Bold, Italic, Strike, Spoiler, Code, Link)


def _with_children(node: Block | Inline | None, nodes: tuple[Block | Inline, ...]) -> Iterator[Block | Inline]:
    children = tuple(child for child in nodes if isinstance(child, _INLINES))
    match node:
        case Heading(level=level):
            yield Heading(level, children)
        case Paragraph() | Bold() | Italic() | Strike() | Spoiler():
            yield type(node)(children)
