"""The skills of a profile as its agent has them, and the list of them for the prompt."""

from __future__ import annotations

import os
import pwd
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.home.file_guard import FileRefused
from hermes_trio.home.guarded_files import GuardedFiles
from hermes_trio.home.skill_files import SkillSet
from hermes_trio.home.skill_tree import SkillFolder, SkillShelf
from hermes_trio.tools.paths import guard_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hermes_trio.home.file_guard import FileGuard
    from hermes_trio.home.skill_files import Skill
    from hermes_trio.scope import ProfileScope

TRUSTED_SECONDS: Final = 1.0
INDEX_DESCRIPTION: Final = 60
WITHOUT_CATEGORY: Final = "general"
_CUT: Final = "..."


class SkillReader:
    """Reads the skills of one generation of a profile, and looks at the disk no more than once per second.

    Args:
        scope: The profile.
    """

    def __init__(self, scope: ProfileScope) -> None:
        self._shelf = SkillShelf(_folders(scope), partial(_may_read, guard_of(scope)))
        self._lock = trio.Lock()
        self._skills = SkillSet()
        self._checked: float | None = None

    async def read(self, scope: ProfileScope) -> SkillSet:
        """All skills that fit this machine; the same object as long as nothing changed."""
        async with self._lock:
            now = trio.current_time()
            if self._checked is None or now - self._checked >= TRUSTED_SECONDS:
                self._skills = await scope.run_blocking(self._shelf.read)
                self._checked = now
            return self._skills

    def forget(self) -> None:
        """Look at the disk at the next reading."""
        self._checked = None


def skill_reader(scope: ProfileScope) -> SkillReader:
    """The reader of a profile's generation."""
    return scope.files.derive("skills", (scope.config,), lambda: SkillReader(scope))


async def load_skills(scope: ProfileScope, platform: str) -> SkillSet:
    """The skills of a profile on a platform: for this machine, and not switched off.

    Args:
        scope: Whose.
        platform: Where the conversation is, e.g. ``api_server``.

    Raises:
        ScopeClosed: The profile is over.
    """
    found = await skill_reader(scope).read(scope)
    return scope.files.derive(f"skills of {platform}", (found,), lambda: _enabled(scope, found, platform))


def offered_skills(skills: SkillSet, abilities: Iterable[str]) -> SkillSet:
    """The skills that are of use to an agent with these toolsets and tools."""
    able = frozenset(abilities)
    return SkillSet(tuple(skill for skill in skills.skills if skill.offered_with(able)), skills.categories)


def skill_index_text(skills: SkillSet, find_threat: Callable[[str], str | None] | None = None) -> str:
    """The list of skills for the prompt, or an empty string when there is none.

    Args:
        skills: What `load_skills` gave, less what `offered_skills` leaves out.
        find_threat: Says what is wrong with a text, or None; skills and categories with such a text are left out, for
            an agent that was tricked once may have written them.
    """
    by_category: dict[str, list[str]] = {}
    for skill in skills.skills:
        if not _is_threat(f"{skill.name}: {skill.description}", find_threat):
            by_category.setdefault(skill.category or WITHOUT_CATEGORY, []).append(_line_of(skill))
    if not by_category:
        return ""
    lines = ["<available_skills>"]
    for category, entries in sorted(by_category.items()):
        about = skills.categories.get(category, "")
        lines.append(f"  {category}: {'' if _is_threat(about, find_threat) else about}".rstrip())
        lines += entries
    return "\n".join([*lines, "</available_skills>"])


def _line_of(skill: Skill) -> str:
    text = skill.description
    if len(text) > INDEX_DESCRIPTION:
        text = text[: INDEX_DESCRIPTION - len(_CUT)] + _CUT
    return f"    - {skill.name}: {text}" if text else f"    - {skill.name}"


def _is_threat(text: str, find_threat: Callable[[str], str | None] | None) -> bool:
    return find_threat is not None and bool(text) and find_threat(text) is not None


def _enabled(scope: ProfileScope, found: SkillSet, platform: str) -> SkillSet:
    config = scope.config.skills
    disabled = frozenset(config.disabled) | frozenset(config.platform_disabled.get(platform, ()))
    surroundings = _surroundings()
    kept = (skill for skill in found.skills if skill.name not in disabled and skill.fits(sys.platform, surroundings))
    return SkillSet(tuple(kept), found.categories)


def _surroundings() -> frozenset[str]:
    """What skills call environments, of those that can be told here."""
    signs = (("docker", "/.dockerenv"), ("s6", "/run/s6"))
    return frozenset(name for name, path in signs if os.path.lexists(path))


def _may_read(guard: FileGuard, path: Path) -> bool:
    files = GuardedFiles(guard)
    try:
        resolved = files.resolve(path, write=False)
        if not resolved.is_dir():
            with files.open_folder(resolved.parent, judged=False) as folder:
                files.status(folder, resolved.name, write=False)
    except (FileRefused, OSError):
        return False
    return True


def _folders(scope: ProfileScope) -> tuple[SkillFolder, ...]:
    """The profile's own folder first: its skills win over others of the same name."""
    outside = (_expand(text, scope) for text in scope.config.skills.external_dirs)
    return (SkillFolder(scope.home.skills, own=True), *(SkillFolder(path, own=False) for path in outside if path))


def _expand(text: str, scope: ProfileScope) -> Path | None:
    """What the user wrote: absolute, from the home of the user we run as, or from the profile's home."""
    text = text.strip()
    if text == "~" or text.startswith("~/"):
        return Path(scope.secrets.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir, text[2:])
    return scope.home.root / text if text else None
