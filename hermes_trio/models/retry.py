"""When to ask again, and when to ask another model. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.models.failures import LONGEST_WAIT

if TYPE_CHECKING:
    from hermes_trio.errors import ModelError

FIRST_BACKOFF: Final = 1.0
LONGEST_BACKOFF: Final = 16.0

#: A request at fault fails everywhere; the compressor, not another model, mends a long conversation.
_OUR_FAULT: Final = frozenset({"model_bad_request", "model_context_length", "model_not_configured"})


def wait_before_retry(error: ModelError, attempt: int, attempts: int, jitter: float) -> float | None:
    """Seconds to wait before asking the same model again, or None not to.

    Args:
        error: Why the last attempt failed.
        attempt: Its number, from 1.
        attempts: Most attempts at one model.
        jitter: A random number in [0, 1).
    """
    if not error.retryable or attempt >= attempts:
        return None
    backoff = min(FIRST_BACKOFF * 2.0 ** (attempt - 1), LONGEST_BACKOFF) * (0.5 + jitter / 2)
    if error.retry_after is None:
        return backoff
    return max(error.retry_after, backoff) if error.retry_after <= LONGEST_WAIT else None


def may_fall_back(error: ModelError) -> bool:
    """Whether another model may do better: not when the request is at fault. A 404 blames the settings."""
    return error.code not in _OUR_FAULT or error.status == 404
