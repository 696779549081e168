"""Searches files in small portions of work. Everything here blocks.

Hidden files are passed over, and folders of installed packages; links are not followed; ``.gitignore`` is not read: who
wants it honoured gives a listing that does.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from hermes_trio.home.file_guard import FileRefused
from hermes_trio.tools.file_text import is_binary
from hermes_trio.tools.paths import FilePlace, explaining, printable
from hermes_trio.tools.patterns import compile_expression, compile_glob, is_glob
from hermes_trio.tools.search_findings import Findings, Line, SearchRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from hermes_trio.home.guarded_files import Folder, GuardedFiles
    from hermes_trio.io.expressions import Pattern

LARGEST_SEARCHED: Final = 32 * 1024 * 1024
"""Bytes; larger files are passed over."""
DEEPEST: Final = 64
PASSED_OVER: Final = frozenset({"node_modules", "__pycache__"})
_FILES_AT_ONCE: Final = 200
_BYTES_AT_ONCE: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be searched.

    Attributes:
        folder: Its folder, open for as long as the walk is there.
        name: Its name.
        path: Its path below the place where the search began; its name when the search is of this file alone.
    """

    folder: Folder
    name: str
    path: str


class WalkingSearch:
    """A search under way. Call `begin`, then `step` until it says that all is done, and `close` in any case.

    Args:
        place: Where relative paths begin.
        request: What is wanted.

    Attributes:
        findings: What was found.
        folder: After `begin`, the folder that is searched, if other programs may list it.

    Raises:
        ToolError: A pattern is none.
    """

    def __init__(self, place: FilePlace, request: SearchRequest) -> None:
        self.findings = Findings(request)
        self._place = place
        self._request = request
        self.folder: Path | None = None
        self._open = ExitStack()
        self._files: GuardedFiles | None = None
        self._candidates: Iterator[Candidate | None] = iter(())
        self._pattern = _compile(request)
        self._glob = compile_glob(request.file_glob) if request.file_glob else None

    def begin(self) -> None:
        """Find the place.

        Raises:
            FileRefused: It is out of reach.
            ToolError: There is no such file or folder.
        """
        files = self._files = self._place.look()
        path = self._place.absolute(self._request.path)
        resolved = files.resolve(path, write=False)
        with explaining(path):
            if resolved.is_dir():
                top = self._open.enter_context(files.open_folder(resolved))
                self._candidates = walk(files, top)
                self.folder = None if files.has_homes_below(resolved) else resolved
            else:
                folder = self._open.enter_context(files.open_folder(resolved.parent, judged=False))
                os.close(files.open_file(folder, resolved.name))
                self._candidates = iter([Candidate(folder, resolved.name, "")])

    def use_listing(self, paths: Sequence[str]) -> None:
        """Search these files of `folder` instead of all."""
        if self._files is not None and self.folder is not None:
            self._candidates = listed(self._files, self.folder, paths)

    def step(self) -> bool:
        """Do a portion of the work; True when nothing is left."""
        read = 0
        for _ in range(_FILES_AT_ONCE):
            candidate = next(self._candidates, _END)
            if candidate is _END or self.findings.is_full:
                return True
            if isinstance(candidate, Candidate) and self._is_wanted(candidate):
                read += self._look_into(candidate)
            if read > _BYTES_AT_ONCE:
                break
        return False

    def close(self) -> None:
        """Close what is open."""
        if hasattr(self._candidates, "close"):
            self._candidates.close()
        self._open.close()

    def _is_wanted(self, candidate: Candidate) -> bool:
        path = os.fsencode(candidate.path or candidate.name)
        if self._glob is not None and self._glob.fullmatch(path) is None:
            return False
        return not self._request.files or self._pattern.fullmatch(path) is not None

    def _look_into(self, candidate: Candidate) -> int:
        """Search a file and give the number of bytes that were read; one that cannot be read has nothing."""
        if self._files is None:
            return 0
        shown = shown_path(self._request.path, candidate.path)
        try:
            if self._request.files:
                status = self._files.status(candidate.folder, candidate.name, write=False)
                if status is not None:
                    self.findings.add_named(shown, status.st_mtime)
                return 0
            descriptor = self._files.open_file(candidate.folder, candidate.name)
            with open(descriptor, "rb") as stream:  # noqa: PTH123  a descriptor
                too_large = os.fstat(descriptor).st_size > LARGEST_SEARCHED
                data = b"" if too_large else stream.read(LARGEST_SEARCHED)
        except (FileRefused, OSError):
            return 0
        if data and not is_binary(data):
            self._search(shown, data)
        return len(data)

    def _search(self, path: str, data: bytes) -> None:
        findings, count = self.findings, 0
        for number, start, end, at in find_lines(self._pattern, data):
            count += 1
            if self._request.mode == "files_only" or findings.is_full:
                break
            if findings.wants_lines:
                before, after = _around(data, start, end, self._request.context)
                findings.add_line(path, Line(number, data[start:end], at - start, before, after))
            elif self._request.mode == "content":
                findings.pass_line()
        if count and self._request.mode != "content":
            findings.add_file(path, count)


