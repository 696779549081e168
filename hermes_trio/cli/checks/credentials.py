"""Finds credentials that only one profile may use but several have, as a cloned profile does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hermes_trio.cli.checks.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.cli.checks.survey import Survey
    from hermes_trio.home.settings import ProfileSettings

EXCLUSIVE_VARIABLES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "telegram": (("TELEGRAM_BOT_TOKEN",),),
    "discord": (("DISCORD_BOT_TOKEN",),),
    "slack": (("SLACK_BOT_TOKEN",), ("SLACK_APP_TOKEN",)),
    "matrix": (("MATRIX_ACCESS_TOKEN",), ("MATRIX_HOMESERVER", "MATRIX_USER_ID")),
    "mattermost": (("MATTERMOST_URL", "MATTERMOST_TOKEN"),),
    "signal": (("SIGNAL_ACCOUNT",),),
    "irc": (("IRC_SERVER", "IRC_NICKNAME"),),
    "email": (("EMAIL_ADDRESS",),),
    "sms": (("TWILIO_PHONE_NUMBER",),),
    "whatsapp_cloud": (("WHATSAPP_CLOUD_PHONE_NUMBER_ID",), ("WHATSAPP_CLOUD_ACCESS_TOKEN",)),
    "homeassistant": (("HASS_TOKEN",),),
}
"""The variables that name an account of a platform; several together name one only when all are set."""

SHORTEST_TOKEN = 4
"""Shorter values are placeholders (Hermes' own rule); such a platform stays off."""


def check_credentials(survey: Survey) -> Iterator[Finding]:
    """Each account that two or more profiles would use at once; one finding for every such profile."""
    owners: dict[tuple[str, ...], list[tuple[ProfileSettings, str]]] = defaultdict(list)
    for _, settings in survey.readable():
        for identity, place in dict(_accounts(settings)).items():
            owners[identity].append((settings, place))
    for (platform, *_), holders in owners.items():
        for settings, place in holders if len(holders) > 1 else ():
            others = ", ".join(other.name for other, _ in holders if other is not settings)
            yield Finding(
                level=Level.ERROR,
                code="duplicate_credential",
                profile=settings.name,
                where=place,
                message=f"the same {platform} account as {others}; only one profile can use it at a time",
                mend=f"give {settings.name} an account of its own, or take this setting out",
            )


def _accounts(settings: ProfileSettings) -> Iterator[tuple[tuple[str, ...], str]]:
    """Identity (platform, what tells the account apart ...) and place of each account that a profile uses."""
    for platform, groups in EXCLUSIVE_VARIABLES.items():
        for names in groups:
            values = [settings.secrets.get(name) or "" for name in names]
            if all(len(value) >= SHORTEST_TOKEN for value in values):
                yield (platform, names[0], *values), f"{settings.secrets.location(names[-1])} {names[-1]}"
    yield from _tokens_in_config(settings)


def _tokens_in_config(settings: ProfileSettings) -> Iterator[tuple[tuple[str, ...], str]]:
    for prefix, platform, entry in platform_sections(settings):
        token = entry.get("token")
        names = EXCLUSIVE_VARIABLES.get(platform)
        if isinstance(token, str) and len(token) >= SHORTEST_TOKEN:
            variable = names[0][0] if names and len(names[0]) == 1 else "token"
            yield (platform, variable, token), f"{settings.paths.config} {prefix}.{platform}.token"


def platform_sections(settings: ProfileSettings) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """Prefix, platform and content of every mapping below ``platforms`` and ``gateway.platforms``."""
    raw = settings.config.raw
    gateway = raw.get("gateway")
    nested = gateway.get("platforms") if isinstance(gateway, Mapping) else None
    for prefix, platforms in (("gateway.platforms", nested), ("platforms", raw.get("platforms"))):
        if isinstance(platforms, Mapping):
            sections = ((prefix, str(name), entry) for name, entry in platforms.items())
            yield from (section for section in sections if isinstance(section[2], Mapping))
