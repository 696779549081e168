"""What a child process of a profile finds in its environment: constructed, never inherited. Pure.

A child gets a short base list of the gateway's own variables (where programs are, language, time zone, user), the
variables the profile declares in its ``.env`` unless they are secret, the secrets that ``terminal.env_passthrough``
names, ``HOME`` and ``HERMES_HOME`` of the profile, and the conversation it works for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from hermes_trio.home.secret_names import looks_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from hermes_trio.home.paths import ProfilePaths
    from hermes_trio.home.secrets import Secrets

#: All that a child may have of the gateway's own environment, beside ``LC_*``.
BASE_NAMES: Final = frozenset({"PATH", "LANG", "LANGUAGE", "TZ", "USER", "LOGNAME", "SHELL", "TMPDIR"})
USUAL_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PASSWORD_IN_ADDRESS: Final = re.compile(r"://[^/@\s:]*:[^/@\s]+@")


class ChildSettings(Protocol):
    """The settings that matter here; `TerminalConfig` has them."""

    @property
    def env_passthrough(self) -> Sequence[str]:
        """Names of variables that children get though they are secret."""
        ...


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a child is told of the conversation it works for; empty texts are left out.

    Attributes:
        platform: Where the message came from.
        session_id: The conversation.
        session_key: Its stable key.
        user_id: Who asked.
        user_name: What people call them.
        chat_id: The chat on the platform.
        chat_name: What people call it.
        thread_id: The thread or topic in it.
        message_id: The platform's id of the message.
    """

    platform: str = ""
    session_id: str = ""
    session_key: str = ""
    user_id: str = ""
    user_name: str = ""
    chat_id: str = ""
    chat_name: str = ""
    thread_id: str = ""
    message_id: str = ""


def child_environment(
    base: Mapping[str, str],
    profile: str,
    paths: ProfilePaths,
    secrets: Secrets,
    settings: ChildSettings,
    home: Path,
    conversation: Conversation,
) -> dict[str, str]:
    """Build the whole environment of a child process.

    Args:
        base: The gateway's own environment; only `BASE_NAMES` and ``LC_*`` are taken from it, and what
            ``env_passthrough`` names and is no secret.
        profile: The profile's name.
        paths: Its paths.
        secrets: Its variables.
        settings: Its ``terminal`` settings.
        home: The child's ``HOME``.
        conversation: For ``HERMES_SESSION_*``, on which tools and scripts of a Hermes home rely.
    """
    return {
        "PATH": USUAL_PATH,
        **{name: value for name, value in base.items() if name in BASE_NAMES or name.startswith("LC_")},
        "TERM": "dumb",
        **dict(declared_variables(base, secrets, settings.env_passthrough)),
        "HOME": str(home),
        "HERMES_HOME": str(paths.root),
        **session_variables(profile, conversation),
    }


def base_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What of the process's own environment is kept for children: the base list, and the user's ``HOME``."""
    return {name: value for name, value in environ.items() if name in BASE_NAMES or name == "HOME" or name[:3] == "LC_"}


def declared_variables(
    base: Mapping[str, str], secrets: Secrets, passthrough: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """What a profile says its children may have: variables of its ``.env`` that are no secrets, and those it names.

    The default profile's variables hold the gateway's environment as well; of that only named ones count. A name that
    the profile has no value for is looked up in ``base``, unless it looks secret: a missing token stays missing and is
    never replaced by somebody else's.
    """
    named = frozenset(passthrough)
    for name in sorted(secrets.names() | named):
        value = secrets.get(name)
        if value is None and not looks_secret(name):
            value = base.get(name)
        if value is None or "\0" in value or not _NAME.fullmatch(name):
            continue
        if name in named or (secrets.location(name).file is not None and not is_secret(name, value)):
            yield name, value


def is_secret(name: str, value: str) -> bool:
    """Tell whether a variable must be named to be passed on; an address with a password in it is a secret, too."""
    return looks_secret(name) or _PASSWORD_IN_ADDRESS.search(value) is not None


def session_variables(profile: str, conversation: Conversation) -> dict[str, str]:
    """``HERMES_SESSION_*`` of a conversation."""
    values = {
        "PROFILE": profile,
        "PLATFORM": conversation.platform,
        "SOURCE": conversation.platform,
        "ID": conversation.session_id,
        "KEY": conversation.session_key,
        "USER_ID": conversation.user_id,
        "USER_NAME": conversation.user_name,
        "CHAT_ID": conversation.chat_id,
        "CHAT_NAME": conversation.chat_name,
        "THREAD_ID": conversation.thread_id,
        "MESSAGE_ID": conversation.message_id,
    }
    return {f"HERMES_SESSION_{name}": value for name, value in values.items() if value and "\0" not in value}


def choose_home(mode: str, own: Path, user: Path, *, own_exists: bool) -> Path:
    """The ``HOME`` of a profile's children.

    Args:
        mode: ``terminal.home_mode``: ``profile`` for ``own``, ``user`` (or ``real``) for ``user``; anything else is
            ``auto``: ``own`` if it exists.
        own: The profile's ``home/``.
        user: The user's home folder.
        own_exists: Whether ``own`` is there.
    """
    if mode in ("user", "real", "host"):
        return user
    return own if own_exists or mode == "profile" else user


def choose_folder(setting: str, paths: ProfilePaths, home: Path, *, workspace_exists: bool) -> Path:
    """Where commands of a profile run: ``terminal.cwd``; never the gateway's own working directory.

    Args:
        setting: ``.`` or empty for the profile's ``workspace/`` if it exists, else its home folder; ``~`` is ``home``;
            other relative paths start at the profile's home folder.
        paths: The profile's paths.
        home: ``HOME`` of the command.
        workspace_exists: Whether ``workspace/`` is there.
    """
    if setting.strip() in ("", "."):
        return paths.workspace if workspace_exists else paths.root
    return below(paths.root, setting.strip(), home)


def below(folder: Path, path: str, home: Path) -> Path:
    """A path a user wrote, relative to ``folder``; ``~`` is ``home``."""
    if path == "~" or path.startswith("~/"):
        return home / path[2:]
    return folder / path
