"""Applies hunks and replacements to a text. Pure functions.

Lines are compared exactly first, then without blanks at their end, then without blanks around them; what is kept of
the text stays as it was, to the byte. A place not found, or found more than once, is an error that helps to mend it.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from hermes_trio.tools.patch_text import Hunk, PatchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_SHOWN: Final = 3
_LINES_COMPARED: Final = 2000


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines of a text that are replaced.

    Attributes:
        start: Index of the first one.
        removed: How many go.
        added: What comes.
    """

    start: int
    removed: int
    added: tuple[str, ...]


def apply_hunks(text: str, hunks: Sequence[Hunk]) -> str:
    """Make of a text what the hunks say; all or nothing.

    Raises:
        PatchError: A hunk has no place, several places, or the place of another.
    """
    lines, final = _split(text)
    ending = "\r" if 2 * text.count("\r\n") > text.count("\n") else ""
    if lines and not final:
        lines[-1] += ending  # like all others while we work
    present = _Lines(lines)
    edits: list[Edit] = []
    for number, hunk in enumerate(hunks, 1):
        edits.append(_place(present, hunk, f"hunk {number}", edits, ending))
    result = _edited(lines, edits)
    if result and not final and text:
        result[-1] = result[-1].removesuffix(ending)
    return "\n".join(result) + ("\n" if result and (final or not text) else "")


def _edited(lines: Sequence[str], edits: Sequence[Edit]) -> list[str]:
    result: list[str] = []
    position = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.removed > 0)):
        if edit.start < position:
            raise PatchError("two hunks change the same lines", mend="make one hunk of them")
        result += lines[position : edit.start]
        result += edit.added
        position = edit.start + edit.removed
    return result + list(lines[position:])


