"""Regular expressions that people, models and settings write, matched in linear time and bounded memory.

A pattern can be made to take for ever in Python's own ``re``, which meanwhile stops every profile; in RE2 it cannot. It
has no backreferences and no look-around, like ripgrep.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

LONGEST_PATTERN: Final = 2000
_MEMORY: Final = 8 * 1024 * 1024


class BadExpression(ValueError):
    """Not a regular expression of this kind; the text says what is wrong with it."""


class Match(Protocol):
    """Where a pattern was found."""

    def start(self) -> int:
        """First byte."""
        ...

    def end(self) -> int:
        """The byte after the last."""
        ...


class Pattern(Protocol):
    """A compiled pattern; searching it leaves the interpreter to others."""

    def search(self, text: bytes, pos: int = 0) -> Match | None:
        """The first place from ``pos`` on."""
        ...

    def fullmatch(self, text: bytes) -> Match | None:
        """Whether all of it fits."""
        ...


def compile_re2(expression: str) -> Pattern:
    """Compile an expression in RE2 syntax; no match crosses the end of a line. RE2 keeps the last ones compiled.

    Raises:
        BadExpression: It is none.
    """
    import re2  # type: ignore[import-untyped]  # 3 MB, only for who searches

    options: Any = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    options.never_nl = True
    try:
        compiled: Pattern = re2.compile(expression, options)
    except (re2.error, UnicodeEncodeError) as exc:
        problem = exc.args[0].decode("utf-8", "replace") if exc.args and isinstance(exc.args[0], bytes) else str(exc)
        raise BadExpression(problem[:200]) from exc
    return compiled
