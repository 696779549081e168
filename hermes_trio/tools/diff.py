"""Shows what changed in a text, in bounded time and length. Pure."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_COMPARED: Final = 1500
"""Lines that are compared with each other; the effort grows with the square."""
_CONTEXT: Final = 3
_LONGEST: Final = 12_000


def unified_diff(old: str, new: str, name: str, new_name: str | None = None) -> str:
    """A unified diff of two texts; shortened when it is long.

    Args:
        old: The text before.
        new: The text after.
        name: Its file.
        new_name: Its file after, if that changed.
    """
    complete = all(text.endswith("\n") or not text for text in (old, new))
    before, after = (_lines(text, complete=complete) for text in (old, new))
    same = _same_at_start(before, after)
    end = _same_at_start(before[same:][::-1], after[same:][::-1])
    start = max(same - _CONTEXT, 0)
    cut = max(end - _CONTEXT, 0)
    first, second = before[start : len(before) - cut], after[start : len(after) - cut]
    lines = _compared(first, second) if len(first) + len(second) <= _COMPARED else _replaced(first, second)
    text = "\n".join([f"--- {name}", f"+++ {new_name or name}", *_moved(lines, start)])
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n[... {len(text) - _LONGEST} more characters]"


def _lines(text: str, *, complete: bool) -> list[str]:
    """Its lines; an incomplete last one tells when the next one is there and empty."""
    lines = text.split("\n")
    return lines[:-1] if complete else lines


def _same_at_start(one: Sequence[str], other: Sequence[str]) -> int:
    return next(
        (index for index, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )


def _compared(before: Sequence[str], after: Sequence[str]) -> list[str]:
    return list(difflib.unified_diff(before, after, lineterm="", n=_CONTEXT))[2:]


def _replaced(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Without looking for what they have in common."""
    header = f"@@ -1,{len(before)} +1,{len(after)} @@"
    return [header, *(f"-{line}" for line in before), *(f"+{line}" for line in after)]


def _moved(lines: Sequence[str], by: int) -> Iterator[str]:
    """Correct the line numbers by the lines that were left out before."""
    for line in lines:
        if not line.startswith("@@ "):
            yield line
            continue
        parts = [part.split(",") for part in line.split()[1:3]]
        yield "@@ " + " ".join(",".join([f"{part[0][0]}{int(part[0][1:]) + by}", *part[1:]]) for part in parts) + " @@"
