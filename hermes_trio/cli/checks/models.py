"""Checks whether each profile's model and fallbacks lead to a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.cli.checks.findings import Finding, Level
from hermes_trio.errors import HermesTrioError
from hermes_trio.models.resolve import resolve_targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.cli.checks.survey import Survey
    from hermes_trio.home.settings import ProfileSettings


def check_models(survey: Survey) -> Iterator[Finding]:
    """Providers that do not exist, models that are not chosen; nothing is asked over the network."""
    for _, settings in survey.readable():
        yield from _resolvable(settings)


def _resolvable(settings: ProfileSettings) -> Iterator[Finding]:
    try:
        resolve_targets(settings.config, settings.secrets)
    except HermesTrioError as error:
        yield Finding(
            level=Level.ERROR,
            code=error.code,
            profile=settings.name,
            where=error.where or f"{settings.paths.config} model",
            message=error.problem if error.found is None else f"{error.problem}; found {error.found}",
            mend=error.mend or "set model.provider and model.default",
        )
