"""Which files a profile may send, and how they are handed out.

Allowed are regular files of known kinds in the profile's own places: the folder in which its commands run, its
workspace, its media caches, and the folders that ``gateway.media_delivery_allow_dirs`` names. Temporary folders are
none of them: all profiles share those. Never allowed, whatever the place: files of other profiles, credentials,
settings, and the operating system's files.

A file is opened once, checked through what was opened, and copied into a folder of its own; what is sent is the copy.
So nothing can be put in its place between check and sending, and an answer that waits for its platform still shows
what the agent meant to send.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hermes_trio.delivery.media import KIND_BY_EXTENSION
from hermes_trio.delivery.media_caches import cache_folders, make_private_folder, outbound_folder
from hermes_trio.errors import HermesTrioError
from hermes_trio.home.child_environment import below, choose_folder, choose_home
from hermes_trio.home.file_guard import FileRefused, guard_of_profile
from hermes_trio.home.file_rules import fold
from hermes_trio.home.guarded_files import GuardedFiles

if TYPE_CHECKING:
    from hermes_trio.home.agent_config import TerminalConfig
    from hermes_trio.home.chat_config import MediaConfig
    from hermes_trio.home.paths import ProfilePaths
    from hermes_trio.scope import ProfileScope

LARGEST_FILE: Final = 2 * 1024 * 1024 * 1024
LONGEST_PATH: Final = 4096
_CHUNK: Final = 1024 * 1024
_CREDENTIALS: Final = (
    *(".env*", ".op.env*", "auth.json*", "auth.lock", "credentials*", "*_oauth.json", "*_token.json"),
    *("*client_secret*.json", "webhook_subscriptions.json*", "id_rsa*", "id_ed25519*", "*.pem", "*.key"),
)


class MediaRefused(HermesTrioError):
    """A file is not sent. The text says nothing of whether a file outside of the profile's places exists."""

    default_code = "media_refused"


async def allowed_media(scope: ProfileScope, path: str) -> Path:
    """Check a file that the agent wants to send, and give a copy of it that nobody else changes.

    The copy has the file's name; `discard_outbound` deletes it once it has been sent.

    Args:
        scope: Whose agent it is.
        path: As the agent wrote it; a relative one begins where its commands run.

    Raises:
        MediaRefused: It may not be sent, is not there, or cannot be copied; the error says why.

    Cancellation: waiting is cancellable; a copy that has begun is finished and left behind (see `sweep_outbound`).
    """
    places = _Places(
        scope.name,
        scope.home,
        scope.config.terminal,
        scope.config.chat.media,
        Path(scope.shared.base_environment.get("HOME") or scope.home.root),
    )
    return await scope.run_blocking(_copy_allowed, places, path, scope.clock.now())


async def discard_outbound(scope: ProfileScope, copy: Path) -> None:
    """Delete a copy that `allowed_media` made; any other path is left alone, and so is what is gone already."""
    await scope.run_blocking(_discard, scope.home, copy)


async def sweep_outbound(scope: ProfileScope, keep: frozenset[Path], older_than: float) -> None:
    """Delete copies that nobody will send any more.

    Args:
        scope: The profile.
        keep: Copies that are still needed.
        older_than: Seconds; younger ones are left alone.
    """
    await scope.run_blocking(_sweep, scope.home, keep, scope.clock.now() - older_than)


@dataclass(frozen=True, slots=True)
class _Places:
    """What decides whether a file may go out. Immutable, for use in a worker."""

    name: str
    paths: ProfilePaths
    terminal: TerminalConfig
    media: MediaConfig
    user_home: Path

    def home(self) -> Path:
        own = self.paths.terminal_home
        return choose_home(self.terminal.home_mode, own, self.user_home, own_exists=own.is_dir())

    def working_folder(self) -> Path:
        exists = self.paths.workspace.is_dir()
        return choose_folder(self.terminal.cwd, self.paths, self.home(), workspace_exists=exists)

    def trusted(self) -> list[Path]:
        """Places whose files go out also in strict mode."""
        allowed = [below(self.paths.root, name, self.home()) for name in self.media.allow_dirs]
        return [_real(folder) for folder in (*cache_folders(self.paths), *allowed)]

    def working(self) -> list[Path]:
        """Places whose files go out in strict mode only while they are young."""
        return [_real(folder) for folder in (self.working_folder(), self.paths.workspace, self.paths.terminal_home)]


