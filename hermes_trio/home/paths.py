"""Every path of a Hermes home in one place, and how the root home is found. Nothing here touches the disk."""

from __future__ import annotations

import hashlib
import os
import pwd
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hermes_trio.home.names import DEFAULT_PROFILE, is_profile_name, normalize_profile_name

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A unix socket address holds 108 bytes on Linux and 104 on macOS, with its closing zero.
SOCKET_PATH_LIMIT: Final = 100


@dataclass(frozen=True, slots=True)
class ProfilePaths:
    """The paths of one profile.

    Attributes:
        root: That profile's home folder.
    """

    root: Path

    @property
    def config(self) -> Path:
        """Settings of the profile."""
        return self.root / "config.yaml"

    @property
    def env(self) -> Path:
        """Secrets of the profile, ``KEY=VALUE`` lines."""
        return self.root / ".env"

    @property
    def soul(self) -> Path:
        """Identity text."""
        return self.root / "SOUL.md"

    @property
    def profile_yaml(self) -> Path:
        """Description of the profile."""
        return self.root / "profile.yaml"

    @property
    def auth_json(self) -> Path:
        """OAuth tokens and credential pools."""
        return self.root / "auth.json"

    @property
    def state_db(self) -> Path:
        """Sessions, messages, routing index."""
        return self.root / "state.db"

    @property
    def response_store_db(self) -> Path:
        """Store of the Responses API."""
        return self.root / "response_store.db"

    @property
    def memories(self) -> Path:
        """Folder of the memory files."""
        return self.root / "memories"

    @property
    def memory_md(self) -> Path:
        """Notes of the agent."""
        return self.memories / "MEMORY.md"

    @property
    def user_md(self) -> Path:
        """What the agent knows about its user."""
        return self.memories / "USER.md"

    @property
    def sessions(self) -> Path:
        """Folder of the routing index mirror."""
        return self.root / "sessions"

    @property
    def sessions_json(self) -> Path:
        """Mirror of the routing index."""
        return self.sessions / "sessions.json"

    @property
    def clean_shutdown(self) -> Path:
        """Empty file that says that the last stop was an orderly one."""
        return self.root / ".clean_shutdown"

    @property
    def restart_note(self) -> Path:
        """Says who asked for the restart that is under way."""
        return self.root / ".restart_notify.json"

    @property
    def logs(self) -> Path:
        """Folder of the log files."""
        return self.root / "logs"

    @property
    def skills(self) -> Path:
        """Folder of the skills."""
        return self.root / "skills"

    @property
    def cron(self) -> Path:
        """Folder of the scheduled jobs."""
        return self.root / "cron"

    @property
    def cron_jobs(self) -> Path:
        """The scheduled jobs."""
        return self.cron / "jobs.json"

    @property
    def scripts(self) -> Path:
        """The only folder from which jobs and webhook filters may run scripts."""
        return self.root / "scripts"

    @property
    def hooks(self) -> Path:
        """Folder of the gateway hooks."""
        return self.root / "hooks"

    @property
    def plugins(self) -> Path:
        """Folder of the plugins."""
        return self.root / "plugins"

    @property
    def pairing(self) -> tuple[Path, ...]:
        """Folders with pairing approvals, the one written to first."""
        return (self.root / "platforms" / "pairing", self.root / "pairing")

    @property
    def webhook_subscriptions(self) -> Path:
        """Webhook routes made at run time."""
        return self.root / "webhook_subscriptions.json"

    @property
    def workspace(self) -> Path:
        """Working folder of the agent."""
        return self.root / "workspace"

    @property
    def terminal_home(self) -> Path:
        """``HOME`` of the agent's terminal commands, where the settings select it."""
        return self.root / "home"

    @property
    def parked_marker(self) -> Path:
        """While this file exists the profile is not served."""
        return self.root / "gateway.parked"

    @property
    def identity_files(self) -> tuple[Path, ...]:
        """A folder with one of these is a profile."""
        return (self.config, self.env, self.soul, self.profile_yaml, self.auth_json, self.state_db)


@dataclass(frozen=True, slots=True)
class HomePaths:
    """The paths of a whole home: the root, its profiles, and the files of the process that serves it.

    Attributes:
        root: The root home; also the home of the default profile.
    """

    root: Path

    @property
    def profiles(self) -> Path:
        """Folder of the named profiles."""
        return self.root / "profiles"

    @property
    def active_profile(self) -> Path:
        """One line: the profile the command line uses when none is named."""
        return self.root / "active_profile"

    @property
    def gateway_lock(self) -> Path:
        """Held with ``flock`` for as long as a gateway serves this home."""
        return self.root / "gateway.lock"

    @property
    def gateway_pid(self) -> Path:
        """Who serves this home."""
        return self.root / "gateway.pid"

    @property
    def gateway_state(self) -> Path:
        """How the gateway of this home is doing."""
        return self.root / "gateway_state.json"

    @property
    def control_socket(self) -> Path:
        """Unix socket of the running gateway; in the temporary folder when the home's path is too long for one."""
        path = self.root / "hermes-trio.sock"
        if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
            return path
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"hermes-trio-{os.getuid()}-{digest}.sock"

    def profile(self, name: str) -> ProfilePaths:
        """Give the paths of the profile ``name``; the default profile lives in the root.

        Raises:
            HomeError: ``profile_name_invalid``; so no name leads out of the home.
        """
        valid = normalize_profile_name(name)
        return ProfilePaths(self.root if valid == DEFAULT_PROFILE else self.profiles / valid)


def resolve_root(environ: Mapping[str, str], home: Path | None) -> HomePaths:
    """Find the root home.

    ``home``, from the command line, wins; then ``HERMES_HOME``; then ``~/.hermes``. A folder inside a folder called
    ``profiles`` is a named profile, its root is two levels up. ``HERMES_HOME`` below ``~/.hermes`` means the latter.

    Args:
        environ: The process environment as it was at start.
        home: The folder named on the command line, or None.
    """
    user_home = home_of_user(environ)
    native = _absolute(user_home / ".hermes", user_home)
    if home is not None:
        return HomePaths(_above_profiles(_absolute(home, user_home)))
    variable = environ.get("HERMES_HOME", "").strip()
    if not variable:
        return HomePaths(native)
    named = _absolute(Path(variable), user_home)
    return HomePaths(native if named.is_relative_to(native) else _above_profiles(named))


def profile_of_home(environ: Mapping[str, str], home: Path | None) -> str | None:
    """The named profile whose folder ``home``, or else ``HERMES_HOME``, is; None for a root home.

    Args:
        environ: The process environment as it was at start.
        home: The folder named on the command line, or None.
    """
    variable = environ.get("HERMES_HOME", "").strip()
    if home is None and not variable:
        return None
    folder = _absolute(home or Path(variable), home_of_user(environ))
    is_one = folder.parent == resolve_root(environ, home).profiles
    return folder.name if is_one and folder.name != DEFAULT_PROFILE and is_profile_name(folder.name) else None


def home_of_user(environ: Mapping[str, str]) -> Path:
    """The user's own home folder: ``HOME``, else as the system knows it."""
    return Path(environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir)


def _absolute(path: Path, user_home: Path) -> Path:
    if path.parts[:1] == ("~",):
        path = user_home.joinpath(*path.parts[1:])
    return Path(os.path.abspath(path))  # noqa: PTH100  Path.resolve would follow links: a linked home keeps the name the user gave it


def _above_profiles(path: Path) -> Path:
    return path.parent.parent if path.parent.name == "profiles" else path
