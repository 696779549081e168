"""Checks which profiles clients may choose as models: are they there, and does anybody read the setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.cli.checks.findings import Finding, Level
from hermes_trio.home.config import EVERY_PROFILE
from hermes_trio.home.names import DEFAULT_PROFILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.cli.checks.survey import Survey

_SETTING = "platforms.api_server.extra.profiles"


def check_offered_profiles(survey: Survey) -> Iterator[Finding]:
    """Profiles that are offered and do not exist, and offers of profiles that nobody asks."""
    served = {profile.name for profile in survey.profiles if profile.parked is None}
    for profile, settings in survey.readable():
        offered = settings.config.api_server.profiles
        where = f"{profile.paths.config} {_SETTING}"
        if offered is None:
            continue
        if profile.name != DEFAULT_PROFILE:
            yield Finding(
                level=Level.WARNING,
                code="offered_profiles_not_read",
                profile=profile.name,
                where=where,
                message="only the default profile's key chooses profiles as models; this has no effect",
                mend="move it into the default profile's config.yaml",
            )
            continue
        for name in sorted(set(offered) - served - {EVERY_PROFILE}):
            yield Finding(
                level=Level.WARNING,
                code="offered_profile_unknown",
                profile=profile.name,
                where=where,
                message=f"'{name}' is offered as a model, but no profile of this name is served",
                mend="name one of " + ", ".join(sorted(served)),
            )
