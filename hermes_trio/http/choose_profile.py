"""Which profile answers a request that names none in its path: chosen by its body, its headers, or an id in the path.

What stands in the path goes before the body's ``model``, that before the headers, those before the default profile.
Whoever chooses has shown the operator's key, which is the default profile's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.errors import ProfileUnavailable, RequestError
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.http.call import short_header
from hermes_trio.http.model_names import offered_profiles, offers, offers_profiles, own_model_names
from hermes_trio.routing.source import MessageSource

if TYPE_CHECKING:
    from hermes_trio.gateway.gateway import Gateway
    from hermes_trio.http.types import Request
    from hermes_trio.scope import ProfileScope
API_SERVER: Final = "api_server"


def source_of_headers(request: Request) -> MessageSource | None:
    """The place and person that a client says it speaks for, by its headers; None when it says nothing.

    Raises:
        RequestError: A header is too long or has control characters.
    """
    chat, user, thread = (short_header(request, f"x-hermes-{name}-id") for name in ("chat", "user", "thread"))
    if chat is None and user is None and thread is None:
        return None
    return MessageSource(API_SERVER, chat_type="dm", chat_id=chat, user_id=user, thread_id=thread)


def profile_by_headers(gateway: Gateway, source: MessageSource) -> str:
    """The profile to which the operator's routes lead from there; the default profile where none does.

    Raises:
        ProfileUnavailable: The profile that is meant cannot be had; the code says why, e.g. ``route_target_parked``.
    """
    decision = gateway.router.decide(DEFAULT_PROFILE, source)
    if decision.runtime_profile is not None:
        return decision.runtime_profile
    raise ProfileUnavailable(
        f"a route leads to profile {decision.target!r}, which cannot be had",
        code=decision.reason,
        mend="run `hermes-trio route explain --platform api_server` with the ids where the gateway runs",
        retry_after=1.0 if decision.is_transient else None,
    )


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
