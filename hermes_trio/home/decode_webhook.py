"""Decodes the webhook platform: its section, ``WEBHOOK_*`` of the variables, which win, and each of its routes."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.errors import ConfigError
from hermes_trio.home.interpolation import variable_names
from hermes_trio.home.names import is_profile_name
from hermes_trio.home.provenance import WEBHOOK_ROUTE_INVALID
from hermes_trio.home.section import Section, first_with
from hermes_trio.home.served_platform import decode_port, decode_switch, layers_of, text_in
from hermes_trio.home.webhook_config import LOG, WebhookConfig, WebhookRoute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.home.variables import Variables

_NAME: Final = "webhook"
_MOST_RATE: Final = 100_000
_LARGEST_BODY: Final = 100_000_000
#: What a path's last part can say without escapes, so that a route has one address.
_ROUTE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", re.ASCII)
_EXTRA: Final = ("chat_id", "thread_id", "repo", "pr_number")


def decode_webhook(top: Section, gateway: Section, variables: Variables) -> WebhookConfig:
    """Decode ``platforms.webhook``, then ``gateway.platforms.webhook``, then ``webhook``; variables above all.

    Whatever says no to ``enabled`` wins. A route that cannot be read is remarked and left out: nothing is served there.
    """
    layers, usual = layers_of(_NAME, top, gateway), WebhookConfig()
    switch = decode_switch(_NAME, layers, variables)
    port, host = decode_port(_NAME, layers, variables), text_in(layers, "host")
    rate, size, seconds = "rate_limit", "max_body_bytes", "script_timeout_seconds"
    return WebhookConfig(
        enabled=switch.yes and not switch.no,
        host=host,
        port=usual.port if port is None else port,
        own_listener=bool(host) or port is not None,
        secret=_decode_common_secret(layers, variables),
        rate_limit=first_with(rate, *layers).integer(rate, default=usual.rate_limit, minimum=1, maximum=_MOST_RATE),
        max_body_bytes=first_with(size, *layers).integer(
            size, default=usual.max_body_bytes, minimum=1, maximum=_LARGEST_BODY
        ),
        script_timeout_seconds=first_with(seconds, *layers).number(
            seconds, default=usual.script_timeout_seconds, minimum=1
        ),
        routes=decode_routes(first_with("routes", *layers).section("routes")),
    )


def decode_routes(section: Section) -> Mapping[str, WebhookRoute]:
    """The routes in a mapping of names to their settings; those that cannot be read are remarked and left out."""
    found: dict[str, WebhookRoute] = {}
    for key in section.values:
        name = str(key)
        if not _ROUTE_NAME.fullmatch(name):
            text = "this route is not served: its name is no part of a path; letters, digits, '.', '-' and '_' are"
            section.note(WEBHOOK_ROUTE_INVALID, name, text)
            continue
        try:
            found[name] = _decode_route(name, section.child(key))
        except ConfigError as error:
            place = (error.where or "").split(" ", 1)[-1]
            section.note(
                WEBHOOK_ROUTE_INVALID,
                name,
                f"this route is not served: {place}: {error.problem}; found {error.found}, expected {error.expected}",
            )
    return MappingProxyType(found)


def _decode_route(name: str, section: Section) -> WebhookRoute:
    return WebhookRoute(
        name=name,
        enabled=section.boolean("enabled", default=True),
        profile=_decode_profile(section),
        secret=_decode_secret(section),
        events=section.texts("events"),
        filters=section.values.get("filters"),
        script=section.text("script").strip(),
        prompt=section.text("prompt"),
        skills=section.texts("skills"),
        deliver=section.text("deliver").strip() or LOG,
        deliver_extra=_decode_extra(section.section("deliver_extra")),
        deliver_only=section.boolean("deliver_only", default=False),
        description=section.text("description").strip(),
    )


def _decode_secret(section: Section) -> str:
    """A route's own secret. A variable that is not set leaves its name, which everybody can guess."""
    secret = section.text("secret").strip()
    if unset := variable_names(secret):
        raise section.error("secret", f"a secret; {' and '.join(unset)} is not set in the default profile's .env")
    return secret


def _decode_common_secret(layers: tuple[Section, ...], variables: Variables) -> str:
    """The secret of unbound routes that have none; none where a variable that is not set stands in its place."""
    where = "platforms.webhook.extra.secret"
    secret = variables.text("WEBHOOK_SECRET", where) or text_in(layers, "secret")
    if unset := variable_names(secret):
        text = f"no secret, because {' and '.join(unset)} is not set in the default profile's .env"
        first_with("secret", *layers).note("value_ignored", "secret", text)
        return ""
    return secret


def _decode_profile(section: Section) -> str:
    """A route that is meant to be bound must never be everybody's because the name is missing or misspelt."""
    if "profile" not in section.values:
        return ""
    name = section.text("profile").strip().lower()
    if not is_profile_name(name):
        raise section.error("profile", "the name of a profile, or no `profile` at all")
    return name


def _decode_extra(section: Section) -> Mapping[str, str]:
    texts = {key: text for key in _EXTRA if (text := section.text(key).strip())}
    if "thread_id" not in texts and (thread := section.text("message_thread_id").strip()):
        texts["thread_id"] = thread
    return MappingProxyType(texts)
