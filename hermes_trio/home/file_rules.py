"""Which files no agent may read or write, by their names. Pure: nothing here touches the disk.

Names are compared folded (`fold`), so that another spelling of case is no way round a rule on a disk that ignores it.
"""

from __future__ import annotations

import unicodedata
from fnmatch import fnmatchcase
from typing import Final

Parts = tuple[str, ...]

OF_ANOTHER: Final = "belongs to another profile"
_PRIVATE: Final = "holds credentials"
_SYSTEM: Final = "belongs to the operating system"
_GATEWAY: Final = "belongs to the gateway"
_STEERS: Final = "decides what this agent may do; ask the user to change it"
_DEVICE: Final = "is a device or a window into running processes"


def _rules(reason: str, *patterns: str) -> tuple[tuple[Parts, str], ...]:
    """Patterns of paths, each with the reason why it is closed."""
    return tuple((tuple(pattern.split("/")), reason) for pattern in patterns)


#: Below a profile's own home: never read, never written.
_CLOSED_IN_HOME: Final = (
    *_rules(_PRIVATE, ".env*", ".op.env*", "auth.json*", "mcp-tokens", "webhook_subscriptions.json*", "backups"),
    *_rules(_PRIVATE, "pairing", "platforms/pairing"),
    *_rules(_GATEWAY, "state.db*", "response_store.db*", "cron/executions.db*"),
    *_rules(_GATEWAY, "*.lock", "cron/*.lock", "memories/*.lock"),
)
#: Below a profile's own home: read, but not written.
_FIXED_IN_HOME: Final = (
    *_rules(_STEERS, "config.yaml", "gateway.json", "hooks", "plugins", "shell-hooks-allowlist.json"),
    *_rules(_GATEWAY, "cron/jobs.json", "gateway.*", "gateway_state.json", "active_profile", "processes.json"),
    *_rules(_GATEWAY, "sessions", ".clean_shutdown", "restart_loop.json", "hermes-trio.*", "channel_directory.json"),
    *_rules(_GATEWAY, ".restart_*", ".gateway-*", ".drain_request.json", ".update_*"),
)
#: Anywhere: folders and files that programs keep credentials in.
_SECRET_NAMES: Final = frozenset(
    {".ssh", ".aws", ".azure", ".gnupg", ".kube", ".netrc", "_netrc", ".pgpass", ".git-credentials", ".password-store"}
)
_SECRET_PATHS: Final = (
    (".docker", "config.json"),
    (".config", "gh"),
    (".config", "gcloud"),
    (".config", "git", "credentials"),
    (".cargo", "credentials.toml"),
    (".local", "share", "keyrings"),
)
_SECRET_SYSTEM: Final = _rules(
    _PRIVATE,
    *("etc/shadow*", "etc/gshadow*", "etc/sudoers*", "etc/ssh/ssh_host_*_key", "etc/ssl/private"),
    *("run/secrets", "var/run/secrets", "var/spool/cron"),
)
_READABLE_PROC: Final = frozenset({"cpuinfo", "loadavg", "meminfo", "stat", "uptime", "version", "filesystems"})
_SYSTEM_FOLDERS: Final = frozenset({"bin", "boot", "etc", "lib", "lib32", "lib64", "proc", "sbin", "sys", "usr"})
_PRIVATE_IN_USER_HOME: Final = (*_rules(OF_ANOTHER, ".hermes"), *_rules(_PRIVATE, ".npmrc", ".pypirc"))
_LOGIN_FILES: Final = _rules(
    "is run when somebody logs in; change it with a terminal command",
    *(".bashrc", ".bash_profile", ".bash_login", ".bash_aliases", ".profile", ".zshrc", ".zshenv", ".zprofile"),
    *(".zlogin", ".config/autostart", ".config/fish", ".config/systemd"),
)


def fold(name: str) -> str:
    """The form in which names are compared."""
    return unicodedata.normalize("NFC", name).casefold()


def refusal_in_home(inside: Parts, *, write: bool) -> str | None:
    """Why a file of the agent's own profile is out of its reach, or None.

    Args:
        inside: Folded names from the profile's home down to the file.
        write: Whether it is to be changed.
    """
    if not inside:
        return "is the home folder itself" if write else None
    return (
        _first(_CLOSED_IN_HOME, inside)
        or _secret_by_name(inside)
        or (_first(_FIXED_IN_HOME, inside) if write else None)
    )


def refusal_elsewhere(parts: Parts, *, write: bool) -> str | None:
    """Why a file outside of all homes is out of every agent's reach, or None.

    Args:
        parts: Folded names from the root of the file system down to the file.
        write: Whether it is to be changed.
    """
    reason = _secret_by_name(parts) or _first(_SECRET_SYSTEM, parts)
    if reason is not None:
        return reason
    if _is_device(parts):
        return _DEVICE
    if write and parts[:1] and parts[0] in _SYSTEM_FOLDERS and parts[:2] != ("usr", "local"):
        return _SYSTEM
    below = parts[1:] if parts[:1] == ("root",) else parts[2:] if parts[:1] in (("home",), ("users",)) else ()
    return _first(_PRIVATE_IN_USER_HOME, below) or (_first(_LOGIN_FILES, below) if write else None)


def _is_device(parts: Parts) -> bool:
    """Shared memory is a folder like others; of ``/proc`` only a few files that tell about the machine are."""
    if parts[:1] == ("dev",):
        return len(parts) > 1 and parts[1] != "shm"
    return parts[:1] == ("proc",) and len(parts) > 1 and not (len(parts) == 2 and parts[1] in _READABLE_PROC)


def _secret_by_name(parts: Parts) -> str | None:
    if _SECRET_NAMES.isdisjoint(parts) and not any(_contains(parts, path) for path in _SECRET_PATHS):
        return None
    return _PRIVATE


def _first(rules: tuple[tuple[Parts, str], ...], parts: Parts) -> str | None:
    return next((reason for pattern, reason in rules if _covers(pattern, parts)), None)


def _covers(pattern: Parts, parts: Parts) -> bool:
    """Whether the pattern names the file or a folder above it."""
    return len(parts) >= len(pattern) and all(map(fnmatchcase, parts, pattern))


def _contains(parts: Parts, sought: Parts) -> bool:
    """Whether the names stand somewhere in the path, one after the other."""
    return any(parts[start : start + len(sought)] == sought for start in range(len(parts) - len(sought) + 1))
