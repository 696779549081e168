"""Where a profile's pairing files lie.

A home that has been served by other programs may hold approvals in several folders. All of them are read; what is new
goes into one.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.errors import HermesTrioError
from hermes_trio.home.names import DEFAULT_PROFILE

if TYPE_CHECKING:
    from pathlib import Path

    from hermes_trio.home.paths import ProfilePaths

PENDING: Final = "pending"
APPROVED: Final = "approved"
LIMITS: Final = "_rate_limits.json"
LOCK: Final = ".pairing.lock"
_PLATFORM: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class PairingError(HermesTrioError):
    """Pairing cannot go on.

    Codes: ``pairing_failed``, ``pairing_platform_invalid``, ``pairing_file_invalid``, ``pairing_file_unusable``,
    ``pairing_busy``, ``pairing_locked``, ``pairing_code_wrong``, ``pairing_not_found``.
    """

    default_code = "pairing_failed"


@dataclass(frozen=True, slots=True)
class PairingPlaces:
    """The folders of one profile; immutable, for use in a worker.

    Attributes:
        profile: Whose they are; named in errors.
        home: The profile's home.
        folders: All that are read, the usual one first, the older one second.
    """

    profile: str
    home: Path
    folders: tuple[Path, ...]

    def files(self, platform: str, kind: str) -> tuple[Path, ...]:
        """Where entries of a platform may be.

        Args:
            platform: A name from `check_platform`.
            kind: `PENDING` or `APPROVED`.
        """
        return tuple(folder / f"{platform}-{kind}.json" for folder in self.folders)

    def written(self) -> Path:
        """The folder that is written to: the usual one, unless only the older one has content; blocking."""
        usual, older = self.folders[:2]
        return older if _has_content(older) and not _has_content(usual) else usual


def pairing_places(profile: str, paths: ProfilePaths) -> PairingPlaces:
    """The folders of a profile.

    For the default profile that is also the one in ``profiles/default``, which is no profile but may hold approvals
    that another program put there. Those of a named profile it would put into what is the older folder anyway.
    """
    stray = (paths.root / "profiles" / DEFAULT_PROFILE / "pairing",) if profile == DEFAULT_PROFILE else ()
    return PairingPlaces(profile, paths.root, (*paths.pairing, *stray))


def is_platform(name: str) -> bool:
    """Whether it can be a platform's name, and so a part of a file's name."""
    return _PLATFORM.fullmatch(name) is not None


def check_platform(name: str, profile: str) -> str:
    """The name in lower case.

    Raises:
        PairingError: ``pairing_platform_invalid``.
    """
    lowered = name.strip().lower()
    if is_platform(lowered):
        return lowered
    raise PairingError(
        "not a platform's name",
        code="pairing_platform_invalid",
        profile=profile,
        found=repr(name[:80]),
        expected="a name like telegram",
    )


def _has_content(folder: Path) -> bool:
    return any(name.endswith(".json") for name in names_in(folder))


def names_in(folder: Path) -> list[str]:
    """What is in a folder; nothing when it is not there; blocking.

    Raises:
        OSError: It cannot be read.
    """
    try:
        return os.listdir(folder)  # noqa: PTH208  names are all that is wanted
    except (FileNotFoundError, NotADirectoryError):
        return []
