"""Decodes the JSON body of a request; what is wrong with it is said with its place."""

from __future__ import annotations

import re
from typing import Final, TypeVar

import msgspec

from hermes_trio.errors import RequestError

T = TypeVar("T")

_PLACE: Final = re.compile(r"(?P<problem>.*?)(?: - at (?:`key` in )?`\$\.?(?P<place>.*)`)?", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(.*)`")


def decode_body(body: bytes, shape: type[T]) -> T:
    """Decode a body that is a JSON object.

    Args:
        body: As it was sent.
        shape: What it is to look like.

    Raises:
        RequestError: Status 400; it is no JSON, or does not look so, and then ``param`` names the place.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise _refused(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"the body is not valid JSON: {error}") from error


def _refused(said: str) -> RequestError:
    found = _PLACE.fullmatch(said)
    problem, place = (found["problem"], found["place"] or "") if found is not None else (said, "")
    missing = _MISSING.fullmatch(problem)
    param = ".".join(part for part in (place, missing[1] if missing else "") if part)
    if not param:
        return RequestError(f"the body must be a JSON object: {problem}")
    return RequestError(f"`{param}` is missing" if missing else f"`{param}`: {problem}", param=param)
