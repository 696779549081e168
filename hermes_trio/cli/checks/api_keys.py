"""Checks of the keys that open each profile's HTTP API."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from hermes_trio.cli.checks.findings import Finding, Level
from hermes_trio.cli.mending import new_api_key_command
from hermes_trio.home.api_key import MINIMUM_LENGTH, api_key_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.cli.checks.survey import Survey
    from hermes_trio.home.settings import ProfileSettings


def check_api_keys(survey: Survey) -> Iterator[Finding]:
    """Whether each profile has a usable API key, and one of its own."""
    owners: dict[str, list[str]] = defaultdict(list)
    for _, settings in survey.readable():
        if settings.config.api_server.switched_off:
            continue
        finding = _usable(settings)
        if finding is not None:
            yield finding
        else:
            owners[settings.config.api_server.key].append(settings.name)
    for names in owners.values():
        if len(names) > 1:
            yield from _shared(survey, names)


def _usable(settings: ProfileSettings) -> Finding | None:
    key = settings.config.api_server.key
    problem = api_key_problem(key)
    if problem is None:
        return None
    level, code, message = Level.WARNING, "key_missing", "the profile has no API key, so its API refuses everybody"
    if problem == "key_too_short":
        level, code = Level.ERROR, "key_too_short"
        message = (
            f"the API key has {len(key.strip())} characters, {MINIMUM_LENGTH} are needed; its API refuses everybody"
        )
    elif key.strip():
        level, code, message = Level.ERROR, "key_placeholder", "the API key is a placeholder; its API refuses everybody"
    return Finding(
        level=level,
        code=code,
        profile=settings.name,
        where=_place(settings),
        message=message,
        mend=new_api_key_command(settings.paths.env),
    )


def _shared(survey: Survey, names: list[str]) -> Iterator[Finding]:
    for _, settings in survey.readable():
        if settings.name in names:
            others = ", ".join(name for name in names if name != settings.name)
            yield Finding(
                level=Level.ERROR,
                code="duplicate_api_key",
                profile=settings.name,
                where=_place(settings),
                message=f"the API key is also that of {others}: who may talk to one may talk to all",
                mend=new_api_key_command(settings.paths.env),
            )


def _place(settings: ProfileSettings) -> str:
    return f"{settings.paths.env} API_SERVER_KEY"
