"""Checks whether each profile's model and fallbacks lead to a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.cli.checks.findings import Finding, Level
from hermes_trio.errors import HermesTrioError
from hermes_trio.models.resolve import find_fallbacks, resolve_targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.cli.checks.survey import Survey
    from hermes_trio.home.settings import ProfileSettings


def check_models(survey: Survey) -> Iterator[Finding]:
    """Providers that do not exist, models that are not chosen, keys that are missing; nothing is asked."""
    for _, settings in survey.readable():
        try:
            resolve_targets(settings.config, settings.secrets)
        except HermesTrioError as error:
            yield _finding(settings, error, Level.ERROR)
        for problem in find_fallbacks(settings.config, settings.secrets)[1]:
            yield _finding(settings, problem, Level.WARNING)


def _finding(settings: ProfileSettings, error: HermesTrioError, level: Level) -> Finding:
    return Finding(
        level=level,
        code=error.code,
        profile=settings.name,
        where=f"{settings.paths.root}/{error.where or settings.paths.config.name}",
        message=error.problem if error.found is None else f"{error.problem}; found {error.found}",
        mend=error.mend,
    )
