"""Every error the product raises, each with a stable code.

An error says what was found, what was expected and what mends it. Its ``code`` is stable: clients, status output and
tests may rely on it; its text may change. Errors never carry a secret.
"""

from __future__ import annotations

from typing import ClassVar


class HermesTrioError(Exception):
    """Base of all errors of the product.

    Args:
        problem: What is wrong, in one clause, without the place.
        code: Stable code; the class has a default.
        profile: Name of the profile concerned.
        where: File, setting or address concerned, e.g. ``config.yaml:12 model.default``.
        found: What was there.
        expected: What should have been there.
        mend: The command or edit that mends it.
    """

    default_code: ClassVar[str] = "internal_error"

    def __init__(
        self,
        problem: str,
        *,
        code: str | None = None,
        profile: str | None = None,
        where: str | None = None,
        found: str | None = None,
        expected: str | None = None,
        mend: str | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.code = code or self.default_code
        self.profile = profile
        self.where = where
        self.found = found
        self.expected = expected
        self.mend = mend

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.profile and f"profile '{self.profile}'", self.where) if part)
        text = f"{place}: {self.problem}" if place else self.problem
        if self.found is not None:
            text += f"; found {self.found}"
        if self.expected is not None:
            text += f"; expected {self.expected}"
        if self.mend is not None:
            text += f". To mend it: {self.mend}"
        return text


class HomeError(HermesTrioError):
    """The Hermes home cannot be used: missing, not a directory, unknown profile, bad profile name."""

    default_code = "home_invalid"


class GatewayBusy(HomeError):
    """Another live gateway holds this home."""

    default_code = "gateway_already_running"


class ProfileServed(HomeError):
    """A live gateway of the root home serves this profile already, so it needs no gateway of its own."""

    default_code = "profile_already_served"


class AddressBusy(HermesTrioError):
    """The gateway cannot listen on its address; another process may leave it soon."""

    default_code = "address_unavailable"


class CredentialBusy(HomeError):
    """Another live gateway holds this credential."""

    default_code = "duplicate_credential"


class ConfigError(HermesTrioError):
    """``config.yaml`` cannot be read or has a value of the wrong kind."""

    default_code = "config_invalid"


class SecretsError(HermesTrioError):
    """``.env`` cannot be read."""

    default_code = "secrets_unreadable"


class StoreError(HermesTrioError):
    """``state.db`` cannot be used: ``store_corrupt``, ``store_locked`` or ``store_unwritable``.

    With ``session_foreign`` the file is well, but a session in it belongs to another profile.
    """

    default_code = "store_failed"


class ScopeClosed(HermesTrioError):
    """A profile's scope was used after it was closed; the late writer must not touch the profile's home any more."""

    default_code = "scope_closed"


class TurnCrashed(HermesTrioError):
    """A turn ended with an error that should not have happened; the profile's log has it."""


class ProfileUnavailable(HermesTrioError):
    """The profile is known but does not serve now.

    Args:
        retry_after: Seconds after which a retry makes sense, or None.
    """

    default_code = "profile_unavailable"

    def __init__(
        self,
        problem: str,
        *,
        code: str | None = None,
        profile: str | None = None,
        mend: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(problem, code=code, profile=profile, mend=mend)
        self.retry_after = retry_after


class UnknownProfile(HermesTrioError):
    """No profile of this name is served."""

    default_code = "unknown_profile"


class CapacityExceeded(HermesTrioError):
    """A limit on running turns is reached.

    Args:
        limit: Name of the setting that limits, e.g. ``max_concurrent_sessions``.
        retry_after: Seconds after which a retry makes sense.
    """

    default_code = "rate_limit_exceeded"

    def __init__(self, problem: str, *, profile: str, limit: str, retry_after: float) -> None:
        super().__init__(problem, profile=profile, where=limit)
        self.limit = limit
        self.retry_after = retry_after


class ModelError(HermesTrioError):
    """A language-model provider failed or refused.

    Codes: ``model_not_configured``, ``provider_unknown``, ``model_unauthorized``, ``model_rate_limited``,
    ``model_overloaded`` (5xx), ``model_bad_request``, ``model_context_length``, ``model_unreachable``,
    ``model_timeout``, ``model_bad_response``, ``model_interrupted``.

    Args:
        status: HTTP status of the provider, if it answered.
        retryable: Whether the same request may succeed later.
        retry_after: Seconds the provider asked to wait, or None.
        partial: Whether text had already reached the reader.
    """

    default_code = "model_failed"

    def __init__(
        self,
        problem: str,
        *,
        code: str | None = None,
        profile: str | None = None,
        where: str | None = None,
        found: str | None = None,
        mend: str | None = None,
        status: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        partial: bool = False,
    ) -> None:
        super().__init__(problem, code=code, profile=profile, where=where, found=found, mend=mend)
        self.status = status
        self.retryable = retryable
        self.retry_after = retry_after
        self.partial = partial


class RequestError(HermesTrioError):
    """An HTTP request of a client cannot be served.

    Args:
        status: HTTP status of the answer.
        param: Path of the offending part of the body, OpenAI style, e.g. ``messages[0].content``.
        retry_after: Seconds for a ``Retry-After`` header, or None.
    """

    default_code = "bad_request"

    def __init__(
        self,
        problem: str,
        *,
        status: int = 400,
        code: str | None = None,
        profile: str | None = None,
        param: str | None = None,
        mend: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(problem, code=code, profile=profile, mend=mend)
        self.status = status
        self.param = param
        self.retry_after = retry_after
