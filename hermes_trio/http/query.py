"""Reads the query parameters of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.errors import RequestError

if TYPE_CHECKING:
    from hermes_trio.http.types import Request

#: What SQLite takes as a number.
LARGEST_INTEGER: Final = 2**63 - 1


def query_integer(
    request: Request, name: str, default: int, *, minimum: int = 0, maximum: int = LARGEST_INTEGER
) -> int:
    """A whole number.

    Raises:
        RequestError: Status 400: it is no number, or out of bounds.
    """
    text = request.query.get(name)
    if text is None:
        return default
    # Not longer than any number within the bounds, because long ones take long to read.
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_INTEGER)) else -1
    if not minimum <= number <= maximum:
        raise RequestError(f"{name} must be a whole number from {minimum} to {maximum}", param=name)
    return number


def query_boolean(request: Request, name: str) -> bool:
    """``true`` or ``false``, which is also what a missing one means.

    Raises:
        RequestError: Status 400: it is something else.
    """
    text = request.query.get(name, "false").lower()
    if text not in ("true", "false", "1", "0"):
        raise RequestError(f"{name} must be true or false", param=name)
    return text in ("true", "1")
