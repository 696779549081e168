"""Reads a whole home once; the checks then work on what was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermes_trio.errors import HermesTrioError
from hermes_trio.home.discovery import discover_profiles
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.settings import load_profile_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hermes_trio.home.config import ProfileConfig
    from hermes_trio.home.paths import HomePaths, ProfilePaths
    from hermes_trio.home.settings import ProfileSettings


@dataclass(frozen=True, slots=True)
class SurveyedProfile:
    """One profile as it lies on disk.

    Attributes:
        name: The profile's name.
        paths: Its paths.
        parked: Why it is not to be served, or None.
        settings: Its files, or None when they cannot be read.
        problem: Why they cannot be read, or None.
    """

    name: str
    paths: ProfilePaths
    parked: str | None
    settings: ProfileSettings | None
    problem: HermesTrioError | None

    @property
    def config(self) -> ProfileConfig | None:
        """Its typed settings, or None when they cannot be read."""
        return self.settings.config if self.settings else None


@dataclass(frozen=True, slots=True)
class Survey:
    """A home as it lies on disk.

    Attributes:
        home: The home.
        environ: The process environment; feeds the default profile only.
        profiles: Its profiles, default first.
    """

    home: HomePaths
    environ: Mapping[str, str]
    profiles: tuple[SurveyedProfile, ...]

    def readable(self) -> Iterator[tuple[SurveyedProfile, ProfileSettings]]:
        """The profiles whose files can be read and that are to be served, with their settings."""
        for profile in self.profiles:
            if profile.settings is not None and profile.parked is None:
                yield profile, profile.settings

    def default(self) -> SurveyedProfile:
        """The default profile."""
        return next(profile for profile in self.profiles if profile.name == DEFAULT_PROFILE)


def survey_home(home: HomePaths, environ: Mapping[str, str]) -> Survey:
    """Read every profile of a home; blocking.

    Raises:
        HomeError: The home itself cannot be used.
    """
    first = _survey_profile(home, DEFAULT_PROFILE, None, environ)
    allowlist = first.config.gateway.multiplex_profile_allowlist if first.config else None
    found = discover_profiles(home, wanted=None, allowlist=allowlist)
    profiles = [_survey_profile(home, served.name, served.parked, environ) for served in found]
    return Survey(home, environ, tuple(profiles))


def _survey_profile(home: HomePaths, name: str, parked: str | None, environ: Mapping[str, str]) -> SurveyedProfile:
    settings, problem = None, None
    try:
        settings = load_profile_settings(home, name, environ)
    except HermesTrioError as error:
        problem = error
    return SurveyedProfile(name, home.profile(name), parked, settings, problem)
