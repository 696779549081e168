"""Which profile answers a request that names none in its path: chosen by its body, its headers, or an id in the path.

What stands in the path goes before the body's ``model``, that before the headers, those before the default profile.
Whoever chooses has shown the operator's key, which is the default profile's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hermes_trio.errors import RequestError
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.http.model_names import offered_profiles, offers, offers_profiles, own_model_names

if TYPE_CHECKING:
    from hermes_trio.gateway.gateway import Gateway
    from hermes_trio.http.types import Request
    from hermes_trio.scope import ProfileScope


class _Asked(msgspec.Struct):
    model: object = None


def profile_by_model(gateway: Gateway, operator: ProfileScope, request: Request) -> str | None:
    """The profile that the ``model`` of a body names; None when none may be chosen so, or the body names none.

    Args:
        gateway: All profiles.
        operator: The default profile, whose settings say which may be chosen.
        request: The request.

    Raises:
        RequestError: 404 ``model_not_found`` for a name that means nothing, 403 ``model_not_allowed`` for a profile
            that may not be chosen.
    """
    if not offers_profiles(operator):
        return None
    try:
        named = msgspec.json.decode(request.body, type=_Asked).model
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None  # whoever answers says what is wrong with the body
    if not isinstance(named, str) or not named:
        return None
    if offers(operator, named) and named in gateway.table:
        return named
    if named == DEFAULT_PROFILE or named in own_model_names(operator):
        return DEFAULT_PROFILE
    raise _refused(gateway, operator, named)


def _refused(gateway: Gateway, operator: ProfileScope, named: str) -> RequestError:
    shown = ascii(named[:80])
    where = "platforms.api_server.extra.profiles of the default profile"
    if named in gateway.table:
        return RequestError(
            f"the profile {shown} may not be chosen as a model",
            status=403,
            code="model_not_allowed",
            profile=operator.name,
            mend=f"add it to {where}, or use /p/{named}/v1 with its own key",
            param="model",
        )
    known = ", ".join(dict.fromkeys((*own_model_names(operator), *offered_profiles(gateway, operator))))
    return RequestError(
        f"there is no model {shown}",
        status=404,
        code="model_not_found",
        profile=operator.name,
        mend=f"choose one of {known}",
        param="model",
    )
