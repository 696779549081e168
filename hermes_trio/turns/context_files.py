"""The instructions a project keeps for agents: which file of the working folder counts, and its block in the prompt."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.errors import HomeError
from hermes_trio.home.child_environment import choose_folder
from hermes_trio.home.file_guard import FileRefused
from hermes_trio.home.guarded_files import GuardedFiles
from hermes_trio.io.files import TRUSTED_SECONDS
from hermes_trio.tools.paths import guard_of
from hermes_trio.turns.file_text import read_prompt_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.home.file_guard import FileGuard
    from hermes_trio.scope import ProfileScope

TITLE: Final = "# Project Context"
UPWARD_NAMES: Final = (".hermes.md", "HERMES.md")
"""Looked for in the working folder and above it, up to the root of its git repository."""

FOLDER_NAMES: Final = ("AGENTS.md", "agents.md", "CLAUDE.md", "claude.md")
"""Looked for in the working folder only."""

RULES: Final = ".cursorrules"
RULES_FOLDER: Final = ".cursor/rules"
RULES_SUFFIX: Final = ".mdc"
MOST_RULES: Final = 50
MOST_FOLDERS: Final = 64

LEAST_LIMIT: Final = 20_000
MOST_LIMIT: Final = 500_000
WINDOW_SHARE: Final = 0.06
CHARACTERS_PER_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class ProjectContext:
    """What a project tells its agents.

    Attributes:
        block: For the system prompt; empty when the project has nothing to say.
        blocked: What was kept out, one note each.
    """

    block: str = ""
    blocked: tuple[str, ...] = ()


NO_CONTEXT: Final = ProjectContext()


@dataclass(frozen=True, slots=True)
class Project:
    """A working folder and the files in it that count.

    Attributes:
        folder: The folder.
        paths: The files, with links followed.
        names: Their names below the folder they were found in.
    """

    folder: str
    paths: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContextParser:
    """Makes the block of the files' contents; a value, so that equal ones share what the file cache remembers."""

    names: tuple[str, ...]
    limit: int

    def __call__(self, contents: tuple[bytes | None, ...]) -> ProjectContext:
        """Put the files together; all of them have the limit of one."""
        return parse_context(self.names, contents, self.limit)


@dataclass(slots=True)
class ProjectFinder:
    """Remembers for a second what was found; one per profile and generation."""

    asked: str | None = None
    checked: float = 0.0
    project: Project | None = None
    complaint: str = ""

    async def find(self, scope: ProfileScope, folder: str) -> Project:
        """The project in ``folder``; the disk is looked at no more than once per second."""
        if self.project is None or self.asked != folder or trio.current_time() - self.checked >= TRUSTED_SECONDS:
            found = await scope.run_blocking(_look, scope, folder)
            self.asked, self.project, self.checked = folder, found, trio.current_time()
            return found
        return self.project

    def complain(self, scope: ProfileScope, problem: str) -> None:
        """Log what is wrong with a file, once."""
        if problem != self.complaint:
            self.complaint = problem
            scope.log.bind(component="agent.prompt").warning(f"kept out of the prompt: {problem}")


async def find_project(scope: ProfileScope, folder: str = "") -> Project:
    """The working folder and the files in it that count; the disk is looked at no more than once per second.

    Args:
        scope: Whose agent works there; files that its file guard refuses are passed over.
        folder: The folder, which need not exist; empty for what the settings say.
    """
    return await _finder(scope).find(scope, folder)


async def load_context(scope: ProfileScope, project: Project, limit: int) -> ProjectContext:
    """What a project tells its agents; the same object for as long as its files stay the same.

    A file that cannot be read is left out and reported in the log: no project stops its agent.

    Args:
        scope: Whose agent works there.
        project: From `find_project`.
        limit: Most characters of the files, see `context_limit`.
    """
    if not project.paths:
        return NO_CONTEXT
    try:
        return await scope.files.get_group(project.paths, ContextParser(project.names, limit))
    except HomeError as error:
        _finder(scope).complain(scope, str(error))
        return NO_CONTEXT


def _finder(scope: ProfileScope) -> ProjectFinder:
    return scope.files.derive("project finder", (scope.config,), ProjectFinder)


