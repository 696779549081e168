"""The secrets of one profile: its ``.env``, for the default profile the process environment too. They never print."""

from __future__ import annotations

import io
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NoReturn

from dotenv.parser import parse_stream

from hermes_trio.errors import SecretsError
from hermes_trio.home.provenance import Location
from hermes_trio.home.secret_names import looks_secret
from hermes_trio.home.text_file import read_text_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from hermes_trio.home.paths import ProfilePaths

#: Shorter values are too common in ordinary text to be blotted out of it.
SHORTEST_REDACTED: Final = 8


class Secrets:
    """Immutable variables of one profile. Printing, formatting and pickling give nothing away.

    Args:
        values: Name -> value.
        file: The ``.env`` they were read from.
        lines: Name -> line in that file; names that are not in it came from the process environment.
        skipped_lines: Lines of the file that are neither ``KEY=VALUE`` nor a comment.
        literals: Secrets that stand in the settings themselves, to be redacted as well.
    """

    __slots__ = ("_file", "_lines", "_literals", "_values", "skipped_lines")

    def __init__(
        self,
        values: Mapping[str, str],
        *,
        file: Path | None = None,
        lines: Mapping[str, int] | None = None,
        skipped_lines: tuple[int, ...] = (),
        literals: Iterable[str] = (),
    ) -> None:
        self._values: Mapping[str, str] = MappingProxyType(dict(values))
        self._file = file
        self._lines: Mapping[str, int] = MappingProxyType(dict(lines or {}))
        self._literals = frozenset(literals)
        self.skipped_lines = skipped_lines

    def get(self, name: str) -> str | None:
        """The value of a variable, or None when it is not set."""
        return self._values.get(name)

    def names(self) -> frozenset[str]:
        """The names of all variables."""
        return frozenset(self._values)

    def location(self, name: str) -> Location:
        """Where a variable was set; the process environment when it is not in the file."""
        line = self._lines.get(name)
        return Location(None) if line is None else Location(self._file, line)

    def values_to_redact(self) -> tuple[str, ...]:
        """The values no log line may show, longest first: 8 characters or more, under a name that looks secret."""
        named = {value for name, value in self._values.items() if looks_secret(name)}
        long = {value for value in named | self._literals if len(value) >= SHORTEST_REDACTED}
        return tuple(sorted(long, key=lambda value: (-len(value), value)))

    def with_literals(self, literals: Iterable[str]) -> Secrets:
        """The same secrets, with further values to redact."""
        return Secrets(
            self._values,
            file=self._file,
            lines=self._lines,
            skipped_lines=self.skipped_lines,
            literals=self._literals.union(literals),
        )

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Secrets: {len(self._values)} names>"

    def __copy__(self) -> Secrets:
        return self

    def __deepcopy__(self, _memo: object) -> Secrets:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("secrets are not pickled")


def load_secrets(paths: ProfilePaths, profile: str, inherited: Mapping[str, str]) -> Secrets:
    """Read a profile's ``.env``; blocking. A missing file leaves what is inherited.

    One ``KEY=VALUE`` a line, ``export`` allowed, matching quotes stripped, ``#`` comments; nothing is interpolated. The
    file wins over what is inherited. Lines that are none of this are skipped and counted.

    Args:
        paths: The profile's paths.
        profile: Its name, for errors.
        inherited: The process environment for the default profile, empty for all others.

    Raises:
        SecretsError: The file is there but cannot be read or is not UTF-8.
    """
    text = read_text_file(paths.env, SecretsError, profile)
    if text is None:
        return Secrets(inherited, file=paths.env)
    values = dict(inherited)
    lines: dict[str, int] = {}
    skipped: list[int] = []
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            skipped.append(_line_of_content(binding.original.string, binding.original.line))
        elif binding.key and binding.value is not None:
            values[binding.key] = binding.value
            lines[binding.key] = _line_of_content(binding.original.string, binding.original.line)
    return Secrets(values, file=paths.env, lines=lines, skipped_lines=tuple(skipped))


def _line_of_content(original: str, line: int) -> int:
    """The parser counts the blank lines before an entry to it."""
    return line + original[: len(original) - len(original.lstrip())].count("\n")
