"""The names under which clients know profiles: what stands in a request's ``model`` and in the list of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.gateway.states import ProfileState
from hermes_trio.home.config import EVERY_PROFILE
from hermes_trio.home.names import DEFAULT_PROFILE

if TYPE_CHECKING:
    from hermes_trio.gateway.gateway import Gateway
    from hermes_trio.home.config import ModelRoute
    from hermes_trio.scope import ProfileScope

DEFAULT_MODEL_NAME: Final = "hermes-agent"


def public_model_name(scope: ProfileScope) -> str:
    """The name under which clients see the profile."""
    named = scope.config.api_server.model_name
    return named or (DEFAULT_MODEL_NAME if scope.name == DEFAULT_PROFILE else scope.name)


def own_model_names(scope: ProfileScope) -> tuple[str, ...]:
    """What a client may name to be answered by this profile: the profile, then its aliases of other models."""
    return (public_model_name(scope), *(route.alias for route in scope.config.api_server.model_routes))


def model_route(scope: ProfileScope, name: str | None) -> ModelRoute | None:
    """The other model that a client's name for a model stands for; None for the profile's own."""
    return next((route for route in scope.config.api_server.model_routes if route.alias == name), None)


def offers_profiles(scope: ProfileScope) -> bool:
    """Whether clients with the operator's key may choose a profile by the name of a model.

    Args:
        scope: The default profile.
    """
    return scope.config.api_server.profiles is not None


def offers(scope: ProfileScope, name: str) -> bool:
    """Whether clients with the operator's key may choose this profile.

    Args:
        scope: The default profile, whose settings say so.
        name: A profile.
    """
    offered = scope.config.api_server.profiles
    return offered is not None and (name in offered or EVERY_PROFILE in offered)


def offered_profiles(gateway: Gateway, scope: ProfileScope) -> tuple[str, ...]:
    """The profiles that clients with the operator's key may choose; those that are parked are not to be had.

    Args:
        gateway: All profiles.
        scope: The default profile, whose settings say so.
    """
    return tuple(
        slot.name for slot in gateway.table if offers(scope, slot.name) and slot.state is not ProfileState.PARKED
    )
