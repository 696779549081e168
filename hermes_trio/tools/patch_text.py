"""The V4A patch format: what a patch says, and what it makes of a text. Pure functions.

A patch names files to add, update, move or delete. An update is made of hunks: lines that begin with a blank stay, with
``-`` go, with ``+`` come; ``@@ some line`` says after which line to look. There are no line numbers: a hunk is found by
its lines.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.tools.tool import ToolError

if TYPE_CHECKING:
    from collections.abc import Sequence

BEGIN: Final = "*** Begin Patch"
END: Final = "*** End Patch"
END_OF_FILE: Final = "*** End of File"
_ADD: Final = "*** Add File:"
_UPDATE: Final = "*** Update File:"
_DELETE: Final = "*** Delete File:"
_MOVE: Final = "*** Move File:"
_MOVE_TO: Final = "*** Move to:"
_OPERATIONS: Final = (_ADD, _UPDATE, _DELETE, _MOVE)


class PatchError(ToolError):
    """A patch cannot be understood, or does not fit the text."""

    default_code = "patch_failed"


class Action(enum.Enum):
    """What happens to a file."""

    ADD = "add"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Hunk:
    """One place of a text that changes.

    Attributes:
        lines: Each with its first character: blank, ``-`` or ``+``.
        headers: Lines to look for first, one after the other; the hunk is below the last.
        at_end: Whether it is at the end of the file.
    """

    lines: tuple[str, ...]
    headers: tuple[str, ...] = ()
    at_end: bool = False

    @property
    def old(self) -> list[str]:
        """The lines that must be there."""
        return [line[1:] for line in self.lines if line[:1] != "+"]


@dataclass(frozen=True, slots=True)
class FileOperation:
    """What a patch does to one file.

    Attributes:
        action: What happens.
        path: As written.
        content: Of an added file.
        hunks: Of an updated file, from top to bottom.
        move_to: New path of an updated file, or empty.
    """

    action: Action
    path: str
    content: str = ""
    hunks: tuple[Hunk, ...] = ()
    move_to: str = ""


def parse_patch(text: str) -> tuple[FileOperation, ...]:
    """Read a patch. Text around its begin and end lines is ignored; the end line may be missing.

    Raises:
        PatchError: It is no patch, with the line that is wrong.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    stripped = [line.strip() for line in lines]
    first = stripped.index(BEGIN) + 1 if BEGIN in stripped else 0
    last = stripped.index(END, first) if END in stripped[first:] else len(lines)
    reader = _Reader(lines[:last], first)
    operations: list[FileOperation] = []
    while (line := reader.peek()) is not None:
        if line.strip():
            operations.append(_operation(reader))
        else:
            reader.take()
    if not operations:
        raise PatchError("the patch changes no file", expected=f"lines such as '{_UPDATE} path' after '{BEGIN}'")
    return tuple(operations)


class _Reader:
    """Goes through lines; numbers are those of the whole patch."""

    def __init__(self, lines: Sequence[str], position: int) -> None:
        self._lines = lines
        self._position = position

    def peek(self) -> str | None:
        return self._lines[self._position] if self._position < len(self._lines) else None

    def take(self) -> str:
        line = self._lines[self._position]
        self._position += 1
        return line

    def wrong(self, problem: str, expected: str) -> PatchError:
        line = self.peek() or ""
        return PatchError(
            problem, where=f"line {self._position + 1} of the patch", found=repr(line[:80]), expected=expected
        )


def _operation(reader: _Reader) -> FileOperation:
    line = (reader.peek() or "").strip()
    kind = next((prefix for prefix in _OPERATIONS if line.startswith(prefix)), None)
    path = line[len(kind) :].strip() if kind else ""
    if kind is None or not path:
        raise reader.wrong("no operation on a file", f"'{_UPDATE} path', or the same with Add, Delete or Move")
    if kind == _MOVE and "->" not in path:
        raise reader.wrong("no new path", f"'{_MOVE} old -> new'")
    reader.take()
    if kind == _DELETE:
        return FileOperation(Action.DELETE, path)
    if kind == _ADD:
        return FileOperation(Action.ADD, path, content=_added(reader))
    if kind == _MOVE:
        old, _, new = path.partition("->")
        return FileOperation(Action.UPDATE, old.strip(), move_to=new.strip())
    return _update(reader, path)


def _update(reader: _Reader, path: str) -> FileOperation:
    move_to = ""
    if (line := reader.peek()) is not None and line.strip().startswith(_MOVE_TO):
        move_to = reader.take().strip()[len(_MOVE_TO) :].strip()
    hunks: list[Hunk] = []
    while (line := reader.peek()) is not None and not line.startswith(_OPERATIONS):
        hunk = _hunk(reader)
        if hunk.lines:
            hunks.append(hunk)
        elif hunk.headers:
            raise reader.wrong("a hunk without lines", "lines that begin with ' ', '-' or '+'")
    if not hunks and not move_to:
        raise reader.wrong(f"no change of {path}", "lines that begin with ' ', '-' or '+'")
    return FileOperation(Action.UPDATE, path, hunks=tuple(hunks), move_to=move_to)


def _added(reader: _Reader) -> str:
    lines: list[str] = []
    blank = 0  # lines without their '+': part of the file only when more of it follows
    while (line := reader.peek()) is not None and not line.startswith("***"):
        if line.startswith("+"):
            lines += [""] * blank + [line[1:]]
            blank = 0
        elif line.strip():
            raise reader.wrong("a line of a new file", "'+' before each line")
        else:
            blank += 1
        reader.take()
    return "".join(f"{line}\n" for line in lines)


def _hunk(reader: _Reader) -> Hunk:
    headers: list[str] = []
    while (line := reader.peek()) is not None and line.startswith("@@"):
        header = reader.take()[2:].strip().removesuffix("@@").strip()
        if header and not _is_line_range(header):
            headers.append(header)
    lines: list[str] = []
    while (line := reader.peek()) is not None and not line.startswith(("@@", "***")):
        if line[:1] not in {"", " ", "-", "+"}:
            raise reader.wrong("a line of a hunk", "' ', '-' or '+' before it")
        lines.append(reader.take())
    at_end = line is not None and line.strip() == END_OF_FILE
    if at_end:
        reader.take()
    elif line is not None and line.startswith("***") and not line.startswith(_OPERATIONS):
        raise reader.wrong("no operation on a file", f"'{_UPDATE} path', or the same with Add, Delete or Move")
    while lines and not lines[-1] and not at_end:  # what separates hunks is no context
        lines.pop()
    return Hunk(tuple(text or " " for text in lines), tuple(headers), at_end)


def _is_line_range(header: str) -> bool:
    """Whether it is ``-1,5 +1,6`` of another patch format."""
    return all(part[:1] in "-+" and part[1:].replace(",", "").isdigit() for part in header.split()[:2])
