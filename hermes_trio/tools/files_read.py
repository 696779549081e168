"""``read_file``: pages of a text file with line numbers."""

from __future__ import annotations

import difflib
import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from hermes_trio.home.file_guard import FileRefused
from hermes_trio.io.image_kind import image_kind
from hermes_trio.tools.file_changes import LARGEST_FILE
from hermes_trio.tools.file_text import LOOKED_AT, decode, is_binary, is_wide
from hermes_trio.tools.paths import FilePlace, explaining, place_of
from hermes_trio.tools.tool import Arguments, Tool, ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hermes_trio.home.guarded_files import GuardedFiles
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool_turn import ToolTurn

MOST_LINES: Final = 2000
MOST_SKIPPED: Final = 256 * 1024 * 1024
"""Bytes that are read at most to reach the wanted line."""
MOST_COUNTED: Final = 64 * 1024 * 1024
"""Bytes that are read at most after the page, to say how many lines there are."""
_BLOCK: Final = 1024 * 1024
_ENVELOPE: Final = 600
"""Bytes of a reply beside the content."""


@dataclass(frozen=True, slots=True)
class Page:
    """What is wanted of a file.

    Attributes:
        offset: Number of the first line, from 1.
        limit: How many lines at most.
        characters: How long the content may be, as it is sent.
        line_length: Characters of one line that are shown.
    """

    offset: int
    limit: int
    characters: int
    line_length: int


async def run_read_file(scope: ProfileScope, _turn: ToolTurn, arguments: Arguments) -> Mapping[str, object]:
    """See the schema."""
    offset, limit = arguments.get("offset", 1), arguments.get("limit", 500)
    output = scope.config.tool_output
    page = Page(
        offset=max(offset, 1) if isinstance(offset, int) else 1,
        limit=min(max(limit, 1), MOST_LINES) if isinstance(limit, int) else MOST_LINES,
        characters=max(min(scope.config.file_read_max_chars, output.max_bytes - _ENVELOPE), _ENVELOPE),
        line_length=output.max_line_length,
    )
    return await scope.run_blocking(read_page, place_of(scope), str(arguments["path"]), page)


def read_page(place: FilePlace, text: str, page: Page) -> Mapping[str, object]:
    """Read a page of a file; blocking.

    Raises:
        FileRefused: It is out of reach.
        ToolError: It cannot be read.
    """
    files, path = place.look(), place.absolute(text)
    resolved = files.resolve(path, write=False)
    with explaining(path), files.open_folder(resolved.parent, judged=False) as folder:
        try:
            descriptor = files.open_file(folder, resolved.name)
        except FileNotFoundError as exc:
            raise ToolError("no such file", where=text, mend=_similar(files, resolved)) from exc
        with open(descriptor, "rb") as stream:  # noqa: PTH123  a descriptor
            return _read(stream, os.fstat(descriptor).st_size, page)


def _similar(files: GuardedFiles, path: Path) -> str:
    """What may have been meant by a path that does not exist."""
    try:
        with files.open_folder(path.parent) as folder:
            names = [name for name, _ in files.entries(folder)]
    except (FileRefused, OSError):
        names = []
    close = difflib.get_close_matches(path.name, names[:2000], n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else "look for it with search_files and target=files"


def _read(stream: BinaryIO, size: int, page: Page) -> Mapping[str, object]:
    head = stream.read(LOOKED_AT)
    kind = image_kind(head)
    reply: dict[str, object] = {"content": "", "total_lines": 0, "file_size": size, "truncated": False}
    if kind is not None:
        return {**reply, "is_binary": True, "is_image": True, "error": f"a {kind} image; use vision_analyze to see it"}
    if is_binary(head):
        return {**reply, "is_binary": True, "is_image": False, "error": "not a text; use the terminal to look into it"}
    stream.seek(0)
    if is_wide(head):
        stream = io.BytesIO(decode(stream.read(LARGEST_FILE)).text.encode("utf-8", "replace"))
    elif head.startswith(b"\xef\xbb\xbf"):
        stream.seek(3)
    return {**reply, "is_binary": False, "is_image": False, **_page_of(stream, page)}


def _page_of(stream: BinaryIO, page: Page) -> Mapping[str, object]:
    """The part of the reply that depends on the page."""
    for number in range(1, page.offset):
        if _next_line(stream, page) is None:
            return {"total_lines": number - 1, "hint": f"the file has {number - 1} lines only"}
    lines: list[str] = []
    room = page.characters
    start = stream.tell()
    while len(lines) < page.limit and (line := _next_line(stream, page)) is not None:
        numbered = f"{page.offset + len(lines)}|{line}"
        room -= len(msgspec.json.encode(numbered))  # as it is sent, with line ends and quotes escaped
        if room < 0 and lines:
            stream.seek(start)
            break
        lines.append(numbered)
        start = stream.tell()
    last = page.offset - 1 + len(lines)
    after = _count_lines(stream)
    found: dict[str, object] = {"content": "\n".join(lines), "total_lines": None if after is None else last + after}
    return found if after == 0 else {**found, "truncated": True, "hint": f"continue with offset={last + 1}"}


def _next_line(stream: BinaryIO, page: Page) -> str | None:
    """The next line, shortened if it is long; None at the end.

    Raises:
        ToolError: It is too far inside the file.
    """
    data = stream.readline(4 * page.line_length)
    if not data:
        return None
    piece, dropped = data, 0
    while not piece.endswith(b"\n") and (piece := stream.readline(_BLOCK)):
        dropped += len(piece.removesuffix(b"\n"))
        _check_depth(stream)
    _check_depth(stream)
    line = data.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    left_out = max(len(line) - page.line_length, 0) + dropped
    return f"{line[: page.line_length]} [... {left_out} more]" if left_out else line


def _check_depth(stream: BinaryIO) -> None:
    if stream.tell() > MOST_SKIPPED:
        raise ToolError("too far inside a very large file", mend="use a terminal command such as sed -n or tail")


def _count_lines(stream: BinaryIO) -> int | None:
    """How many lines are left; None when there is too much to be counted."""
    count, end, seen = 0, b"\n", 0
    while block := stream.read(_BLOCK):
        count += block.count(b"\n")
        end = block[-1:]
        seen += len(block)
        if seen > MOST_COUNTED:
            return None
    return count + (end != b"\n")


TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        name="read_file",
        description=(
            "Read a text file; lines come as 'number|text'. Use offset and limit for more of a long file. "
            "Relative paths start in your working directory."
        ),
        parameters={
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "offset": {"type": "integer", "description": "first line, default 1"},
                "limit": {"type": "integer", "description": "lines, default 500, at most 2000"},
            },
            "required": ["path"],
        },
        toolset="file",
        run=run_read_file,
        seconds=60.0,
    ),
)
