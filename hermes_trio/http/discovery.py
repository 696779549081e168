"""What a client finds out about a profile: what its API can do, its skills, its tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio import __version__
from hermes_trio.http.discovery_objects import (
    AuthCapability,
    Capabilities,
    EndpointCapability,
    RuntimeCapability,
    SkillList,
    SkillObject,
    ToolsetList,
    ToolsetObject,
)
from hermes_trio.http.endpoint import Endpoint, endpoint_names
from hermes_trio.http.health import PLATFORM
from hermes_trio.http.model_names import public_model_name
from hermes_trio.tools.skill_index import load_skills
from hermes_trio.tools.toolset_list import list_toolsets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.http.call import Call
    from hermes_trio.http.endpoint import AnyEndpoint
    from hermes_trio.scope import ProfileScope

API_PLATFORM: Final = "api_server"
_HEADERS: Final = (
    ("session_continuity_header", "X-Hermes-Session-Id"),
    ("session_key_header", "X-Hermes-Session-Key"),
)


async def serve_capabilities(scope: ProfileScope, call: Call) -> None:
    """Answer with what is served, taken from the declarations of the endpoints."""
    names = call.table.derive("names", endpoint_names)
    answer = Capabilities(
        object="hermes.api_server.capabilities",
        platform=PLATFORM,
        version=__version__,
        model=public_model_name(scope),
        auth=AuthCapability("bearer", required=True),
        runtime=RuntimeCapability("server_agent", "server", split_runtime=False),
        features={**dict(_features(names)), "cors": bool(call.gateway.settings.cors_origins)},
        endpoints={name: EndpointCapability(one.method, one.path) for name, one in names.items()},
    )
    await call.responder.send(200, msgspec.json.encode(answer))


async def serve_skills(scope: ProfileScope, call: Call) -> None:
    """Answer with the skills of the profile that are switched on for this platform."""
    found = await load_skills(scope, API_PLATFORM)
    listed = [SkillObject(one.name, one.description, one.category, list(one.tags)) for one in found.skills]
    await call.responder.send(200, msgspec.json.encode(SkillList("list", listed)))


async def serve_toolsets(scope: ProfileScope, call: Call) -> None:
    """Answer with the groups of tools of the profile."""
    listed = [
        ToolsetObject(one.name, one.label, one.description, one.enabled, one.configured, list(one.tools))
        for one in list_toolsets(scope, call.runtime.agent.workplace, API_PLATFORM)
    ]
    await call.responder.send(200, msgspec.json.encode(ToolsetList("list", API_PLATFORM, listed)))


def _features(names: dict[str, AnyEndpoint]) -> Iterator[tuple[str, bool | str]]:
    for name, endpoint in names.items():
        yield name, True
        if any(answer.streams for answer in endpoint.answers):
            yield f"{name}_streaming", True
    declared = {
        parameter.name.lower()
        for endpoint in names.values()
        if isinstance(endpoint, Endpoint)
        for parameter in endpoint.parameters
        if parameter.place == "header"
    }
    for name, header in _HEADERS:
        if header.lower() in declared:
            yield name, header
