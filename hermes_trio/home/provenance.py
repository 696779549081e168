"""Where a setting came from, and remarks about settings that do not stop a profile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Location:
    """Where a value stands.

    Attributes:
        file: The file, or None for the process environment.
        line: Line in the file, from 1; None when only the file is known.
    """

    file: Path | None
    line: int | None = None

    def __str__(self) -> str:
        if self.file is None:
            return "process environment"
        return f"{self.file}:{self.line}" if self.line else str(self.file)


@dataclass(frozen=True, slots=True)
class UnknownKey:
    """A key nobody knows; most often a typing error.

    Attributes:
        path: Dotted path of the key.
        location: Where it stands.
        suggestion: The key that was probably meant, or None.
    """

    path: str
    location: Location
    suggestion: str | None


ROUTE_INVALID: Final = "route_invalid"
"""Code of the notice of a route that is left out for a mistake."""
WEBHOOK_ROUTE_INVALID: Final = "webhook_route_invalid"
"""The same of a webhook's route."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A remark about the settings that a user wants to see once; the profile runs all the same.

    Attributes:
        code: ``duplicate_key``, ``shadowed_key``, ``unset_variable``, ``value_ignored``, ``route_invalid``,
            ``webhook_route_invalid`` or ``line_skipped``.
        path: Dotted path of the setting, or the name of the variable.
        location: Where it stands.
        text: What was done about it. Never a secret.
    """

    code: str
    path: str
    location: Location
    text: str


class Sources(Mapping[str, Location]):
    """Dotted path of every given setting -> where it was given. Immutable; small, because it keeps bare lines."""

    __slots__ = ("_file", "_lines", "_others")

    def __init__(self, file: Path, lines: Mapping[str, int], others: Mapping[str, Location]) -> None:
        self._file = file
        self._lines = lines
        self._others = others

    def __getitem__(self, path: str) -> Location:
        other = self._others.get(path)
        return other if other is not None else Location(self._file, self._lines[path])

    def __iter__(self) -> Iterator[str]:
        yield from self._lines
        yield from (path for path in self._others if path not in self._lines)

    def __len__(self) -> int:
        return len(self._lines.keys() | self._others.keys())


def join_path(parent: str, key: object) -> str:
    """Append a mapping key to a dotted path; a key with a dot, bracket, quote or blank in it is put in quotes."""
    text = str(key)
    if not text or any(letter in text for letter in '.[]" '):
        text = '"' + text.replace('"', "'") + '"'
    return f"{parent}.{text}" if parent else text
