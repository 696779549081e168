"""``${VAR}`` in settings: replaced by this profile's variables; unset ones stay visible as they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_VARIABLE: Final = re.compile(r"\$\{([^}]+)\}")


def variable_names(text: str) -> tuple[str, ...]:
    """The names in all ``${NAME}`` of a text."""
    return tuple(_VARIABLE.findall(text))


def interpolate(text: str, lookup: Callable[[str], str | None]) -> tuple[str, tuple[str, ...]]:
    """Replace every ``${NAME}`` once; what is put in is not looked at again. There are no defaults and no escapes.

    Args:
        text: A text value of the settings.
        lookup: Gives the value of a variable, or None.

    Returns:
        The new text, and the names that are not set.
    """
    unset: list[str] = []

    def replace(match: re.Match[str]) -> str:
        value = lookup(match[1])
        if value is None:
            unset.append(match[1])
            return match[0]
        return value

    return _VARIABLE.sub(replace, text), tuple(unset)
