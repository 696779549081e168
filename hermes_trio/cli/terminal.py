"""Text for people: colours only on a terminal, aligned columns, short times."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hermes_trio.errors import HermesTrioError
    from hermes_trio.gateway.report import ProfileReport

STATE_COLORS: Mapping[str, str] = {
    "running": "green",
    "starting": "cyan",
    "draining": "cyan",
    "degraded": "yellow",
    "backoff": "yellow",
    "quarantined": "red",
    "failed": "red",
}
"""Colours of profile states; the others stay plain."""

WELL = ("running", "starting")


def wants_color(environ: Mapping[str, str], stream: TextIO) -> bool:
    """Whether ``stream`` is a terminal that may be coloured; honours ``NO_COLOR`` (no-color.org) and ``TERM=dumb``."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


@dataclass(frozen=True, slots=True)
class Style:
    """Colours text, or leaves it alone."""

    color: bool

    def paint(self, text: str, color: str | None = None, *, bold: bool = False, dim: bool = False) -> str:
        """``text`` in a colour, where colours are wanted."""
        if not self.color or not (color or bold or dim):
            return text
        return click.style(text, fg=color, bold=bold or None, dim=dim or None)

    def state(self, state: str) -> str:
        """A profile's state in its colour."""
        return self.paint(state, STATE_COLORS.get(state))


def align(rows: Sequence[Sequence[str]], *, indent: str = "") -> list[str]:
    """Lay rows out in columns two spaces apart; cells may carry colours, the last column may be long."""
    widths = [max(len(click.unstyle(cell)) for cell in column) for column in zip_longest(*rows, fillvalue="")]
    lines = []
    for row in rows:
        cells = [cell + " " * (width - len(click.unstyle(cell))) for cell, width in zip(row, widths, strict=False)]
        lines.append((indent + "  ".join(cells)).rstrip())
    return lines


def describe_span(seconds: float) -> str:
    """A length of time in its largest fitting unit: ``42 s``, ``5 min``, ``3 h``, ``2 d``."""
    whole = max(0, round(seconds))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if whole >= 2 * size:
            return f"{whole // size} {unit}"
    return f"{whole} s"


def explain(profile: ProfileReport, style: Style) -> str:
    """One line about a profile in trouble; empty for one that is well or says nothing."""
    if not profile.detail or profile.state in WELL:
        return ""
    detail = profile.detail.removeprefix(f"profile '{profile.name}': ")
    return f"{style.paint(profile.name, bold=True)}: {detail}"


def error_block(error: HermesTrioError, style: Style) -> str:
    """An error as one block of lines: what is wrong with its stable code, where, what was found, what mends it."""
    facts = {
        "profile": error.profile,
        "where": error.where,
        "found": error.found,
        "expected": error.expected,
        "mend": error.mend,
    }
    head = f"{style.paint('error:', 'red', bold=True)} {error.problem} [{error.code}]"
    return "\n".join([head, *align([(f"{name}:", value) for name, value in facts.items() if value], indent="  ")])
