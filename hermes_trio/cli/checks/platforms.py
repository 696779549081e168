"""Checks of the chat platforms that are switched on: is there what they need to come up."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from hermes_trio.adapter_api import ENTRY_POINT_GROUP
from hermes_trio.cli.checks.findings import Finding, Level
from hermes_trio.home.platform_table import variables_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.cli.checks.survey import Survey
    from hermes_trio.home.platform_config import PlatformConfig
    from hermes_trio.home.settings import ProfileSettings


def installed_adapters() -> frozenset[str]:
    """The platforms for which an adapter is installed; none is imported."""
    return frozenset(entry_points(group=ENTRY_POINT_GROUP).names)


def check_platforms(survey: Survey) -> Iterator[Finding]:
    """Platforms without an adapter or a credential, and policies that let in nobody though they say so."""
    installed = installed_adapters()
    for _, settings in survey.readable():
        for platform in settings.config.platforms.values():
            if not platform.enabled:
                continue
            if platform.name not in installed:
                yield _adapter_missing(settings, platform, installed)
            if not platform.has_credential and variables_of(platform.name).credentials:
                yield _credential_missing(settings, platform)
            yield from _open_policies(settings, platform)


def _adapter_missing(settings: ProfileSettings, platform: PlatformConfig, installed: frozenset[str]) -> Finding:
    return Finding(
        level=Level.WARNING,
        code="adapter_missing",
        profile=settings.name,
        where=_where(settings, platform, "enabled"),
        message=f"{platform.name} is switched on, but no adapter for it is installed, so nothing connects to it",
        mend=f"install one, or set platforms.{platform.name}.enabled: false; "
        f"installed: {', '.join(sorted(installed)) or 'none'}",
    )


def _credential_missing(settings: ProfileSettings, platform: PlatformConfig) -> Finding:
    names = variables_of(platform.name).credentials[0]
    return Finding(
        level=Level.WARNING,
        code="credential_missing",
        profile=settings.name,
        where=_where(settings, platform, "enabled"),
        message=f"{platform.name} is switched on, but its credential is missing, so it stays unconnected",
        mend=f"set {' and '.join(names)} in {settings.paths.env}",
    )


def _open_policies(settings: ProfileSettings, platform: PlatformConfig) -> Iterator[Finding]:
    access, variable = platform.access, f"{variables_of(platform.name).prefix}_ALLOW_ALL_USERS"
    for key, policy in (("dm_policy", access.dm_policy), ("group_policy", access.group_policy)):
        if policy == "open" and not access.allow_all_users:
            yield Finding(
                level=Level.WARNING,
                code="open_policy_without_consent",
                profile=settings.name,
                where=_where(settings, platform, key),
                message=f"{key} is open, but that alone lets nobody in",
                mend=f"if everybody may talk to this agent, set {variable}=true in {settings.paths.env}",
            )


def _where(settings: ProfileSettings, platform: PlatformConfig, key: str) -> str:
    """Where the setting stands, else what switched the platform on."""
    for prefix in ("platforms", "gateway.platforms", ""):
        for middle in ("extra.", ""):
            path = f"{prefix}.{platform.name}.{middle}{key}".removeprefix(".")
            if path in settings.sources:
                return f"{settings.sources[path]} {path}"
    name = next(iter(platform.variables), None)
    return f"{settings.secrets.location(name)} {name}" if name else f"{settings.paths.config} platforms.{platform.name}"
