"""Decodes the HTTP interface of a profile: its platform section, and ``API_SERVER_*`` of its variables, which win."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.errors import HomeError
from hermes_trio.home.config import EVERY_PROFILE, ApiServerConfig, ModelRoute
from hermes_trio.home.names import normalize_profile_name
from hermes_trio.home.section import Section, first_with

if TYPE_CHECKING:
    from hermes_trio.home.variables import Variables

_NAME: Final = "api_server"
_PATH: Final = "platforms.api_server.extra."
_HIGHEST_PORT: Final = 65535


def decode_api_server(top: Section, gateway: Section, variables: Variables) -> ApiServerConfig:
    """Decode ``platforms.api_server``, then ``gateway.platforms.api_server``, then ``api_server``; variables above all.

    Whatever says no to ``enabled`` wins; a key alone says yes.
    """
    layers = _layers(top, gateway)
    usual = ApiServerConfig()
    key = variables.text("API_SERVER_KEY", _PATH + "key") or _text("key", layers)
    switch = first_with("enabled", *layers).optional_boolean("enabled")
    variable_switch = variables.boolean("API_SERVER_ENABLED", "platforms.api_server.enabled")
    switched_off = switch is False or variable_switch is False
    if switched_off and (switch or variable_switch):
        first_with("enabled", *layers).note("value_ignored", "enabled", "API_SERVER_ENABLED disagrees; off counts")
    port = variables.integer("API_SERVER_PORT", _PATH + "port", maximum=_HIGHEST_PORT)
    if port is None:
        port = first_with("port", *layers).integer("port", default=usual.port, minimum=0, maximum=_HIGHEST_PORT)
    return ApiServerConfig(
        enabled=not switched_off and bool(switch or variable_switch or key),
        switched_off=switched_off,
        host=variables.text("API_SERVER_HOST", _PATH + "host") or _text("host", layers) or usual.host,
        port=port,
        key=key,
        cors_origins=(
            variables.texts("API_SERVER_CORS_ORIGINS", _PATH + "cors_origins")
            or first_with("cors_origins", *layers).texts("cors_origins")
        ),
        model_name=variables.text("API_SERVER_MODEL_NAME", _PATH + "model_name") or _text("model_name", layers),
        model_routes=_decode_routes(first_with("model_routes", *layers)),
        profiles=_decode_profiles(first_with("profiles", *layers)),
    )


def _layers(top: Section, gateway: Section) -> tuple[Section, ...]:
    sections = (top.section("platforms").section(_NAME), gateway.section("platforms").section(_NAME))
    return (*(layer for section in sections for layer in (section.section("extra"), section)), top.section(_NAME))


def _text(key: str, layers: tuple[Section, ...]) -> str:
    return first_with(key, *layers).text(key).strip()


def _decode_profiles(section: Section) -> tuple[str, ...] | None:
    """The profiles that may be chosen as models; None when the key is not there.

    Only the bare word ``all`` means all, because a profile in a list may have that name.
    """
    if not section.has("profiles"):
        return None
    if section.values["profiles"] == "all":
        return (EVERY_PROFILE,)
    found: list[str] = []
    for written in section.texts("profiles"):
        if written == EVERY_PROFILE:
            found.append(written)
            continue
        try:
            found.append(normalize_profile_name(written))
        except HomeError as error:
            section.note("value_ignored", "profiles", f"{error.found} is no profile name")
    return tuple(dict.fromkeys(found))


def _decode_routes(section: Section) -> tuple[ModelRoute, ...]:
    routes = section.section("model_routes")
    found: list[ModelRoute] = []
    for alias, value in routes.values.items():
        if isinstance(value, str):
            found.append(ModelRoute(str(alias), value.strip()))
            continue
        route = routes.child(alias)
        found.append(
            ModelRoute(
                str(alias), route.text("model").strip(), route.text("provider").strip(), route.text("base_url").strip()
            )
        )
    return tuple(found)
