"""``write_file``: the whole content of a file, at once or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.tools.file_changes import LARGEST_FILE, FileChange, apply_changes, read_state
from hermes_trio.tools.lint import lint_file
from hermes_trio.tools.paths import FilePlace, explaining, place_of, printable
from hermes_trio.tools.tool import Arguments, Tool, ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool_turn import ToolTurn


async def run_write_file(scope: ProfileScope, _turn: ToolTurn, arguments: Arguments) -> Mapping[str, object]:
    """See the schema."""
    return await scope.run_blocking(write_file, place_of(scope), str(arguments["path"]), str(arguments["content"]))


def write_file(place: FilePlace, text: str, content: str) -> Mapping[str, object]:
    """Write a file and the folders above it; blocking.

    Raises:
        FileRefused: It is out of reach.
        ToolError: It cannot be written.
    """
    data = encode_content(content)
    files, path = place.look(), place.absolute(text)
    with explaining(path):
        before = read_state(files, path, content=False)
        made = apply_changes(files, [FileChange(before, data)])
    return {
        "bytes_written": len(data),
        "dirs_created": bool(made),
        "lint": lint_file(before.path, data),
        "resolved_path": printable(str(before.path)),
        "files_modified": [printable(str(before.path))],
    }


def encode_content(content: str) -> bytes:
    """The bytes of a text that a model wrote.

    Raises:
        ToolError: It has halves of characters, or is too long.
    """
    try:
        data = content.encode()
    except UnicodeEncodeError as exc:
        raise ToolError("the content has half a character", found=f"at position {exc.start}") from None
    if len(data) > LARGEST_FILE:
        raise ToolError("the content is too long", found=f"{len(data)} bytes", expected=f"at most {LARGEST_FILE}")
    return data


TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        name="write_file",
        description="Write a file, replacing what was in it; missing folders are made. Use patch to change a part.",
        parameters={
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "content": {"type": "string", "description": "the whole content"},
                "cross_profile": {"type": "boolean", "description": "no effect: other profiles are out of reach"},
            },
            "required": ["path", "content"],
        },
        toolset="file",
        run=run_write_file,
        alone=True,
        seconds=60.0,
    ),
)
