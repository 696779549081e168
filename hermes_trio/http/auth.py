"""Who may call a profile's API: every profile has its own key, and a key opens only its own profile."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from hermes_trio.errors import RequestError
from hermes_trio.home.api_key import MINIMUM_LENGTH, api_key_problem

if TYPE_CHECKING:
    from hermes_trio.http.types import Request
    from hermes_trio.scope import ProfileScope


def authorize(scope: ProfileScope, request: Request) -> None:
    """Let the request pass if it carries this profile's key.

    Raises:
        RequestError: Status 401 with code ``key_missing`` (the profile has none, or the request has none),
            ``key_too_short`` (the profile's is unusable) or ``key_mismatch``.
    """
    key = scope.config.api_server.key
    problem = api_key_problem(key)
    if problem is not None:
        expected = f"API_SERVER_KEY of at least {MINIMUM_LENGTH} characters"
        raise _refused(
            scope,
            problem,
            f"this profile has no usable {expected}",
            f"set {expected} in the profile's .env and restart the gateway",
        )
    sent = bearer_token(request.headers.get("authorization"))
    if sent is None:
        raise _refused(
            scope, "key_missing", "the request carries no key", "send `Authorization: Bearer <API_SERVER_KEY>`"
        )
    # As bytes: a header's text is Latin-1, a key's bytes are UTF-8.
    if not hmac.compare_digest(sent.encode("latin-1"), key.strip().encode("utf-8", "surrogateescape")):
        raise _refused(scope, "key_mismatch", "the key is not this profile's", "use this profile's own API_SERVER_KEY")


def bearer_token(header: str | None) -> str | None:
    """The token of an ``Authorization: Bearer`` header (RFC 6750), or None."""
    scheme, _, token = (header or "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _refused(scope: ProfileScope, code: str, problem: str, mend: str) -> RequestError:
    return RequestError(problem, status=401, code=code, profile=scope.name, mend=mend)
