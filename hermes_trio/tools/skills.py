"""The tools ``skills_list`` and ``skill_view``: what proven instructions there are, and what they say."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from hermes_trio.errors import HermesTrioError
from hermes_trio.home.guarded_files import GuardedFiles
from hermes_trio.home.skill_files import SKILL_FILE, SUPPORT_FOLDERS, Skill, SkillSet, split_head
from hermes_trio.tools.paths import explaining, guard_of
from hermes_trio.tools.skill_index import load_skills
from hermes_trio.tools.skill_usage import USED, VIEWED, count_usage
from hermes_trio.tools.tool import Tool, ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.home.file_guard import FileGuard
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool import Arguments
    from hermes_trio.tools.tool_turn import ToolTurn

LARGEST_FILE: Final = 1024 * 1024
MOST_LINKED_FILES: Final = 200
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


async def run_skills_list(scope: ProfileScope, turn: ToolTurn, arguments: Arguments) -> Mapping[str, object]:
    """Name the skills, all or those of a category."""
    found = await load_skills(scope, turn.platform)
    category = str(arguments.get("category") or "").strip().strip("/")
    chosen = [skill for skill in found.skills if not category or skill.category == category]
    categories = sorted({skill.category for skill in found.skills if skill.category})
    reply: dict[str, object] = {
        "success": True,
        "skills": [
            {"name": skill.name, "description": skill.description, "category": skill.category or None}
            for skill in chosen
        ],
        "categories": categories,
        "count": len(chosen),
    }
    if not chosen:
        reply["message"] = f"There are no skills in '{category}'." if category else "There are no skills yet."
    return reply


async def run_skill_view(scope: ProfileScope, turn: ToolTurn, arguments: Arguments) -> Mapping[str, object]:
    """Read a skill, or a file that belongs to it.

    Raises:
        ToolError: There is no such skill or file, or it is no text.
    """
    name = str(arguments["name"])
    skill = find_skill(await load_skills(scope, turn.platform), name)
    guard, inner = guard_of(scope), str(arguments.get("file_path") or "")
    reply = await scope.run_blocking(_view, guard, skill, inner)
    await _count(scope, guard, skill, VIEWED)
    if inner:
        return reply
    content = str(reply["content"])
    if scope.config.skills.template_vars:
        content = _fill_in(content, skill, turn.session_id)
    missing = [variable for variable in skill.required_variables if not scope.secrets.get(variable)]
    return {
        **reply,
        "content": content,
        "required_environment_variables": list(skill.required_variables),
        "missing_required_environment_variables": missing,
        "setup_needed": bool(missing),
        "readiness_status": "setup_needed" if missing else "available",
    }


async def read_skill(scope: ProfileScope, skill: Skill, session_id: str) -> str:
    """The text of a skill that a user has chosen, without its head.

    Args:
        scope: The profile.
        skill: The skill.
        session_id: The conversation that it is to be followed in.

    Raises:
        ToolError: It is no text, or not readable.
    """
    guard = guard_of(scope)
    content = str((await scope.run_blocking(_view, guard, skill, ""))["content"])
    await _count(scope, guard, skill, USED)
    _, text = split_head(content, skill.file)
    return _fill_in(text, skill, session_id) if scope.config.skills.template_vars else text


def find_skill(skills: SkillSet, name: str) -> Skill:
    """The skill of this name.

    Raises:
        ToolError: There is none.
    """
    skill = skills.find(name)
    if skill is None:
        raise ToolError(f"there is no skill '{name[:80]}'", mend="skills_list names those there are")
    return skill


def inner_path(text: str) -> PurePosixPath:
    """The path of a file within a skill.

    Raises:
        ToolError: It leads out of the skill's folder, or means nothing.
    """
    path = PurePosixPath(text.strip())
    if "\0" in text or not path.parts or path.is_absolute() or ".." in path.parts:
        raise ToolError("not a path within the skill", where="file_path", expected="e.g. references/api.md")
    return path


async def _count(scope: ProfileScope, guard: FileGuard, skill: Skill, what: str) -> None:
    """Count the use; a skill can be read although nothing can be written."""
    try:
        await scope.run_blocking(count_usage, guard, scope.home.skills, skill.name, what, scope.clock.now())
    except (OSError, HermesTrioError) as error:
        scope.log.bind(component="tools").debug(f"the use of skill {skill.name} was not counted: {error}")


def _view(guard: FileGuard, skill: Skill, inner: str) -> dict[str, object]:
    """Blocking part of `run_skill_view`."""
    path = inner_path(inner) if inner else PurePosixPath(SKILL_FILE)
    with explaining(skill.folder / path):
        data = _read(guard, skill, path)
    found: dict[str, object] = {"success": True, "name": skill.name}
    text = _text_of(data)
    if inner:
        found |= {"file": str(path), "file_type": path.suffix}
        return found | ({"content": text} if text is not None else {"is_binary": True, "file_size": len(data)})
    if text is None:
        raise ToolError("is not text", where=str(skill.file))
    return found | {
        "description": skill.description,
        "tags": list(skill.tags),
        "related_skills": list(skill.related_skills),
        "content": text,
        "path": f"{skill.path}/{SKILL_FILE}",
        "skill_dir": str(skill.folder),
        "linked_files": _linked_files(skill.folder) or None,
    }


def _read(guard: FileGuard, skill: Skill, inner: PurePosixPath) -> bytes:
    """Read a file of a skill: an own one as every file of the agent's, one of ``external_dirs`` on the user's word."""
    top = Path(os.path.realpath(skill.folder))
    path = Path(os.path.realpath(skill.folder / inner))
    if not path.is_relative_to(top):
        raise ToolError("leads out of the skill's folder", where=str(inner))
    if not skill.own:
        return _read_descriptor(os.open(path, _READ), path)
    files = GuardedFiles(guard)
    resolved = files.resolve(path, write=False)
    with files.open_folder(resolved.parent, judged=False) as folder:
        return _read_descriptor(files.open_file(folder, resolved.name), path)


def _read_descriptor(descriptor: int, path: Path) -> bytes:
    with open(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ToolError("is no regular file", where=str(path))
        if status.st_size > LARGEST_FILE:
            raise ToolError("is too large to be shown", where=str(path), found=f"{status.st_size} bytes")
        return stream.read(LARGEST_FILE)


def _text_of(data: bytes) -> str | None:
    if b"\0" in data:
        return None
    return data.decode("utf-8-sig", "replace").replace("\r\n", "\n")


def _linked_files(folder: Path) -> dict[str, list[str]]:
    """What lies in the support folders, at most `MOST_LINKED_FILES` of each."""
    found: dict[str, list[str]] = {}
    for name in SUPPORT_FOLDERS:
        if (folder / name).is_symlink():
            continue
        paths: list[str] = []
        for parent, folders, files in os.walk(folder / name):
            folders[:] = sorted(entry for entry in folders if not entry.startswith("."))
            below = os.path.relpath(parent, folder)
            paths += [f"{below}/{file}" for file in sorted(files) if not file.startswith(".")]
            if len(paths) >= MOST_LINKED_FILES:
                break
        if paths:
            found[name] = paths[:MOST_LINKED_FILES]
    return found


def _fill_in(content: str, skill: Skill, session_id: str) -> str:
    return content.replace("${HERMES_SKILL_DIR}", str(skill.folder)).replace("${HERMES_SESSION_ID}", session_id)


TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        name="skills_list",
        description="List the skills: proven instructions for recurring tasks, by name and description.",
        parameters={"type": "object", "properties": {"category": {"type": "string"}}},
        toolset="skills",
        run=run_skills_list,
    ),
    Tool(
        name="skill_view",
        description="Read a skill's instructions, or with file_path one of the files it links to.",
        parameters={
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "file_path": {"type": "string", "description": "e.g. references/api.md"},
            },
            "required": ["name"],
        },
        toolset="skills",
        run=run_skill_view,
    ),
)