def _look(scope: ProfileScope, folder: str) -> Project:
    """Blocking."""
    chosen = Path(folder) if folder else _usual_folder(scope)
    files = find_context_files(chosen, guard_of(scope))
    return Project(str(chosen), tuple(path for path, _ in files), tuple(name for _, name in files))


def _usual_folder(scope: ProfileScope) -> Path:
    """Where the profile's commands and files begin by its settings; blocking."""
    terminal, home = scope.config.terminal, scope.home
    # With Docker the setting is a folder of the container; on the host only the usual one is known.
    cwd = "." if terminal.backend == "docker" else terminal.cwd
    user_home = Path(scope.secrets.get("HOME") or home.root)
    return choose_folder(cwd, home, user_home, workspace_exists=home.workspace.is_dir())


def context_limit(setting: int | None, window: int | None) -> int:
    """Most characters of context files.

    Args:
        setting: ``context_file_max_chars``, or None for a share of the window.
        window: Tokens the model takes, or None when it is not known.
    """
    if setting is not None and setting > 0:
        return setting
    return max(LEAST_LIMIT, min(int((window or 0) * WINDOW_SHARE * CHARACTERS_PER_TOKEN), MOST_LIMIT))


def find_context_files(folder: Path, guard: FileGuard) -> tuple[tuple[Path, str], ...]:
    """Find the files that count, each with its name, in a worker: blocking.

    The first of these: ``.hermes.md`` or ``HERMES.md`` of the folder or of one above it within its git repository;
    ``AGENTS.md``; ``CLAUDE.md``; ``.cursorrules`` with the rules in ``.cursor/rules``. Only regular files that are not
    empty and that the profile's agent may read.
    """
    start = Path(os.path.realpath(folder))
    search = _Search(guard)
    singles = [(above / name, name) for above in _folders_up(start) for name in UPWARD_NAMES]
    singles += [(start / name, name) for name in FOLDER_NAMES]
    for path, name in singles:
        resolved = search.usable(path)
        if resolved is not None:
            return ((resolved, name),)
    return tuple((resolved, name) for path, name in _rules(start) if (resolved := search.usable(path)) is not None)


def parse_context(names: tuple[str, ...], contents: tuple[bytes | None, ...], limit: int) -> ProjectContext:
    """Make the block of the contents of files; None is one that has gone."""
    sections: list[str] = []
    notes: list[str] = []
    room = limit
    for name, content in zip(names, contents, strict=True):
        checked = read_prompt_text(content, name, room, by_user=False)
        notes += (f"{name} {why}" for why in checked.blocked)
        if checked.text and room > 0:
            sections.append(f"## {name}\n\n{checked.text}")
            room -= len(checked.text)
    return ProjectContext("\n\n".join([TITLE, *sections]) if sections else "", tuple(notes))


class _Search:
    """One look at the disk; the homes are only looked up when there is a file to judge."""

    def __init__(self, guard: FileGuard) -> None:
        self._guard = guard
        self._files: GuardedFiles | None = None

    def usable(self, path: Path) -> Path | None:
        """The file's path with links followed, or None when it is missing, empty, no regular file or refused."""
        if not os.path.lexists(path):
            return None
        if self._files is None:
            self._files = GuardedFiles(self._guard)
        try:
            resolved = self._files.resolve(path, write=False)
            with self._files.open_folder(resolved.parent, judged=False) as opened:
                status = self._files.status(opened, resolved.name, write=False)
        except (FileRefused, OSError):
            return None
        return resolved if status is not None and status.st_size else None


def _folders_up(start: Path) -> list[Path]:
    """The folder and those above it up to the root of its repository; without one only itself."""
    passed: list[Path] = []
    for folder in [start, *start.parents][:MOST_FOLDERS]:
        passed.append(folder)
        if os.path.lexists(folder / ".git"):
            return passed
    return [start]


def _rules(start: Path) -> Iterator[tuple[Path, str]]:
    yield start / RULES, RULES
    try:
        names = sorted(entry.name for entry in (start / RULES_FOLDER).iterdir() if entry.suffix == RULES_SUFFIX)
    except OSError:
        return
    for name in names[:MOST_RULES]:
        yield start / RULES_FOLDER / name, f"{RULES_FOLDER}/{name}"
