"""Reads the values of routes: ids, names of profiles and platforms. A mistake leaves the route out, whatever it is.

Ids are text as the file spells them; YAML makes other numbers of ``0123``, ``-100123:7`` and ``1_000``.
"""

from __future__ import annotations

import math
import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from hermes_trio.errors import HomeError
from hermes_trio.home.names import normalize_profile_name
from hermes_trio.home.provenance import ROUTE_INVALID

if TYPE_CHECKING:
    from hermes_trio.home.section import Section

_PLATFORM: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}", re.ASCII)
#: How programs write large numbers; no platform has such ids.
_SCIENTIFIC: Final = re.compile(r"-?\d(\.\d+)?[eE]\+?\d{1,2}", re.ASCII)
_OTHER_NUMBER: Final = re.compile(r"[-+]?0[xXbB]|.*_", re.ASCII)
_NOTHING: Final = frozenset({"", "~", "null", "Null", "NULL"})


class RouteMistake(Exception):
    """Something about a route is wrong, so that it is left out.

    Attributes:
        section: Where.
        key: The key concerned, or None for the whole section.
        text: What is wrong.
    """

    def __init__(self, section: Section, key: str | None, text: str) -> None:
        super().__init__(text)
        self.section = section
        self.key = key
        self.text = text

    def note(self, consequence: str = "the route is left out") -> None:
        """Remark it, and what becomes of it."""
        text = f"{self.text}; {consequence}"
        if self.key is None:
            self.section.note_here(ROUTE_INVALID, text)
        else:
            self.section.note(ROUTE_INVALID, self.key, text)


def read_id(section: Section, key: str) -> str:
    """An id as it is spelled; a number in scientific notation written out.

    Raises:
        RouteMistake: Empty, no single value, or a number that may mean something else.
    """
    value = section.values.get(key)
    text = read_text(section, key)
    if isinstance(value, int | float) and _OTHER_NUMBER.match(text):
        raise RouteMistake(section, key, f"{text} is no decimal number; put it in quotes if the id looks like this")
    if isinstance(value, float) and not math.isfinite(value):
        raise RouteMistake(section, key, f"{text} is no id")
    return clean_id(section, key, text)


def read_key(section: Section, key: str) -> str:
    """A key of a mapping that is an id; keys are text as it is spelled already.

    Raises:
        RouteMistake: It is empty or says nothing.
    """
    return clean_id(section, key, key)


def clean_id(section: Section, key: str, text: str) -> str:
    """An id without blanks around it.

    Raises:
        RouteMistake: Nothing is left, or ``*``.
    """
    text = text.strip()
    if text in _NOTHING:
        raise RouteMistake(section, key, "empty, where an id is wanted")
    if text == "*":
        raise RouteMistake(section, key, "* is no id; what is left out holds for all")
    return f"{Decimal(text):f}" if _SCIENTIFIC.fullmatch(text) and Decimal(text) % 1 == 0 else text


def read_text(section: Section, key: str) -> str:
    """A single value as it is spelled, without blanks around it.

    Raises:
        RouteMistake: Empty, a switch, a list or a mapping.
    """
    value = section.values.get(key)
    if isinstance(value, bool):
        raise RouteMistake(section, key, "YAML reads it as a switch; put it in quotes")
    if value is not None and not isinstance(value, str | int | float | date):
        raise RouteMistake(section, key, "not a single value")
    text = section.text(key).strip()
    if not text:
        raise RouteMistake(section, key, "empty")
    return text


def read_profile(section: Section, key: str) -> str:
    """The name of a profile, normalised.

    Raises:
        RouteMistake: It is none.
    """
    return profile_named(section, key, read_text(section, key))


def profile_named(section: Section, key: str, text: str) -> str:
    """The name of a profile that stands under ``key``, normalised.

    Raises:
        RouteMistake: It is none.
    """
    try:
        return normalize_profile_name(text)
    except HomeError as error:
        raise RouteMistake(section, key, f"{error.problem}: {error.found}") from None


def read_platform(section: Section, key: str, text: str) -> str:
    """The name of a platform that stands under ``key``, in lower case.

    Raises:
        RouteMistake: It cannot be one.
    """
    name = text.strip().lower()
    if _PLATFORM.fullmatch(name):
        return name
    raise RouteMistake(section, key, "not the name of a platform")
