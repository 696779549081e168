"""Checks of the home as a whole: folders that look like profiles but are none, names that lead nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.cli.checks.findings import Finding, Level
from hermes_trio.home.names import DEFAULT_PROFILE, is_profile_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.cli.checks.survey import Survey


def check_home(survey: Survey) -> Iterator[Finding]:
    """Folders below ``profiles`` that nobody serves, and allowlist entries without a profile."""
    yield from _folders(survey)
    yield from _allowlist(survey)


def _folders(survey: Survey) -> Iterator[Finding]:
    try:
        names = sorted(path.name for path in survey.home.profiles.iterdir() if path.is_dir())
    except OSError:
        return
    for name in names:
        if not is_profile_name(name) and not name.startswith("."):
            yield Finding(
                level=Level.WARNING,
                code="profile_name_invalid",
                profile=None,
                where=str(survey.home.profiles / name),
                message="the folder's name is not a profile name, so it is not served",
                mend="use 1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter or a digit",
            )


def _allowlist(survey: Survey) -> Iterator[Finding]:
    config = survey.default().config
    allowed = config.gateway.multiplex_profile_allowlist if config else None
    known = {profile.name for profile in survey.profiles} | {DEFAULT_PROFILE}
    for name in allowed or ():
        if name not in known:
            yield Finding(
                level=Level.WARNING,
                code="unknown_profile",
                profile=DEFAULT_PROFILE,
                where=f"{survey.default().paths.config} gateway.multiplex_profile_allowlist",
                message=f"it names '{name}', but the home has no such profile",
                mend=f"make the folder {survey.home.profiles / name} with a config.yaml, or take the name out",
            )