def _copy_allowed(places: _Places, text: str, now: float) -> Path:
    path = _absolute(places, text)
    files = GuardedFiles(guard_of_profile(places.name, places.paths))
    try:
        resolved = files.resolve(path, write=False)
        files.guard.check(resolved, write=True)  # what steers an agent or a machine is not sent either
        is_trusted = _check_place(places, resolved)
        _check_name(places, path, resolved)
        with files.open_folder(resolved.parent) as folder:
            descriptor = files.open_file(folder, resolved.name)
        with os.fdopen(descriptor, "rb") as source:
            status = os.fstat(source.fileno())
            if not is_trusted and places.media.strict:
                _check_age(places, path, now - status.st_mtime)
            if status.st_size > LARGEST_FILE:
                raise MediaRefused("too large to be sent", profile=places.name, where=str(path))
            return _copied(places, source.fileno(), path.name)
    except FileRefused as refused:
        raise MediaRefused(refused.problem, profile=places.name, where=str(path)) from None
    except OSError as error:
        problem = error.strerror or "cannot be read"
        raise MediaRefused(problem, profile=places.name, where=str(path)) from error


def _absolute(places: _Places, text: str) -> Path:
    if not text or "\0" in text or len(os.fsencode(text)) > LONGEST_PATH:
        raise MediaRefused("not a path", profile=places.name, found=repr(text[:80]))
    return Path(os.path.normpath(below(places.working_folder(), text, places.home())))


def _check_place(places: _Places, resolved: Path) -> bool:
    """Whether a file is trusted also in strict mode; an error when it is in none of the profile's places."""
    if any(resolved.is_relative_to(folder) for folder in places.trusted()):
        return True
    if any(resolved.is_relative_to(folder) for folder in places.working()):
        return False
    raise MediaRefused(
        "lies outside of this profile's folders",
        profile=places.name,
        where=str(resolved),
        expected=f"a file below {places.working_folder()}",
        mend="copy it there, or add its folder to `gateway.media_delivery_allow_dirs`",
    )


def _check_name(places: _Places, path: Path, resolved: Path) -> None:
    for name in (path.name, resolved.name):
        if any(fnmatchcase(fold(name), pattern) for pattern in _CREDENTIALS):
            raise MediaRefused("may hold credentials", profile=places.name, where=str(path))
        if Path(name).suffix.lower() not in KIND_BY_EXTENSION:
            found = repr(Path(name).suffix) if Path(name).suffix else "a name without ending"
            raise MediaRefused("not a kind of file that is sent", profile=places.name, where=str(path), found=found)


def _check_age(places: _Places, path: Path, age: float) -> None:
    if places.media.trust_recent_files and age <= places.media.trust_recent_files_seconds:
        return
    raise MediaRefused(
        "older files are not sent in strict mode",
        profile=places.name,
        where=str(path),
        mend="add its folder to `gateway.media_delivery_allow_dirs`, or unset `gateway.strict`",
    )


def _copied(places: _Places, source: int, name: str) -> Path:
    outbound = outbound_folder(places.paths)
    make_private_folder(places.paths, outbound)
    folder = Path(tempfile.mkdtemp(dir=outbound))
    try:
        copy = folder / name
        descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            left = LARGEST_FILE
            while left > 0 and (sent := os.sendfile(target.fileno(), source, None, min(left, _CHUNK))):
                left -= sent
            os.fsync(target.fileno())
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return copy


def _discard(paths: ProfilePaths, copy: Path) -> None:
    if copy.parent.parent == outbound_folder(paths):
        shutil.rmtree(copy.parent, ignore_errors=True)


def _sweep(paths: ProfilePaths, keep: frozenset[Path], before: float) -> None:
    kept = {path.parent for path in keep}
    try:
        folders = [entry for entry in os.scandir(outbound_folder(paths)) if Path(entry.path) not in kept]
    except FileNotFoundError:
        return
    for entry in folders:
        if entry.stat(follow_symlinks=False).st_mtime < before:
            shutil.rmtree(entry.path, ignore_errors=True)


def _real(folder: Path) -> Path:
    return Path(os.path.realpath(folder))
