"""``patch``: changes parts of files, all of a patch or nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from hermes_trio.tools.diff import unified_diff
from hermes_trio.tools.file_changes import FileChange, FileState, apply_changes, read_state
from hermes_trio.tools.file_text import Text, decode, is_binary
from hermes_trio.tools.files_write import encode_content
from hermes_trio.tools.lint import lint_files
from hermes_trio.tools.patch_apply import apply_hunks, replace_text
from hermes_trio.tools.patch_text import Action, FileOperation, PatchError, parse_patch
from hermes_trio.tools.paths import FilePlace, explaining, place_of, printable
from hermes_trio.tools.tool import Arguments, Tool

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hermes_trio.home.guarded_files import GuardedFiles
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool_turn import ToolTurn

MOST_FILES: Final = 100
_LONGEST_DIFF: Final = 24_000


async def run_patch(scope: ProfileScope, _turn: ToolTurn, arguments: Arguments) -> Mapping[str, object]:
    """See the schema."""
    place = place_of(scope)
    if arguments.get("mode") == "patch":
        return await scope.run_blocking(patch_files, place, _text(arguments, "patch"))
    wanted = Replacement(
        path=_text(arguments, "path"),
        old=_text(arguments, "old_string"),
        new=_text(arguments, "new_string"),
        everywhere=arguments.get("replace_all") is True,
    )
    return await scope.run_blocking(replace_in_file, place, wanted)


@dataclass(frozen=True, slots=True)
class Replacement:
    """A text to be replaced by another.

    Attributes:
        path: The file, as the model wrote it.
        old: What is there.
        new: What shall be there.
        everywhere: Whether at all places.
    """

    path: str
    old: str
    new: str
    everywhere: bool = False


def replace_in_file(place: FilePlace, wanted: Replacement) -> Mapping[str, object]:
    """Replace a text in a file; blocking.

    Raises:
        FileRefused: The file is out of reach.
        ToolError: Nothing was changed, with the reason.
    """
    files = place.look()
    plan = Plan(files, place)
    plan.replace(wanted)
    return plan.carry_out()


def patch_files(place: FilePlace, text: str) -> Mapping[str, object]:
    """Apply a V4A patch; blocking.

    Raises:
        FileRefused: A file is out of reach.
        ToolError: Nothing was changed, with the reason.
    """
    operations = parse_patch(text)
    if len(operations) > MOST_FILES:
        raise PatchError("too many files", found=str(len(operations)), expected=f"at most {MOST_FILES}")
    plan = Plan(place.look(), place)
    for operation in operations:
        plan.add(operation)
    return plan.carry_out()


@dataclass(frozen=True, slots=True)
class Planned:
    """What shall become of a file.

    Attributes:
        before: What it is.
        data: What it shall be; None for gone.
        mode: Permissions of a new file.
        came_from: The file that it was moved from.
    """

    before: FileState
    data: bytes | None
    mode: int | None = None
    came_from: Path | None = None


class Plan:
    """Works out what a patch makes of all its files before any of them changes.

    Args:
        files: Opens files.
        place: Where relative paths begin.
    """

    def __init__(self, files: GuardedFiles, place: FilePlace) -> None:
        self._files = files
        self._place = place
        self._planned: dict[Path, Planned] = {}

    def add(self, operation: FileOperation) -> None:
        """Work out one operation on top of those before it."""
        planned = self._read(operation.path)
        if operation.action is Action.ADD:
            self._add_file(operation, planned)
            return
        if planned.data is None:
            raise PatchError("no such file", where=operation.path)
        if operation.action is Action.DELETE:
            self._plan(replace(planned, data=None))
            return
        self._update_file(operation, planned, planned.data)

    def replace(self, wanted: Replacement) -> None:
        """Work out a replacement."""
        planned = self._read(wanted.path)
        if planned.data is None:
            raise PatchError("no such file", where=wanted.path)
        text = _decode(planned.data, wanted.path)
        try:
            changed, _ = replace_text(text.text, wanted.old, wanted.new, everywhere=wanted.everywhere)
        except PatchError as exc:
            raise _in_file(exc, wanted.path) from exc
        self._plan(replace(planned, data=_encode(text, changed)))

    def carry_out(self) -> Mapping[str, object]:
        """Change the files, all or none, and say what changed."""
        planned = [entry for entry in self._planned.values() if entry.data != entry.before.data]
        with explaining("a file of the patch"):
            apply_changes(self._files, [FileChange(entry.before, entry.data, entry.mode) for entry in planned])
        names = [printable(str(entry.before.path)) for entry in planned]
        diff = "\n".join(_diff(entry) for entry in planned)
        written = {entry.before.path: entry.data for entry in planned if entry.data is not None}
        return {
            "success": True,
            "diff": diff if len(diff) <= _LONGEST_DIFF else f"{diff[:_LONGEST_DIFF]}\n[... the rest is left out]",
            "files_modified": names,
            "lint": lint_files(written),
            "resolved_path": names[0] if names else "",
        }

    def _add_file(self, operation: FileOperation, planned: Planned) -> None:
        if planned.data is not None:
            raise PatchError("the file is there already", where=operation.path, mend="update it, or delete it first")
        self._plan(replace(planned, data=encode_content(operation.content)))

    def _update_file(self, operation: FileOperation, planned: Planned, data: bytes) -> None:
        if operation.hunks:
            text = _decode(data, operation.path)
            try:
                data = _encode(text, apply_hunks(text.text, operation.hunks))
            except PatchError as exc:
                raise _in_file(exc, operation.path) from exc
        if not operation.move_to:
            self._plan(replace(planned, data=data))
            return
        target = self._read(operation.move_to)
        if target.data is not None:
            raise PatchError("the file is there already", where=operation.move_to, mend="move to another path")
        status = planned.before.status
        mode = planned.mode if status is None else status.st_mode & 0o777
        self._plan(replace(planned, data=None))
        self._plan(replace(target, data=data, mode=mode, came_from=planned.before.path))

    def _read(self, text: str) -> Planned:
        path = self._place.absolute(text)
        with explaining(text):
            resolved = self._files.resolve(path, write=True)
            if resolved in self._planned:
                return self._planned[resolved]
            before = read_state(self._files, path)
        return Planned(before, before.data)

    def _plan(self, planned: Planned) -> None:
        self._planned[planned.before.path] = planned


def _text(arguments: Arguments, name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise PatchError(f"{name} is missing", where=f"mode {arguments.get('mode')}", expected="a text")
    return value


def _decode(data: bytes, path: str) -> Text:
    if is_binary(data):
        raise PatchError("not a text file", where=path)
    try:
        return decode(data)
    except UnicodeDecodeError as exc:
        raise PatchError("not a text file", where=path) from exc


def _encode(text: Text, changed: str) -> bytes:
    try:
        return text.encode(changed)
    except UnicodeEncodeError:
        raise PatchError("the new text has half a character") from None


def _in_file(exc: PatchError, path: str) -> PatchError:
    return PatchError(exc.problem, where=path, found=exc.found, expected=exc.expected, mend=exc.mend)


def _diff(entry: Planned) -> str:
    name = str(entry.before.path)
    old = "/dev/null" if entry.before.data is None else name
    new = "/dev/null" if entry.data is None else name
    if is_binary(entry.data or entry.before.data or b""):
        return f"{old} -> {new}: not a text"
    return printable(unified_diff(_show(entry.before.data), _show(entry.data), old, new))


def _show(data: bytes | None) -> str:
    return "" if data is None else data.decode("utf-8", "replace")


TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        name="patch",
        description=(
            "Change parts of files. mode=replace: old_string, which must be in the file once unless replace_all, "
            "becomes new_string. mode=patch: a V4A patch over one or more files, applied as a whole or not at all:\n"
            "*** Begin Patch\n*** Update File: a.py\n@@ def f():\n kept line\n-old line\n+new line\n"
            "*** Add File: b.txt\n+line\n*** Delete File: c.txt\n*** Move File: d.txt -> e.txt\n*** End Patch"
        ),
        parameters={
            "type": "object",
            "properties": {
                "mode": {"type": "string", "enum": ["replace", "patch"]},
                "path": {"type": "string"},
                "old_string": {"type": "string", "description": "with enough lines around it to be unique"},
                "new_string": {"type": "string"},
                "replace_all": {"type": "boolean"},
                "patch": {"type": "string", "description": "V4A text"},
                "cross_profile": {"type": "boolean", "description": "no effect: other profiles are out of reach"},
            },
            "required": ["mode"],
        },
        toolset="file",
        run=run_patch,
        alone=True,
        seconds=60.0,
    ),
)
