"""A JSON body becomes the Struct that its endpoint declares, with errors that name the offending part."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from hermes_trio.errors import RequestError

if TYPE_CHECKING:
    T = TypeVar("T", bound=msgspec.Struct)

#: How msgspec says where something is wrong: ``Expected `str`, got `int` - at `$.messages[0].role` ``.
_PLACE: Final = re.compile(r"(?P<problem>.*) - at `(?:key in )?\$\.?(?P<path>.*)`$", re.DOTALL)


def read_json(body: bytes, shape: type[T], *, optional: bool = False) -> T:
    """Decode and check a body.

    Args:
        body: As sent.
        shape: What is expected.
        optional: Whether an empty body counts as an empty object.

    Raises:
        RequestError: Status 400; ``param`` names the offending part where there is one.
    """
    try:
        return msgspec.json.decode(b"{}" if optional and not body else body, type=shape)
    except msgspec.ValidationError as error:
        found = _PLACE.match(str(error))
        if found is None:
            raise RequestError(str(error)) from error
        raise RequestError(found["problem"], param=found["path"] or None) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"the body is not valid JSON: {error}") from error
