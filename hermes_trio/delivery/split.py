"""Splits a document into parts that fit a platform's messages.

The row of atoms (see `atoms`) is cut where the border is best: behind a block, else a line, a sentence or a word, in
the second half of a part. What is around a cut is closed before it and opened again after it: a block of code with its
language, a table with its head, a numbered list with its number.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Final

from hermes_trio.adapter_api.document import Heading, Paragraph, Text
from hermes_trio.delivery.atoms import Border, atoms_of, broken_up, document_of
from hermes_trio.delivery.measure import text_length
from hermes_trio.delivery.plain import plain_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hermes_trio.adapter_api.capabilities import Capabilities
    from hermes_trio.adapter_api.document import Block, Document
    from hermes_trio.delivery.atoms import Atom

#: Below this a number would take too much of a part.
SHORTEST_NUMBERED: Final = 80
#: Where markup does not count, what is shown is about as long as the plain text, but a little room is left for how the
#: platform lays out lists and tables: this part of the limit.
_MARGIN: Final = 50
#: A part that is filled to this share is full enough not to measure again.
_FULL: Final = 0.92


def split_document(document: Document, capabilities: Capabilities) -> tuple[Document, ...]:
    """Split a document; each part fits, also once `numbered` has numbered it.

    Both the plain text and, where markup counts, the rendered one are within the limit. A single character with
    nothing around it is never split, so a limit of a few characters may be passed.
    """
    if not _has_words(document):
        return ()
    if _fullness(document, capabilities) <= 1:
        return (document,)
    if not _is_numbered(capabilities):
        return tuple(_parts(document, _Measure(capabilities, "")))
    digits = len(str(int(_fullness(document, capabilities)) + 1))
    while True:
        count = "9" * digits
        parts = tuple(islice(_parts(document, _Measure(capabilities, f" ({count}/{count})")), int(count) + 1))
        if len(parts) <= int(count):
            return parts
        digits += 1


def numbered(parts: Sequence[Document], capabilities: Capabilities) -> tuple[Document, ...]:
    """Write ``(1/3)`` at the end of each of several parts, where the platform wants it."""
    if len(parts) < 2 or not _is_numbered(capabilities):
        return tuple(parts)
    return tuple(with_suffix(part, f" ({index}/{len(parts)})") for index, part in enumerate(parts, 1))


def with_suffix(document: Document, suffix: str) -> Document:
    """Write something at the end of a document: behind its last words, or below a block that has none of its own."""
    if not suffix or not document:
        return document
    last: Block = document[-1]
    match last:
        case Paragraph(children=children):
            return (*document[:-1], Paragraph((*children, Text(suffix))))
        case Heading(level=level, children=children):
            return (*document[:-1], Heading(level, (*children, Text(suffix))))
    return (*document, Paragraph((Text(suffix.strip()),)))


def fits(document: Document, capabilities: Capabilities) -> bool:
    """Whether a document fits one message."""
    return _fullness(document, capabilities) <= 1


@dataclass(frozen=True, slots=True)
class _Measure:
    """Measures parts with room for their numbers."""

    capabilities: Capabilities
    suffix: str

    def fullness(self, atoms: Sequence[Atom]) -> float:
        """The share of a message that atoms take up."""
        return _fullness(with_suffix(document_of(atoms), self.suffix), self.capabilities)


def _is_numbered(capabilities: Capabilities) -> bool:
    return capabilities.numbers_parts and capabilities.text_limit >= SHORTEST_NUMBERED


def _has_words(document: Document) -> bool:
    return any(character.isprintable() and not character.isspace() for character in plain_text(document))


def _fullness(document: Document, capabilities: Capabilities) -> float:
    unit, limit = capabilities.text_unit, capabilities.text_limit
    longest = text_length(plain_text(document), unit)
    if capabilities.render is None:
        return longest / limit
    if capabilities.counts_markup:
        return max(longest, text_length(capabilities.render(document), unit)) / limit
    return longest / (limit - limit // _MARGIN)


def _parts(document: Document, measure: _Measure) -> Iterator[Document]:
    """Cut one part after the other off the row of atoms; never looks further ahead than one part."""
    ahead = _Ahead(document, measure)
    while ahead.fill():
        count = _most_that_fit(ahead.atoms, measure, min(ahead.usual, len(ahead.atoms)))
        if count == 0 and (pieces := broken_up(ahead.atoms[0])):
            ahead.take(1)
            ahead.put_back(pieces)
            continue
        if count < len(ahead.atoms) or not ahead.at_end:
            ahead.usual = max(1, count)
            count = _best_cut(ahead.atoms, max(1, count))
        part = document_of(ahead.take(count))
        if _has_words(part):
            yield part


class _Ahead:
    """The atoms of about one part, and all that follow when they are asked for.

    Attributes:
        atoms: They fill a part or more, unless the end is near.
        at_end: Whether nothing follows them.
        usual: How many atoms the last part could hold.
    """

    def __init__(self, document: Document, measure: _Measure) -> None:
        limit = measure.capabilities.text_limit
        self.atoms: list[Atom] = []
        self.at_end = False
        self.usual = limit
        self._limit = limit
        self._size = 0
        self._source = atoms_of(document, max(1, limit - len(measure.suffix)))

    def fill(self) -> bool:
        """Look far enough ahead; whether there is anything left."""
        while self._size <= self._limit and not self.at_end:
            atom = next(self._source, None)
            if atom is None:
                self.at_end = True
            else:
                self.atoms.append(atom)
                self._size += atom.size
        return bool(self.atoms)

    def take(self, count: int) -> list[Atom]:
        """Take atoms from the front."""
        taken = self.atoms[:count]
        del self.atoms[:count]
        self._size -= sum(atom.size for atom in taken)
        return taken

    def put_back(self, atoms: list[Atom]) -> None:
        """Put atoms to the front."""
        self.atoms[:0] = atoms
        self._size += sum(atom.size for atom in atoms)


def _most_that_fit(atoms: Sequence[Atom], measure: _Measure, guess: int) -> int:
    """How many of the atoms fit, or a few less: a measurement costs a rendering, so a good guess is worth much."""
    low, high = 0, len(atoms) + 1
    while high - low > 1:
        share = measure.fullness(atoms[:guess])
        if share <= 1:
            low = guess
            if share >= _FULL:
                break
        else:
            high = guess
        guess = min(high - 1, max(low + 1, int(guess * 0.97 / share) if share else high - 1))
        if share <= 1 and guess <= low:
            guess = (low + high) // 2
    return low


def _best_cut(atoms: Sequence[Atom], count: int) -> int:
    """Where to cut among the first ``count`` atoms: the last of the best borders of the second half."""
    ends = list(accumulate(atom.size for atom in atoms[:count]))
    half = next(index for index, end in enumerate(ends) if end * 2 >= ends[-1])
    best = max(range(half, count), key=lambda index: (atoms[index].border, index))
    if atoms[best].border is not Border.GLUE:
        return best + 1
    earlier = (index for index in range(half - 1, -1, -1) if atoms[index].border is not Border.GLUE)
    return next(earlier, count - 1) + 1
