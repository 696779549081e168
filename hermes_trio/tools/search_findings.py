"""What a search is for, and what it found: counted in full, kept only as far as it is shown. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_SHOWN: Final = 500
MOST_CONTEXT: Final = 20
MOST_FOUND: Final = 20_000
"""Then a search stops."""
_LINE_SHOWN: Final = 400


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What is wanted.

    Attributes:
        pattern: A regular expression for contents, a glob for files.
        files: Whether files are looked for by name.
        path: Where, as the model wrote it.
        file_glob: Only files that fit it; empty for all.
        limit: How many results are shown.
        offset: How many results are passed over.
        mode: ``content``, ``files_only`` or ``count``.
        context: Lines shown before and after each.
        room: Bytes the reply may have.
    """

    pattern: str
    files: bool = False
    path: str = "."
    file_glob: str = ""
    limit: int = 50
    offset: int = 0
    mode: str = "content"
    context: int = 0
    room: int = 48_000


@dataclass(frozen=True, slots=True)
class Line:
    """A line that fits.

    Attributes:
        number: From 1.
        text: The line.
        at: Byte where the pattern begins in it.
        before: Lines before it.
        after: Lines after it.
    """

    number: int
    text: bytes
    at: int = 0
    before: Sequence[bytes] = ()
    after: Sequence[bytes] = ()


class Findings:
    """Takes what is found, file by file, in the order in which it is shown.

    Args:
        request: What is wanted.
    """

    def __init__(self, request: SearchRequest) -> None:
        self._request = request
        self._room = request.room
        self._matches: list[Mapping[str, object]] = []
        self._files: list[str] = []
        self._counts: dict[str, int] = {}
        self._named: list[tuple[float, str]] = []
        self._results = 0
        self._total = 0
        self._cut = False

    @property
    def is_full(self) -> bool:
        """Whether the search should stop."""
        return self._total >= MOST_FOUND

    @property
    def wants_lines(self) -> bool:
        """Whether the next line would be shown, so that it is worth preparing."""
        return self._request.mode == "content" and self._shows()

    def add_line(self, path: str, line: Line) -> None:
        """Add a line that fits; in mode ``content``."""
        if self._shows():
            entry: dict[str, object] = {"path": path, "line": line.number, "content": show_line(line.text, line.at)}
            if self._request.context:
                entry["before"] = [show_line(text) for text in line.before]
                entry["after"] = [show_line(text) for text in line.after]
            if self._fits(entry):
                self._matches.append(entry)
        self.pass_line()

    def pass_line(self) -> None:
        """Count a line that is not shown."""
        self._results += 1
        self._total += 1

    def add_file(self, path: str, count: int) -> None:
        """Add a file with lines that fit, and how many; in the modes ``files_only`` and ``count``."""
        if self._shows() and self._fits(path):
            if self._request.mode == "count":
                self._counts[path] = count
            else:
                self._files.append(path)
        self._results += 1
        self._total += count if self._request.mode == "count" else 1

    def add_named(self, path: str, changed: float) -> None:
        """Add a file whose name fits, with the time of its last change."""
        self._named.append((changed, path))
        self._total += 1

    def reply(self, *, stopped: str = "") -> Mapping[str, object]:
        """The reply to the model.

        Args:
            stopped: Why the search is not complete, or empty.
        """
        found: dict[str, object] = {"total_count": self._total}
        if self._request.files:
            found["files"] = self._newest()
        elif self._request.mode == "count":
            found["counts"] = self._counts
        elif self._request.mode == "files_only":
            found["files"] = self._files
        else:
            found["matches"] = self._matches
        shown = self._request.offset + len(self._matches) + len(self._files) + len(self._counts)
        if self._results > shown:
            found |= {"truncated": True, "hint": f"more with offset={shown}"}
        if stopped or self.is_full:
            found |= {
                "truncated": True,
                "incomplete": stopped or f"stopped after {MOST_FOUND} results; be more precise",
            }
        return found

    def _newest(self) -> list[str]:
        """Files by name: what changed last comes first."""
        self._named.sort(key=lambda entry: (-entry[0], entry[1]))
        self._results = 0
        for _, path in self._named:
            if self._shows() and self._fits(path):
                self._files.append(path)
            self._results += 1
        return self._files

    def _shows(self) -> bool:
        first = self._request.offset
        return not self._cut and first <= self._results < first + self._request.limit

    def _fits(self, entry: object) -> bool:
        self._room -= len(msgspec.json.encode(entry)) + 1
        self._cut = self._cut or self._room < 0
        return not self._cut


def show_line(text: bytes, at: int = 0) -> str:
    """A line as it is shown: when it is long, the part around the match."""
    start = max(at - _LINE_SHOWN // 4, 0) if len(text) > 4 * _LINE_SHOWN else 0
    line = text[start : start + 4 * _LINE_SHOWN].decode("utf-8", "replace").rstrip("\r\n")
    cut = line[:_LINE_SHOWN]
    return f"{'...' if start else ''}{cut}{'...' if len(cut) < len(line) else ''}"
