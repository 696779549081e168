"""Errors as they are sent, in the form of the OpenAI API."""

from __future__ import annotations

import msgspec


class ErrorObject(msgspec.Struct, frozen=True):
    """What went wrong.

    Attributes:
        message: For people; says what mends it.
        type: `invalid_request_error`, `rate_limit_error` or `server_error`.
        param: The part of the request that is wrong, where there is one.
        code: Stable; programs may rely on it.
    """

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(msgspec.Struct, frozen=True):
    """An error."""

    error: ErrorObject
