"""``GET /v1/models``: what a client may name as its model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hermes_trio.home.names import DEFAULT_PROFILE

if TYPE_CHECKING:
    from hermes_trio.gateway.runtime import ProfileRuntime
    from hermes_trio.http.types import Request, Responder
    from hermes_trio.scope import ProfileScope

DEFAULT_MODEL_NAME = "hermes-agent"


def public_model_name(scope: ProfileScope) -> str:
    """The name under which clients see the profile."""
    named = scope.config.api_server.model_name
    return named or (DEFAULT_MODEL_NAME if scope.name == DEFAULT_PROFILE else scope.name)


async def serve_model_list(runtime: ProfileRuntime, _request: Request, responder: Responder) -> None:
    """Answer with the profile and its model aliases."""
    scope = runtime.scope
    names = [public_model_name(scope), *(route.alias for route in scope.config.api_server.model_routes)]
    created = int(scope.clock.now())
    await responder.send(
        200, msgspec.json.encode({"object": "list", "data": [_model(name, created) for name in names]})
    )


def _model(name: str, created: int) -> dict[str, object]:
    return {
        "id": name,
        "object": "model",
        "created": created,
        "owned_by": "hermes",
        "permission": [],
        "root": name,
        "parent": None,
    }
