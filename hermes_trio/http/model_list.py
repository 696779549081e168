"""``GET /v1/models``: what a client may name as its model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hermes_trio.http.discovery_objects import ModelList, ModelObject
from hermes_trio.http.model_names import offered_profiles, own_model_names

if TYPE_CHECKING:
    from hermes_trio.http.call import Call
    from hermes_trio.scope import ProfileScope


async def serve_model_list(scope: ProfileScope, call: Call) -> None:
    """Answer with the profile and its model aliases; the operator sees the profiles that may be chosen, too."""
    created = int(scope.clock.now())
    names = dict.fromkeys(own_model_names(scope))
    if call.is_operator:
        names |= dict.fromkeys(offered_profiles(call.gateway, scope))
    answer = ModelList("list", [ModelObject(name, "model", created, "hermes", [], name, None) for name in names])
    await call.responder.send(200, msgspec.json.encode(answer))
