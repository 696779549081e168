"""Errors as clients of the OpenAI API expect them, with an honest status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.errors import (
    CapacityExceeded,
    HermesTrioError,
    ModelError,
    ProfileUnavailable,
    RequestError,
    ScopeClosed,
    StoreError,
    UnknownProfile,
)
from hermes_trio.http.error_objects import ErrorBody, ErrorObject
from hermes_trio.turns.budget import BudgetExceeded

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODEL_STATUS: Mapping[str, int] = {
    "model_context_length": 400,
    "model_rate_limited": 429,
    "model_not_configured": 503,
    "provider_unknown": 503,
    "model_timeout": 504,
}
_CHALLENGE: Final = (("WWW-Authenticate", "Bearer"),)
"""What RFC 9110 (11.6.1) wants of every 401."""
_STATUS: tuple[tuple[type[HermesTrioError], int], ...] = (
    (UnknownProfile, 404),
    (CapacityExceeded, 429),
    (ProfileUnavailable, 503),
    (ScopeClosed, 503),
    (StoreError, 503),
    (BudgetExceeded, 402),
)


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """An error ready to be sent."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def error_answer(error: HermesTrioError) -> ErrorAnswer:
    """The answer that tells a client of this error."""
    status = _status(error)
    wait = getattr(error, "retry_after", None)
    headers: tuple[tuple[str, str], ...] = () if wait is None else (("Retry-After", str(max(1, round(wait)))),)
    if status == 401:
        headers += _CHALLENGE
    param = error.param if isinstance(error, RequestError) else None
    return ErrorAnswer(status, error_body(str(error), status, error.code, param), headers)


def error_body(message: str, status: int, code: str | None, param: str | None = None) -> bytes:
    """The JSON body of an error; its ``type`` follows from the status."""
    return msgspec.json.encode(ErrorBody(ErrorObject(message, error_type(status), param, code)))


def _status(error: HermesTrioError) -> int:
    if isinstance(error, RequestError):
        return error.status
    if isinstance(error, StoreError) and error.code in ("session_not_found", "session_foreign"):
        return 404
    if isinstance(error, ModelError):
        return _MODEL_STATUS.get(error.code, 502)
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def error_type(status: int) -> str:
    """The ``type`` of an error in OpenAI's shape."""
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"
