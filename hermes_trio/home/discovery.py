"""Which profiles of a home to serve."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from hermes_trio.errors import ConfigError, HermesTrioError, HomeError
from hermes_trio.home.names import DEFAULT_PROFILE, is_profile_name, normalize_profile_name
from hermes_trio.home.scalars import to_boolean
from hermes_trio.home.section import Origin, Section, first_with
from hermes_trio.home.text_file import explain_os_error, read_text_file
from hermes_trio.home.yaml_source import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.home.paths import HomePaths, ProfilePaths

PARKED: Final = "parked"
STANDALONE: Final = "standalone"


@dataclass(frozen=True, slots=True)
class ServedProfile:
    """A profile of the home.

    Attributes:
        name: Its name.
        parked: Why it is not started: ``parked`` (a ``gateway.parked`` file in its home) or ``standalone``
            (``gateway.standalone: true``: a process of its own serves it); None when it is to be served.
    """

    name: str
    parked: str | None = None


def discover_profiles(
    home: HomePaths, *, wanted: Sequence[str] | None, allowlist: tuple[str, ...] | None
) -> tuple[ServedProfile, ...]:
    """Find the profiles to serve, the default one first, then by name; blocking.

    A folder in ``profiles`` with a valid name and an identity file is a profile, also when it is a link. A folder
    ``profiles/default`` is none: the default profile is the home itself.

    Args:
        home: The home.
        wanted: Exactly these, whatever the allowlist says; None for all. A parked one stays parked all the same.
        allowlist: Only these besides the default profile; None for all.

    Raises:
        HomeError: ``home_missing``, ``home_unreadable``, ``unknown_profile`` or ``profile_name_invalid``.
    """
    known = (DEFAULT_PROFILE, *_named_profiles(home))
    if wanted is not None:
        asked = frozenset(_require_known(normalize_profile_name(name), known, home) for name in wanted)
        names = [name for name in known if name in asked]
    else:
        names = [name for name in known if allowlist is None or name == DEFAULT_PROFILE or name in allowlist]
    return tuple(ServedProfile(name, _why_parked(home.profile(name), name)) for name in names)


def _named_profiles(home: HomePaths) -> list[str]:
    try:
        if not home.root.is_dir():
            raise HomeError(
                "there is no Hermes home here",
                code="home_missing",
                where=str(home.root),
                found="a file" if home.root.exists() else "nothing",
                expected="a folder",
                mend=f"mkdir -p {home.root}, or name another with --home, or try `hermes-trio run --demo`",
            )
        folders = list(home.profiles.iterdir()) if home.profiles.is_dir() else []
        return sorted(
            folder.name
            for folder in folders
            if folder.name != DEFAULT_PROFILE
            and is_profile_name(folder.name)
            and _has_identity(home.profile(folder.name))
        )
    except OSError as exc:
        problem, mend = explain_os_error(exc, home.profiles)
        raise HomeError(problem, code="home_unreadable", where=str(home.profiles), mend=mend) from exc


def _has_identity(paths: ProfilePaths) -> bool:
    try:
        return any(file.exists() for file in paths.identity_files)
    except OSError:
        return True  # a folder that may not be looked into is listed and fails on its own, not with all the others


def _require_known(name: str, known: Sequence[str], home: HomePaths) -> str:
    if name in known:
        return name
    close = get_close_matches(name, known, n=1)
    raise HomeError(
        f"there is no profile '{name}'" + (f"; did you mean '{close[0]}'?" if close else ""),
        code="unknown_profile",
        where=str(home.root),
        expected="one of " + ", ".join(known),
    )


def _why_parked(paths: ProfilePaths, name: str) -> str | None:
    try:
        if paths.parked_marker.exists():
            return PARKED
        return STANDALONE if _says_standalone(paths, name) else None
    except (HermesTrioError, OSError, ValueError):
        return None  # its start will fail with the precise error; here it is only listed


def _says_standalone(paths: ProfilePaths, name: str) -> bool:
    text = read_text_file(paths.config, ConfigError, name)
    if text is None or "standalone" not in text:
        return False
    document = parse_yaml(text, paths.config, name, lambda _path, value: value)
    top = Section(Origin(paths.config, name, document.lines, document.spellings), document.values, "")
    return to_boolean(first_with("standalone", top, top.section("gateway")).values.get("standalone", False))