class _Lines:
    """The lines of a text, and the forms in which they are compared, made once."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self._forms: dict[Callable[[str], str], list[str]] = {}

    def matches(self, wanted: Sequence[str], form: Callable[[str], str]) -> list[int]:
        """Where the wanted lines stand one after the other, compared in this form."""
        have = self._forms.get(form)
        if have is None:
            have = self._forms[form] = [form(line) for line in self.lines]
        want = [form(line) for line in wanted]
        return [
            start
            for start in range(len(have) - len(want) + 1)
            if have[start] == want[0] and have[start : start + len(want)] == want
        ]


def replace_text(text: str, old: str, new: str, *, everywhere: bool) -> tuple[str, int]:
    """Replace ``old``, which must be there once unless ``everywhere``; give the new text and how many places changed.

    Raises:
        PatchError: It is not there, or too often, or nothing would change.
    """
    if not old:
        raise PatchError("old_string is empty", mend="use write_file for a new file, or give the text to replace")
    if "\r\n" in text and "\r\n" not in old:
        old, new = old.replace("\n", "\r\n"), new.replace("\r\n", "\n").replace("\n", "\r\n")
    if old == new:
        raise PatchError("old_string and new_string are the same")
    count = text.count(old)
    if count == 0:
        return _replace_lines(text, old, new, everywhere=everywhere)
    if count > 1 and not everywhere:
        numbers = ", ".join(str(number) for number in islice(_line_numbers(text, old), 10))
        raise PatchError(
            f"old_string is there {count} times, in lines {numbers}",
            mend="give more of the lines around it, or set replace_all",
        )
    return text.replace(old, new), count


def _replace_lines(text: str, old: str, new: str, *, everywhere: bool) -> tuple[str, int]:
    """For an ``old`` that differs only by blanks at the ends of its lines; whole lines only."""
    lines, final = _split(text)
    wanted = old.removesuffix("\n").split("\n")
    starts = _Lines(lines).matches(wanted, str.rstrip) if "".join(wanted).strip() else []
    if not starts:
        raise PatchError("old_string is not in the file", found=near_misses(lines, wanted))
    if len(starts) > 1 and not everywhere:
        raise PatchError(f"old_string is there {len(starts)} times", mend="give more of the lines around it")
    added = new.removesuffix("\n").split("\n") if new else []
    kept: list[int] = []
    for start in starts:
        if not kept or start >= kept[-1] + len(wanted):
            kept.append(start)
    for start in reversed(kept):
        lines[start : start + len(wanted)] = added
    return "\n".join(lines) + ("\n" if lines and final else ""), len(kept)


def near_misses(lines: Sequence[str], wanted: Sequence[str]) -> str:
    """Say which lines of a text look most like the wanted ones, with their numbers."""
    sought = next((line for line in wanted if line.strip()), "").strip()[:200]
    stripped = [line.strip()[:200] for line in lines[:_LINES_COMPARED]]
    close = difflib.get_close_matches(sought, set(stripped) - {""}, n=_SHOWN, cutoff=0.6) if sought else []
    shown = [f"{index + 1}|{lines[index].rstrip()[:200]}" for text in close for index in (stripped.index(text),)]
    return "nothing like it" if not shown else "similar lines: " + "; ".join(shown)


def _place(text: _Lines, hunk: Hunk, name: str, edits: Sequence[Edit], ending: str) -> Edit:
    """Find where a hunk belongs, in the text as it was before any of them."""
    lines = text.lines
    after = edits[-1].start + edits[-1].removed if edits else 0
    start = _below_headers(lines, hunk.headers, after, name)
    old = hunk.old
    if not old:
        return Edit(start + 1 if hunk.headers else len(lines), 0, _added(hunk, (), ending))
    for form in (_without_return, str.rstrip, str.strip):
        found = text.matches(old, form)
        free = [place for place in found if all(_apart(place, len(old), edit) for edit in edits)]
        below = [place for place in free if place >= start] or free
        if hunk.at_end and len(lines) - len(old) in free:
            below = [len(lines) - len(old)]
        if len(below) > 1 and not hunk.headers:
            numbers = ", ".join(str(place + 1) for place in below[:10])
            raise PatchError(
                f"{name} fits at {len(below)} places, lines {numbers}",
                mend="give more of the lines around it, or a line above it after @@",
            )
        if below:
            place = below[0]
            return Edit(place, len(old), _added(hunk, lines[place : place + len(old)], ending))
    raise PatchError(f"{name} does not fit anywhere", found=near_misses(lines, old), mend="read the file again")


def _below_headers(lines: Sequence[str], headers: Sequence[str], start: int, name: str) -> int:
    """Index of the line that the last header names, or where to begin without headers."""
    for header in headers:
        places = [index for index, line in enumerate(lines) if line.strip() == header]
        places = places or [index for index, line in enumerate(lines) if line.strip().startswith(header)]
        if not places:
            found = near_misses(lines, [header])
            raise PatchError(f"{name}: no line is '{header[:80]}'", found=found)
        start = next((place for place in places if place >= start), places[0])
    return start


def _added(hunk: Hunk, present: Sequence[str], ending: str) -> tuple[str, ...]:
    """The lines a hunk leaves behind: kept ones as they are in the text, new ones indented like their neighbours."""
    shift = _indentation(hunk, present)
    result: list[str] = []
    position = 0
    for line in hunk.lines:
        if line[:1] == "+":
            result.append(_shifted(line[1:].removesuffix("\r"), shift) + ending)
            continue
        if line[:1] == " ":
            result.append(present[position])
        position += 1
    return tuple(result)


def _indentation(hunk: Hunk, present: Sequence[str]) -> tuple[str, str]:
    """Indentation in the hunk, and that in the text, of the first line that is not blank."""
    for written, real in zip(hunk.old, present, strict=False):
        if real.strip():
            return _indent(written), _indent(real)
    return "", ""


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _shifted(line: str, shift: tuple[str, str]) -> str:
    written, real = shift
    return real + line[len(written) :] if line.strip() and line.startswith(written) else line


def _apart(place: int, length: int, edit: Edit) -> bool:
    return place + length <= edit.start or place >= edit.start + edit.removed


def _without_return(line: str) -> str:
    return line.removesuffix("\r")


def _split(text: str) -> tuple[list[str], bool]:
    """The lines of a text, which may end with a return, and whether the last one is complete."""
    final = text.endswith("\n")
    return (text.removesuffix("\n").split("\n") if text else []), final


def _line_numbers(text: str, sought: str) -> Iterator[int]:
    position, number = -1, 1
    while (found := text.find(sought, position + 1)) >= 0:
        number += text.count("\n", max(position, 0), found)
        position = found
        yield number
