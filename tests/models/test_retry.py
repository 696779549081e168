"""When to ask again, and when to ask another model."""

from __future__ import annotations

import pytest

from hermes_trio.errors import ModelError
from hermes_trio.models.retry import LONGEST_BACKOFF, may_fall_back, wait_before_retry


def passing(retry_after: float | None = None) -> ModelError:
    return ModelError("x", code="model_overloaded", retryable=True, retry_after=retry_after)


def test_waits_double_up_to_a_bound_and_are_spread():
    assert [wait_before_retry(passing(), attempt, 9, 0.0) for attempt in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert wait_before_retry(passing(), 1, 9, 0.5) == 0.75
    assert wait_before_retry(passing(), 8, 9, 0.999) < LONGEST_BACKOFF


def test_the_last_attempt_is_the_last():
    assert wait_before_retry(passing(), 3, 3, 0.0) is None
    assert wait_before_retry(passing(), 1, 1, 0.0) is None
    assert wait_before_retry(passing(), 1, 0, 0.0) is None


def test_what_cannot_pass_is_not_repeated():
    assert wait_before_retry(ModelError("x", code="model_unauthorized"), 1, 3, 0.0) is None


def test_the_provider_s_wish_is_honoured_but_not_for_minutes():
    assert wait_before_retry(passing(7.0), 1, 3, 0.0) == 7.0
    assert wait_before_retry(passing(0.0), 1, 3, 0.0) == 0.5
    assert wait_before_retry(passing(60.0), 1, 3, 0.0) == 60.0
    assert wait_before_retry(passing(61.0), 1, 3, 0.0) is None


@pytest.mark.parametrize(
    ("code", "status", "falls"),
    [
        ("model_unauthorized", 401, True),
        ("model_rate_limited", 429, True),
        ("model_overloaded", 500, True),
        ("model_unreachable", None, True),
        ("model_timeout", None, True),
        ("model_bad_response", 200, True),
        ("model_interrupted", None, True),
        ("model_bad_request", 404, True),
        ("model_bad_request", 400, False),
        ("model_context_length", 400, False),
        ("model_not_configured", None, False),
    ],
)
def test_another_model_is_asked_unless_the_request_is_at_fault(code, status, falls):
    assert may_fall_back(ModelError("x", code=code, status=status)) is falls
