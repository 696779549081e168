"""What may go wrong at a platform; the class says what the core does about it."""

from __future__ import annotations

from typing import ClassVar

from hermes_trio.errors import HermesTrioError


class AdapterError(HermesTrioError):
    """A platform failed or refused.

    An adapter raises nothing else for what its platform does. Outside of `Adapter.run` the class decides what becomes
    of the part that was to be sent; in `Adapter.run` it decides when the adapter is started again.

    Args:
        retry_after: Seconds the platform asked to wait, or None.
        may_have_arrived: Whether the platform may have acted all the same.
    """

    default_code = "platform_failed"
    retryable: ClassVar[bool] = True

    def __init__(
        self,
        problem: str,
        *,
        code: str | None = None,
        profile: str | None = None,
        where: str | None = None,
        found: str | None = None,
        mend: str | None = None,
        retry_after: float | None = None,
        may_have_arrived: bool = False,
    ) -> None:
        super().__init__(problem, code=code, profile=profile, where=where, found=found, mend=mend)
        self.retry_after = retry_after
        self.may_have_arrived = may_have_arrived


class Unreachable(AdapterError):
    """The platform cannot be reached, or fails on its side. Tried again with back-off."""

    default_code = "platform_unreachable"


class RateLimited(AdapterError):
    """Too many requests. Tried again after ``retry_after``; does not count as a failure."""

    default_code = "rate_limited"


class CredentialMissing(AdapterError):
    """There is no credential. The adapter is parked until the profile's files change."""

    default_code = "missing_credential"
    retryable: ClassVar[bool] = False


class CredentialRefused(AdapterError):
    """The platform does not accept the credential. The adapter is parked until the profile's files change."""

    default_code = "bad_credential"
    retryable: ClassVar[bool] = False


class CredentialConflict(AdapterError):
    """Somebody else uses the same credential. The adapter is parked and tries again from time to time."""

    default_code = "duplicate_credential"


class ChatGone(AdapterError):
    """The chat does not exist, or the bot may not write there. Final for what was to be sent."""

    default_code = "chat_unavailable"
    retryable: ClassVar[bool] = False


class ChatMigrated(AdapterError):
    """The chat has another id now.

    Args:
        new_chat_id: The id to use from now on.
    """

    default_code = "chat_migrated"

    def __init__(self, problem: str, *, new_chat_id: str) -> None:
        super().__init__(problem)
        self.new_chat_id = new_chat_id


class Refused(AdapterError):
    """The platform refuses this very message, and would always. Final for what was to be sent."""

    default_code = "message_refused"
    retryable: ClassVar[bool] = False


class MarkupRefused(Refused):
    """The platform cannot read the formatted text; the core sends the plain one."""

    default_code = "markup_refused"


class NotModified(Refused):
    """An edit would change nothing, so all is well."""

    default_code = "not_modified"