_END: Final = object()


def walk(files: GuardedFiles, folder: Folder, above: str = "", depth: int = 0) -> Iterator[Candidate | None]:
    """All files below an open folder that an agent may read, by name; None now and then, when there was only work."""
    try:
        entries = files.entries(folder)
    except OSError:
        return
    for name, is_folder in entries:
        if name.startswith(".") or (is_folder and name in PASSED_OVER):
            continue
        if not is_folder:
            yield Candidate(folder, name, above + name)
        elif depth < DEEPEST:
            yield None
            yield from _walk_into(files, folder, name, above, depth)


def _walk_into(files: GuardedFiles, folder: Folder, name: str, above: str, depth: int) -> Iterator[Candidate | None]:
    try:
        child = files.enter(folder, name)
    except OSError:
        return
    try:
        if child.own_refusal(write=False) is None:
            yield from walk(files, child, f"{above}{name}/", depth + 1)
    finally:
        os.close(child.descriptor)


def listed(files: GuardedFiles, top: Path, paths: Sequence[str]) -> Iterator[Candidate | None]:
    """The files of a sorted listing, each in its folder, which is opened anew and by the rules; None as in `walk`."""
    for above, group in groupby(paths, key=os.path.dirname):
        yield None
        if PASSED_OVER.isdisjoint(above.split("/")):
            with suppress(OSError, FileRefused), files.open_folder(top / above) as folder:
                for path in group:
                    yield Candidate(folder, os.path.basename(path), path)  # noqa: PTH119  text


def find_lines(pattern: Pattern, data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """The lines that fit: number from 1, first byte, byte after the last, and where the pattern begins; pure."""
    number, counted, position = 1, 0, 0
    while position < len(data) and (match := pattern.search(data, position)) is not None:
        start = data.rfind(b"\n", 0, match.start()) + 1
        if start >= len(data):
            return  # after the last line end there is no line
        end = data.find(b"\n", match.end())
        end = len(data) if end < 0 else end
        number += data.count(b"\n", counted, start)
        counted = start
        yield number, start, end, match.start()
        position = end + 1


def shown_path(path: str, below: str) -> str:
    """A path as the model can use it again: the one it gave, and what is below."""
    base = os.path.normpath(path)
    if not below:
        return printable(base)
    return printable(below if base == "." else os.path.join(base, below))  # noqa: PTH118  text


def _compile(request: SearchRequest) -> Pattern:
    if not request.files:
        return compile_expression(request.pattern)
    return compile_glob(request.pattern if is_glob(request.pattern) else f"*{request.pattern}*")


def _around(data: bytes, start: int, end: int, context: int) -> tuple[list[bytes], list[bytes]]:
    """The lines before and after a line."""
    before: list[bytes] = []
    while len(before) < context and start > 0:
        above = data.rfind(b"\n", 0, start - 1) + 1
        before.append(data[above : start - 1])
        start = above
    after: list[bytes] = []
    while len(after) < context and end + 1 < len(data):
        below = data.find(b"\n", end + 1)
        below = len(data) if below < 0 else below
        after.append(data[end + 1 : below])
        end = below
    return before[::-1], after
