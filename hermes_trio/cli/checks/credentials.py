"""Finds credentials that only one profile may use but several have, as a cloned profile does."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from hermes_trio.cli.checks.findings import Finding, Level
from hermes_trio.home.decode_platforms import is_placeholder
from hermes_trio.home.platform_table import credential_value, key_of, variables_of
from hermes_trio.home.secret_names import looks_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.cli.checks.survey import Survey
    from hermes_trio.home.platform_config import PlatformConfig
    from hermes_trio.home.settings import ProfileSettings


def check_credentials(survey: Survey) -> Iterator[Finding]:
    """Each account that two or more profiles would use at once; one finding for every such profile."""
    owners: dict[tuple[str, ...], list[tuple[ProfileSettings, str]]] = defaultdict(list)
    for _, settings in survey.readable():
        for platform in settings.config.platforms.values():
            if not platform.switched_off:
                for identity, place in _accounts(settings, platform):
                    owners[identity].append((settings, place))
    for (platform_name, *_), holders in owners.items():
        for settings, place in holders if len(holders) > 1 else ():
            others = ", ".join(other.name for other, _ in holders if other is not settings)
            yield Finding(
                level=Level.ERROR,
                code="duplicate_credential",
                profile=settings.name,
                where=place,
                message=f"the same {platform_name} account as {others}; only one profile can use it at a time",
                mend=f"give {settings.name} an account of its own, or take this setting out",
            )


def _accounts(settings: ProfileSettings, platform: PlatformConfig) -> Iterator[tuple[tuple[str, ...], str]]:
    """Identity (platform, what tells the account apart ...) and place of each account that a profile uses."""
    for names in variables_of(platform.name).accounts:
        values = [credential_value(platform, name) for name in names]
        if all(
            value and not (looks_secret(name) and is_placeholder(value))
            for name, value in zip(names, values, strict=True)
        ):
            yield (platform.name, names[0], *values), _place(settings, platform, names[-1])


def _place(settings: ProfileSettings, platform: PlatformConfig, name: str) -> str:
    if name in platform.variables:
        return f"{settings.secrets.location(name)} {name}"
    key = key_of(name, variables_of(platform.name))
    return f"{settings.paths.config} platforms.{platform.name}.{'token' if key == 'bot_token' else key}"
