"""The tool ``skill_manage``: the agent writes down what it has learned, in the profile's own ``skills`` folder only."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.errors import HermesTrioError
from hermes_trio.home.guarded_files import GuardedFiles
from hermes_trio.home.skill_files import (
    LONGEST_NAME,
    SKILL_FILE,
    SUPPORT_FOLDERS,
    Skill,
    SkillSet,
    head_problem,
    split_head,
)
from hermes_trio.home.threats import find_threat, find_threat_in_manual
from hermes_trio.tools.file_changes import FileChange, apply_changes, read_state
from hermes_trio.tools.paths import explaining, guard_of
from hermes_trio.tools.skill_index import skill_reader
from hermes_trio.tools.skill_usage import PATCHED, count_usage
from hermes_trio.tools.skills import find_skill, inner_path
from hermes_trio.tools.tool import Tool, ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hermes_trio.home.file_guard import FileGuard
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool import Arguments
    from hermes_trio.tools.tool_turn import ToolTurn

LONGEST_SKILL: Final = 100_000
LARGEST_FILE: Final = 1024 * 1024
_NAME: Final = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{LONGEST_NAME - 1}}}")


@dataclass(frozen=True, slots=True)
class Shelf:
    """What an action works on; for use in a worker.

    Attributes:
        guard: The profile's file guard.
        folder: The profile's skills folder.
        skills: The skills there are, including those that are switched off.
        arguments: Of the call.
    """

    guard: FileGuard
    folder: Path
    skills: SkillSet
    arguments: Arguments

    def text(self, name: str) -> str:
        """A text of the arguments, empty where there is none."""
        value = self.arguments.get(name)
        return value if isinstance(value, str) else ""

    def needed(self, name: str) -> str:
        """A text of the arguments that must be there."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            raise ToolError(f"`{self.text('action')}` needs {name}")
        return value

    def own_skill(self) -> Skill:
        """The skill that is to be changed.

        Raises:
            ToolError: There is none, or it is not the agent's to change.
        """
        skill = find_skill(self.skills, self.text("name"))
        top = os.path.realpath(self.folder)
        if not skill.own or not Path(os.path.realpath(skill.folder)).is_relative_to(top):
            raise ToolError("this skill lies outside of this profile's skills folder and cannot be changed here")
        return skill


async def run_skill_manage(scope: ProfileScope, _turn: ToolTurn, arguments: Arguments) -> Mapping[str, object]:
    """Do what ``action`` says.

    Raises:
        ToolError: It cannot be done; nothing has changed.
    """
    reader = skill_reader(scope)
    reader.forget()
    shelf = Shelf(guard_of(scope), scope.home.skills, await reader.read(scope), arguments)
    action = str(arguments["action"])
    reply = await scope.run_blocking(_act, action, shelf)
    reader.forget()
    if action in ("patch", "edit", "write_file", "remove_file"):
        await _count(scope, shelf)
    return reply


async def _count(scope: ProfileScope, shelf: Shelf) -> None:
    name = shelf.own_skill().name
    try:
        await scope.run_blocking(count_usage, shelf.guard, shelf.folder, name, PATCHED, scope.clock.now())
    except (OSError, HermesTrioError) as error:
        scope.log.bind(component="tools").debug(f"the change of skill {name} was not counted: {error}")


def _act(action: str, shelf: Shelf) -> Mapping[str, object]:
    with explaining(shelf.text("name")):
        return _ACTIONS[action](shelf)


def _create(shelf: Shelf) -> Mapping[str, object]:
    name, category = shelf.text("name"), shelf.text("category").strip().strip("/")
    for what, text in (("name", name), ("category", category)):
        if (text or what == "name") and not _NAME.fullmatch(text):
            expected = f"at most {LONGEST_NAME} of a-z 0-9 . _ -, beginning with a letter or digit"
            raise ToolError("cannot be used", where=what, found=repr(text[:80]), expected=expected)
    if (taken := shelf.skills.find(name)) is not None and taken.own:
        raise ToolError(f"there is a skill '{name}' already", mend="use edit or patch, or another name")
    folder = shelf.folder / category / name
    content = _checked(shelf.needed("content"), folder)
    head, _ = split_head(content, folder / SKILL_FILE)
    if str(head.get("name")).strip() != name:
        raise ToolError("the head gives another name", found=repr(head.get("name")), expected=repr(name))
    _write(shelf, folder / SKILL_FILE, content, new=True)
    return {**_done(f"Skill '{name}' created.", folder, shelf), "category": category or None}


