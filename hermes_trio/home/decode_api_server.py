"""Decodes the HTTP interface of a profile: its platform section, and ``API_SERVER_*`` of its variables, which win."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.errors import HomeError
from hermes_trio.home.config import EVERY_PROFILE, ApiServerConfig, ModelRoute
from hermes_trio.home.names import normalize_profile_name
from hermes_trio.home.section import Section, first_with
from hermes_trio.home.served_platform import decode_port, decode_switch, layers_of, text_in

if TYPE_CHECKING:
    from hermes_trio.home.variables import Variables

_NAME: Final = "api_server"
_PATH: Final = "platforms.api_server.extra."


def decode_api_server(top: Section, gateway: Section, variables: Variables) -> ApiServerConfig:
    """Decode ``platforms.api_server``, then ``gateway.platforms.api_server``, then ``api_server``; variables above all.

    Whatever says no to ``enabled`` wins; a key alone says yes.
    """
    layers = layers_of(_NAME, top, gateway)
    usual = ApiServerConfig()
    key = variables.text("API_SERVER_KEY", _PATH + "key") or text_in(layers, "key")
    switch = decode_switch(_NAME, layers, variables)
    port = decode_port(_NAME, layers, variables)
    return ApiServerConfig(
        enabled=not switch.no and bool(switch.yes or key),
        switched_off=switch.no,
        host=variables.text("API_SERVER_HOST", _PATH + "host") or text_in(layers, "host") or usual.host,
        port=usual.port if port is None else port,
        key=key,
        cors_origins=(
            variables.texts("API_SERVER_CORS_ORIGINS", _PATH + "cors_origins")
            or first_with("cors_origins", *layers).texts("cors_origins")
        ),
        model_name=variables.text("API_SERVER_MODEL_NAME", _PATH + "model_name") or text_in(layers, "model_name"),
        model_routes=_decode_routes(first_with("model_routes", *layers)),
        profiles=_decode_profiles(first_with("profiles", *layers)),
    )


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
