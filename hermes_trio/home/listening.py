"""What a named profile says in vain about listening: one listener, the default profile's, serves them all."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.scalars import to_boolean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.home.settings import ProfileSettings

    Place = tuple[str, Mapping[str, object]]
    """Where a platform's settings stand, and their content."""

#: Served by the core; the others in `_LISTENING` by adapters that mount their paths below ``/p/<profile>``.
_MIRRORED: Final = ("api_server", "webhook")
_LISTENING: Final = (
    *_MIRRORED,
    *("msgraph_webhook", "wecom_callback", "bluebubbles", "sms", "whatsapp_cloud", "line", "feishu"),
)
_ADDRESSES: Final = ("host", "port", "webhook_host", "webhook_port")
_ADDRESS_VARIABLES: Final = ("API_SERVER_HOST", "API_SERVER_PORT", "WEBHOOK_PORT")


@dataclass(frozen=True, slots=True)
class ListeningRemark:
    """One thing that has no effect, or is not needed.

    Attributes:
        code: ``listener_ignored`` or ``listener_shared``.
        where: The file and the setting.
        message: What is the matter.
        mend: What to do instead.
    """

    code: str
    where: str
    message: str
    mend: str


def listening_remarks(settings: ProfileSettings) -> Iterator[ListeningRemark]:
    """The addresses for which a named profile asks in vain, and the platforms that it needs not switch on.

    Neither stops anything: the profile serves all its other platforms, and is served itself.
    """
    if settings.name == DEFAULT_PROFILE:
        return
    for platform in _LISTENING:
        for prefix, entry in _sections(settings, platform):
            where = f"{settings.paths.config} {prefix}{platform}"
            if any(_given(entry, name) is not None for name in _ADDRESSES):
                yield _ignored(where, "host and port count in the default profile only", settings.name)
            if platform in _MIRRORED and (_says_yes(_given(entry, "enabled")) or _given(entry, "routes")):
                yield _shared(where, platform, settings.name)
    for name in _ADDRESS_VARIABLES:
        if settings.secrets.get(name):
            where = f"{settings.secrets.location(name)} {name}"
            yield _ignored(where, "it counts in the default profile only", settings.name)
    for platform in _MIRRORED:
        name = f"{platform.upper()}_ENABLED"
        if _says_yes(settings.secrets.get(name)):
            yield _shared(f"{settings.secrets.location(name)} {name}", platform, settings.name)


def _ignored(where: str, message: str, profile: str) -> ListeningRemark:
    shared = f"the listener of the default profile serves this one too, at /p/{profile}/"
    return ListeningRemark("listener_ignored", where, f"{message}; {shared}", "take it out here")


def _shared(where: str, platform: str, profile: str) -> ListeningRemark:
    if platform == "api_server":
        message = (
            f"the HTTP API of this profile is served at /p/{profile}/v1 anyway, by the listener of the default one"
        )
        mend = "take it out here; API_SERVER_KEY in this profile's .env is what opens its API"
    else:
        message = "webhooks are received by the default profile, whose settings say which profile answers"
        mend = (
            f"move the routes to platforms.webhook of the default profile's config.yaml, each with `profile: {profile}`"
        )
    return ListeningRemark("listener_shared", where, message, mend)


def _sections(settings: ProfileSettings, platform: str) -> Iterator[Place]:
    """Prefix and content of every mapping that holds settings of a platform."""
    raw = settings.config.raw
    gateway = raw.get("gateway")
    nested = gateway.get("platforms") if isinstance(gateway, Mapping) else None
    for prefix, parent in (("gateway.platforms.", nested), ("platforms.", raw.get("platforms")), ("", raw)):
        entry = parent.get(platform) if isinstance(parent, Mapping) else None
        if isinstance(entry, Mapping):
            yield prefix, entry


def _given(entry: Mapping[str, object], name: str) -> object:
    extra = entry.get("extra")
    found = entry.get(name)
    return extra.get(name) if found is None and isinstance(extra, Mapping) else found


def _says_yes(value: object) -> bool:
    with suppress(ValueError):
        return value is not None and to_boolean(value)
    return False