def _edit(shelf: Shelf) -> Mapping[str, object]:
    skill = shelf.own_skill()
    _write(shelf, skill.file, _checked(shelf.needed("content"), skill.folder))
    return _done(f"Skill '{skill.name}' updated.", skill.folder, shelf)


def _patch(shelf: Shelf) -> Mapping[str, object]:
    skill = shelf.own_skill()
    inner = shelf.text("file_path")
    path = skill.folder / (_support_path(inner) if inner and inner != SKILL_FILE else SKILL_FILE)
    old, new = shelf.needed("old_string"), shelf.needed("new_string")
    text = _read(shelf, path)
    count = text.count(old) if old else 0
    if not count:
        raise ToolError("old_string does not occur", where=path.name, mend="read the file with skill_view first")
    if count > 1 and shelf.arguments.get("replace_all") is not True:
        raise ToolError(f"old_string occurs {count} times", mend="give more of its surroundings, or set replace_all")
    patched = text.replace(old, new)
    _write(shelf, path, _checked(patched, skill.folder) if path.name == SKILL_FILE else patched)
    times = "once" if count == 1 else f"{count} times"
    return _done(f"Replaced {times} in {path.name} of skill '{skill.name}'.", skill.folder, shelf)


def _delete(shelf: Shelf) -> Mapping[str, object]:
    skill = shelf.own_skill()
    into = shelf.text("absorbed_into").strip()
    if into:
        other = find_skill(shelf.skills, into)
        if other == skill:
            raise ToolError("a skill cannot be absorbed into itself", where="absorbed_into")
    if skill.folder.is_symlink():
        raise ToolError("this skill is a link; remove the link with a terminal command")
    files = GuardedFiles(shelf.guard)
    resolved = files.resolve(skill.folder, write=True)
    with files.open_folder(resolved.parent, write=True) as folder:
        folder.check(resolved.name, write=True)
        shutil.rmtree(resolved.name, dir_fd=folder.descriptor)
    note = f" Its content lives on in '{into}'." if into else ""
    return _done(f"Skill '{skill.name}' deleted.{note}", skill.folder, shelf)


def _write_file(shelf: Shelf) -> Mapping[str, object]:
    skill = shelf.own_skill()
    inner, content = _support_path(shelf.needed("file_path")), shelf.needed("file_content")
    _write(shelf, skill.folder / inner, content)
    return _done(f"File '{inner}' of skill '{skill.name}' written.", skill.folder, shelf)


def _remove_file(shelf: Shelf) -> Mapping[str, object]:
    skill = shelf.own_skill()
    inner = _support_path(shelf.needed("file_path"))
    files = GuardedFiles(shelf.guard)
    before = read_state(files, _confined(shelf, skill.folder / inner))
    if before.data is None:
        raise ToolError("no such file", where=str(inner), mend="skill_view names the files of a skill")
    apply_changes(files, [FileChange(before, None)])
    return _done(f"File '{inner}' of skill '{skill.name}' removed.", skill.folder, shelf)


def _checked(content: str, folder: Path) -> str:
    """The text of a ``SKILL.md`` that may be written."""
    problem = head_problem(content, folder / SKILL_FILE)
    if problem is None and len(content) > LONGEST_SKILL:
        problem = f"has {len(content)} characters, at most {LONGEST_SKILL} are allowed; put parts into references/"
    if problem is None:
        problem = _threat(content, folder)
    if problem is not None:
        raise ToolError(problem, where=SKILL_FILE)
    return content


