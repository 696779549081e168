"""Finds values in a delivery's payload by dotted path, and says them as text. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

#: Stands for "there is no such value"; null is one.
MISSING: Final = msgspec.UNSET


def look_up(payload: object, path: str) -> object:
    """The value at ``a.b.0.c``; numbers lead into lists. `MISSING` when there is none."""
    found = payload
    for step in path.split("."):
        if isinstance(found, dict):
            found = found.get(step, MISSING)
        elif isinstance(found, list) and step.isascii() and step.isdecimal() and len(step) < 10:
            found = found[int(step)] if int(step) < len(found) else MISSING
        else:
            return MISSING
    return found


def as_text(value: object) -> str:
    """A value as people write it: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
