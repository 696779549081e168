"""What the file tools mean by a path: where relative ones begin, and the guard they all go through."""

from __future__ import annotations

import contextlib
import errno
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hermes_trio.home.child_environment import below, choose_folder, choose_home
from hermes_trio.home.file_guard import FileGuard, guard_of_profile
from hermes_trio.home.guarded_files import GuardedFiles
from hermes_trio.tools.terminal_launch import base_of
from hermes_trio.tools.tool import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.home.agent_config import TerminalConfig
    from hermes_trio.home.paths import ProfilePaths
    from hermes_trio.scope import ProfileScope

LONGEST_PATH = 4096
"""Linux's own limit, in bytes."""


def guard_of(scope: ProfileScope) -> FileGuard:
    """The profile's file guard."""
    return guard_of_profile(scope.name, scope.home)


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where the file tools of a profile stand: where its terminal commands do. Immutable, for use in a worker.

    Attributes:
        guard: The profile's file guard.
        settings: The ``terminal`` settings.
        paths: The profile's paths.
        user_home: Home folder of the machine's user.
    """

    guard: FileGuard
    settings: TerminalConfig
    paths: ProfilePaths
    user_home: Path

    def look(self) -> GuardedFiles:
        """Look at the disk now; blocking. For one tool call."""
        return GuardedFiles(self.guard)

    def absolute(self, text: str) -> Path:
        """Give the absolute path a model means; blocking. The process's working directory plays no part.

        Raises:
            ToolError: It is empty or too long, has a zero byte, or names the home folder of another user.
        """
        if not _is_path(text):
            raise ToolError("not a path", where="path", found=repr(text[:80]), expected="the path of a file")
        first = text.split("/", 1)[0]
        if first.startswith("~") and first != "~":
            raise ToolError(f"{first} has no meaning here", where="path", mend="use an absolute or a relative path")
        own = self.paths.terminal_home
        home = choose_home(self.settings.home_mode, own, self.user_home, own_exists=own.is_dir())
        workspace_exists = self.paths.workspace.is_dir()
        return below(choose_folder(self.settings.cwd, self.paths, home, workspace_exists=workspace_exists), text, home)


def place_of(scope: ProfileScope) -> FilePlace:
    """Where the file tools of a profile stand."""
    user_home = Path(base_of(scope).get("HOME") or scope.home.root)
    return FilePlace(guard_of(scope), scope.config.terminal, scope.home, user_home)


@contextlib.contextmanager
def explaining(path: Path | str) -> Iterator[None]:
    """Turn an operating-system error into one that tells the model what is wrong with the path."""
    try:
        yield
    except OSError as exc:
        raise ToolError(_problem(exc), where=printable(str(path)), mend=_mend(exc)) from exc


def printable(text: str) -> str:
    """Replace what UTF-8 cannot say: bytes of file names that are no text, halves of characters."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _is_path(text: str) -> bool:
    """JSON allows halves of characters, and zeros; file names do not."""
    try:
        return bool(text.strip()) and "\0" not in text and len(text.encode()) < LONGEST_PATH
    except UnicodeEncodeError:
        return False


def _problem(exc: OSError) -> str:
    if isinstance(exc, FileNotFoundError):
        return "no such file or folder"
    if isinstance(exc, IsADirectoryError):
        return "this is a folder"
    if isinstance(exc, NotADirectoryError):
        return "a part of the path is not a folder"
    if exc.errno == errno.ELOOP:
        return "a link leads in a circle, or was put there meanwhile"
    return exc.strerror or type(exc).__name__


def _mend(exc: OSError) -> str | None:
    if isinstance(exc, IsADirectoryError):
        return "list it with search_files and target=files"
    if isinstance(exc, FileNotFoundError):
        return "look for it with search_files and target=files"
    return None
