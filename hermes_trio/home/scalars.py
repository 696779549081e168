"""Numbers, switches and lists as people write them, and how an error names a value without giving a secret away."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from hermes_trio.home.secret_names import looks_secret

_YES: Final = frozenset({"true", "yes", "on", "1", "y"})
_NO: Final = frozenset({"false", "no", "off", "0", "n"})
_SHOWN: Final = 60
#: Longer words without a blank may be keys or tokens that landed in the wrong place.
_LONGEST_WORD: Final = 32


def to_integer(value: object) -> int:
    """Read a whole number: ``60``, ``"60"``, ``60.0``.

    Raises:
        ValueError: Anything else, switches included.
    """
    number = to_number(value)
    if isinstance(value, int):
        return value
    if not number.is_integer():
        raise ValueError
    return int(value) if isinstance(value, str) and value.strip().lstrip("+-").isdecimal() else int(number)


def to_number(value: object) -> float:
    """Read a finite number: ``1.5``, ``"1.5"``, ``60``.

    Raises:
        ValueError: Anything else, switches included.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError  # noqa: TRY004  one kind of error for the caller: not a number
    try:
        number = float(value)
    except OverflowError:
        raise ValueError from None
    if not math.isfinite(number):
        raise ValueError
    return number


def to_boolean(value: object) -> bool:
    """Read a switch: ``true``, ``"yes"``, ``on``, ``1`` and their opposites.

    Raises:
        ValueError: Anything else.
    """
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, int | str) else ""
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError


def split_list(text: str) -> tuple[str, ...]:
    """Read a list written as one text: with commas, or as JSON with numbers as spelled. Empty items fall away."""
    items: object = None
    if text.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            items = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        items = text.split(",")
    return tuple(stripped for item in items if (stripped := item.strip()))


def describe_value(path: str, value: object, spelling: str | None) -> str:
    """Name a value in an error.

    Args:
        path: Dotted path or name of the setting; where it looks like a secret's, the value is not shown.
        value: What was found.
        spelling: What the file says, before conversion or interpolation; only this is shown of an interpolated value.
    """
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, tuple | list):
        return "a list" if value else "an empty list"
    kind = {bool: "a switch", int: "a number", float: "a number", str: "text"}.get(type(value), "a value")
    shown = spelling if spelling is not None else str(value)
    if looks_secret(path):
        return f"{kind} (not shown)"
    if len(shown) > _LONGEST_WORD and " " not in shown:
        return f"{kind} of {len(shown)} characters"
    shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "..."
    return f"{kind} {shown!r}" if isinstance(value, str) else f"{kind}, {shown}"