def _threat(content: str, folder: Path) -> str | None:
    """What is wrong with a head that would be kept out of the list of skills in the prompt."""
    head, _ = split_head(content, folder / SKILL_FILE)
    threat = find_threat(f"{head.get('name')}: {head.get('description')}", written_by_agent=True)
    return None if threat is None else f"the description {threat}; reword it"


def _support_path(text: str) -> PurePosixPath:
    path = inner_path(text)
    if len(path.parts) < 2 or path.parts[0] not in SUPPORT_FOLDERS:
        folders = ", ".join(f"{name}/" for name in SUPPORT_FOLDERS)
        raise ToolError("files of a skill lie in its support folders", where=str(path), expected=f"one of {folders}")
    return path


def _confined(shelf: Shelf, path: Path) -> Path:
    """The path without links, which must stay below the profile's skills folder."""
    resolved = Path(os.path.realpath(path))
    if not resolved.is_relative_to(os.path.realpath(shelf.folder)):
        raise ToolError("leads out of this profile's skills folder", where=str(path))
    return resolved


def _read(shelf: Shelf, path: Path) -> str:
    before = read_state(GuardedFiles(shelf.guard), _confined(shelf, path))
    if before.data is None:
        raise ToolError("no such file", where=str(path))
    try:
        return before.data.decode()
    except UnicodeDecodeError as error:
        raise ToolError("is not UTF-8 text", where=str(path)) from error


def _write(shelf: Shelf, path: Path, content: str, *, new: bool = False) -> None:
    data = content.encode("utf-8", "replace")
    if len(data) > LARGEST_FILE:
        raise ToolError("too large", found=f"{len(data)} bytes", expected=f"at most {LARGEST_FILE} bytes")
    files = GuardedFiles(shelf.guard)
    before = read_state(files, _confined(shelf, path))
    if new and before.data is not None:
        raise ToolError("there is such a skill already", where=str(path), mend="use edit or patch, or another name")
    if path.suffix == ".md":
        _check_manual(path, before.data or b"", content)
    apply_changes(files, [FileChange(before, data)])


def _check_manual(path: Path, before: bytes, content: str) -> None:
    """Refuse instructions that try to take over whoever reads them, unless the user has left them there already."""
    threat = find_threat_in_manual(content)
    if threat is not None and threat != find_threat_in_manual(before.decode("utf-8", "replace")):
        raise ToolError(f"the text {threat}; reword it", where=path.name)


def _done(message: str, folder: Path, shelf: Shelf) -> dict[str, object]:
    path = os.path.relpath(folder, shelf.folder)
    return {"success": True, "message": message, "path": path, "skill_md": str(folder / SKILL_FILE)}


_ACTIONS: Final[Mapping[str, Callable[[Shelf], Mapping[str, object]]]] = MappingProxyType(
    {
        "create": _create,
        "patch": _patch,
        "edit": _edit,
        "delete": _delete,
        "write_file": _write_file,
        "remove_file": _remove_file,
    }
)

TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        name="skill_manage",
        description=(
            "Write down a proven way of doing a recurring task, or mend one: create and edit (content is the whole "
            "SKILL.md: a YAML head with name and description, then the text), patch (old_string, new_string), delete, "
            "write_file and remove_file (files below references/, templates/, scripts/ or assets/)."
        ),
        parameters={
            "type": "object",
            "properties": {
                "action": {"type": "string", "enum": list(_ACTIONS)},
                "name": {"type": "string", "description": "e.g. deploy-blog"},
                "content": {"type": "string"},
                "old_string": {"type": "string"},
                "new_string": {"type": "string"},
                "replace_all": {"type": "boolean"},
                "category": {"type": "string", "description": "Folder for a new skill"},
                "file_path": {"type": "string", "description": "e.g. references/api.md"},
                "file_content": {"type": "string"},
                "absorbed_into": {"type": "string", "description": "delete: the skill that has its content now"},
            },
            "required": ["action", "name"],
        },
        toolset="skills",
        run=run_skill_manage,
    ),
)
