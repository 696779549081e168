"""Decodes a request's JSON body into its declared shape, with errors that name the field."""

from __future__ import annotations

import re
from typing import Final, TypeVar

import msgspec

from hermes_trio.errors import RequestError

T = TypeVar("T", bound=msgspec.Struct)

_AT: Final = " - at `$."
_MISSING: Final = re.compile(r"missing required field `([^`]+)`")


def read_body(body: bytes, shape: type[T]) -> T:
    """Decode a body; fields that the shape does not have are passed over.

    Raises:
        RequestError: Status 400; ``param`` names the field that is missing or has a value of the wrong kind.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise _misfit(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"the body is not valid JSON: {error}") from error


def _misfit(problem: str) -> RequestError:
    what, _, path = problem.partition(_AT)
    path = path.rstrip("`")
    if missing := _MISSING.search(what):
        path = f"{path}.{missing[1]}".lstrip(".")
    if not path:
        return RequestError(f"the body does not fit: {what[0].lower()}{what[1:]}")
    return RequestError(f"`{path}` does not fit: {what[0].lower()}{what[1:]}", param=path)
