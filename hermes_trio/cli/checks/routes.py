"""Checks the routes: do they lead somewhere, does anything come to them, and which of two equal ones counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.cli.checks.findings import Finding, Level
from hermes_trio.errors import HermesTrioError
from hermes_trio.home.discovery import discover_profiles
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.platform_table import NO_CHAT_PLATFORMS
from hermes_trio.routing.route_table import build_route_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.cli.checks.survey import Survey
    from hermes_trio.home.route_config import RouteConfig
    from hermes_trio.home.settings import ProfileSettings


def check_routes(survey: Survey) -> Iterator[Finding]:
    """Routes to profiles that do not answer, from bots that do not exist, equal ones, and those nobody reads."""
    settings = survey.default().settings
    if settings is not None:
        table = build_route_table(settings.config.gateway.profile_routes)
        yield from _targets(survey, settings)
        yield from _bots(survey, settings)
        for first, other in table.ties:
            yield _tie(settings, first, other)
    for _, secondary in survey.readable():
        if secondary.name != DEFAULT_PROFILE and secondary.config.gateway.profile_routes:
            yield _not_read(secondary)


def _targets(survey: Survey, settings: ProfileSettings) -> Iterator[Finding]:
    surveyed = {profile.name: profile for profile in survey.profiles}
    for route in settings.config.gateway.profile_routes:
        target = surveyed.get(route.profile)
        if target is None:
            yield _unserved(survey, settings, route)
        elif target.parked is not None:
            yield Finding(
                level=Level.WARNING,
                code="route_target_parked",
                profile=settings.name,
                where=_where(settings, route),
                message=f"'{route.profile}' is {target.parked}, so the messages of this route are not answered",
                mend=f"have '{route.profile}' served, or switch the route off with enabled: false",
            )


def _unserved(survey: Survey, settings: ProfileSettings, route: RouteConfig) -> Finding:
    if route.profile in _all_profiles(survey):
        return Finding(
            level=Level.ERROR,
            code="route_target_not_served",
            profile=settings.name,
            where=_where(settings, route),
            message=f"'{route.profile}' is not in the allowlist, so the messages of this route are not answered",
            mend=f"add '{route.profile}' to gateway.multiplex_profile_allowlist",
        )
    return Finding(
        level=Level.ERROR,
        code="route_target_unknown",
        profile=settings.name,
        where=_where(settings, route),
        message=f"there is no profile '{route.profile}', so the messages of this route are not answered",
        mend=f"make the folder {survey.home.profiles / route.profile} with a config.yaml, or name one of "
        + ", ".join(profile.name for profile in survey.profiles),
    )


def _all_profiles(survey: Survey) -> frozenset[str]:
    try:
        return frozenset(found.name for found in discover_profiles(survey.home, wanted=None, allowlist=None))
    except HermesTrioError:
        return frozenset()


def _bots(survey: Survey, settings: ProfileSettings) -> Iterator[Finding]:
    """Routes to which no message can come. HTTP and webhooks need no bot."""
    surveyed = {profile.name: profile for profile in survey.profiles}
    for route in settings.config.gateway.profile_routes:
        bot = surveyed.get(route.bot_profile)
        if bot is None:
            problem, mend = f"there is no profile '{route.bot_profile}' with a bot", "mend bot_profile"
        elif bot.config is None or route.platform in NO_CHAT_PLATFORMS or not route.platform:
            continue
        else:
            platform = bot.config.platforms.get(route.platform)
            if platform is not None and platform.enabled:
                continue
            problem = f"'{route.bot_profile}' has no bot on {route.platform}"
            mend = f"set one up in {bot.paths.env}, or name the profile whose bot it is in bot_profile"
        yield Finding(
            level=Level.WARNING,
            code="route_without_bot",
            profile=settings.name,
            where=_where(settings, route),
            message=f"{problem}, so no message comes to this route",
            mend=mend,
        )


def _tie(settings: ProfileSettings, first: RouteConfig, other: RouteConfig) -> Finding:
    return Finding(
        level=Level.WARNING,
        code="route_tie",
        profile=settings.name,
        where=_where(settings, other),
        message=f"it never counts: {first.origin} has the same conditions and leads to '{first.profile}'",
        mend="remove one of the two",
    )


def _not_read(settings: ProfileSettings) -> Finding:
    routes = settings.config.gateway.profile_routes
    return Finding(
        level=Level.WARNING,
        code="routes_not_read",
        profile=settings.name,
        where=_where(settings, routes[0]),
        message="routes are read from the default profile's settings only; these have no effect",
        mend=f"move them there, each with bot_profile: {settings.name}",
    )


def _where(settings: ProfileSettings, route: RouteConfig) -> str:
    return f"{settings.sources.get(route.origin, settings.paths.config)} {route.origin}"
