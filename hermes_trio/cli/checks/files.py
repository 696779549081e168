"""Checks of a profile's files: can they be read, do they say what their author meant, are they private."""

from __future__ import annotations

import sqlite3
import stat
from typing import TYPE_CHECKING

from hermes_trio.cli.checks.findings import Finding, Level
from hermes_trio.cli.checks.platforms import installed_adapters
from hermes_trio.home.provenance import ROUTE_INVALID, WEBHOOK_ROUTE_INVALID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from hermes_trio.cli.checks.survey import Survey, SurveyedProfile
    from hermes_trio.home.settings import ProfileSettings

_WHY_NOT_SERVED: Mapping[str, tuple[str, str]] = {
    "parked": ("the profile is parked", "remove the file gateway.parked in its folder to have it served"),
    "standalone": ("the profile says that another process serves it", "remove gateway.standalone from its config.yaml"),
}


def check_files(survey: Survey) -> Iterator[Finding]:
    """Everything about the files of each profile, one profile after the other."""
    for profile in survey.profiles:
        yield from _served(profile)
        yield from _readable(profile)
        if profile.settings is not None:
            yield from _remarks(profile.settings)
        yield from _private(profile)
        yield from _database(profile)


def _served(profile: SurveyedProfile) -> Iterator[Finding]:
    if profile.parked is not None:
        message, mend = _WHY_NOT_SERVED.get(profile.parked, (f"the profile is not served: {profile.parked}", None))
        yield Finding(
            level=Level.INFO,
            code=f"profile_{profile.parked}",
            profile=profile.name,
            where=str(profile.paths.root),
            message=message,
            mend=mend,
        )


def _readable(profile: SurveyedProfile) -> Iterator[Finding]:
    if (error := profile.problem) is None:
        return
    message = error.problem
    if error.found is not None:
        message += f"; found {error.found}"
    if error.expected is not None:
        message += f"; expected {error.expected}"
    yield Finding(
        level=Level.ERROR,
        code=error.code,
        profile=profile.name,
        where=error.where or str(profile.paths.root),
        message=message,
        mend=error.mend,
    )


def _remarks(settings: ProfileSettings) -> Iterator[Finding]:
    own = {f"{prefix}platforms.{name}" for name in installed_adapters() for prefix in ("", "gateway.")}
    for key in (key for key in settings.config.unknown_keys if key.path not in own):
        yield Finding(
            level=Level.WARNING,
            code="unknown_key",
            profile=settings.name,
            where=str(key.location),
            message=f"unknown key {key.path}; it has no effect here",
            mend=f"did you mean {key.suggestion}?" if key.suggestion else None,
        )
    for notice in settings.config.notices:
        yield Finding(
            # What is left out changes who answers, or whether anybody does.
            level=Level.ERROR if notice.code in (ROUTE_INVALID, WEBHOOK_ROUTE_INVALID) else Level.WARNING,
            code=notice.code,
            profile=settings.name,
            where=str(notice.location),
            message=f"{notice.path}: {notice.text}",
        )


def _private(profile: SurveyedProfile) -> Iterator[Finding]:
    path = profile.paths.env
    mode = _mode(path)
    if mode is not None and mode & 0o077:
        yield Finding(
            level=Level.WARNING,
            code="secrets_not_private",
            profile=profile.name,
            where=str(path),
            message=f"other users of this machine may read or change the secrets (mode {mode:04o})",
            mend=f"chmod 600 {path}",
        )


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def _database(profile: SurveyedProfile) -> Iterator[Finding]:
    path = profile.paths.state_db
    if not path.is_file():
        return
    code, mend = "store_corrupt", f"put a backup in its place, or start with an empty history: mv {path} {path}.broken"
    try:
        problem = _quick_check(path)
    except sqlite3.Error as error:
        problem = str(error)
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            code, mend = "store_locked", f"find the program that holds it: fuser {path}"
    if problem is not None:
        yield Finding(
            level=Level.ERROR,
            code=code,
            profile=profile.name,
            where=str(path),
            message=f"the database cannot be used: {problem}",
            mend=mend,
        )


def _quick_check(path: Path) -> str | None:
    """Why SQLite does not like the file, or None. Leaves no file behind: without a log, it is opened as unchanging."""
    mode = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=1.0)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        answer = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    finally:
        connection.close()
    return None if answer == "ok" else answer
