"""``search_files``: lines that fit an expression, or files by their names."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.home.child_environment import USUAL_PATH
from hermes_trio.tools.paths import place_of
from hermes_trio.tools.search_findings import MOST_CONTEXT, MOST_SHOWN, SearchRequest
from hermes_trio.tools.search_listing import list_files, read_listing
from hermes_trio.tools.search_walk import WalkingSearch
from hermes_trio.tools.terminal_launch import base_of
from hermes_trio.tools.tool import Arguments, Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool_turn import ToolTurn

SECONDS: Final = 60.0
_ENVELOPE: Final = 1000


async def run_search_files(scope: ProfileScope, _turn: ToolTurn, arguments: Arguments) -> Mapping[str, object]:
    """See the schema."""
    request = SearchRequest(
        pattern=str(arguments["pattern"]),
        files=arguments.get("target") == "files",
        path=str(arguments.get("path") or "."),
        file_glob=str(arguments.get("file_glob") or ""),
        limit=_number(arguments, "limit", 50, 1, MOST_SHOWN),
        offset=_number(arguments, "offset", 0, 0, 1_000_000),
        mode=str(arguments.get("output_mode") or "content"),
        context=_number(arguments, "context", 0, 0, MOST_CONTEXT),
        room=max(scope.config.tool_output.max_bytes - _ENVELOPE, _ENVELOPE),
    )
    search = WalkingSearch(place_of(scope), request)
    try:
        with trio.move_on_after(SECONDS) as limit:
            program = await scope.run_blocking(_begin, search, base_of(scope).get("PATH", USUAL_PATH))
            if program is not None and search.folder is not None:
                listing = await list_files(program, search.folder)
                if listing is not None:
                    search.use_listing(await scope.run_blocking(read_listing, listing))
            while not await scope.run_blocking(search.step):
                pass  # between two steps others get the threads, and a cancellation its chance
    finally:
        search.close()
    return search.findings.reply(stopped=f"stopped after {SECONDS:g} s" if limit.cancelled_caught else "")


def _begin(search: WalkingSearch, path: str) -> str | None:
    """Find the place; give the program that lists it, if there is one."""
    search.begin()
    return shutil.which("rg", path=path) if search.folder is not None else None


def _number(arguments: Arguments, name: str, default: int, least: int, most: int) -> int:
    value = arguments.get(name)
    return min(max(value, least), most) if isinstance(value, int) else default


TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        name="search_files",
        description=(
            "Search file contents (target=content; pattern is a regular expression without look-around) "
            "or find files by name (target=files; pattern is a glob, newest first). "
            "Use it instead of grep, find and ls."
        ),
        parameters={
            "type": "object",
            "properties": {
                "pattern": {"type": "string"},
                "target": {"type": "string", "enum": ["content", "files"]},
                "path": {"type": "string", "description": "file or folder, default ."},
                "file_glob": {"type": "string", "description": "only these files, e.g. *.py"},
                "limit": {"type": "integer", "description": "default 50"},
                "offset": {"type": "integer"},
                "output_mode": {"type": "string", "enum": ["content", "files_only", "count"]},
                "context": {"type": "integer", "description": "lines around each match"},
            },
            "required": ["pattern"],
        },
        toolset="file",
        run=run_search_files,
        seconds=SECONDS + 10,
    ),
)
