"""How commands word numbers, times and errors for people. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hermes_trio.errors import HermesTrioError
    from hermes_trio.scope import ProfileScope

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
_MARKUP: Final = re.compile(r"[\\`*_\[\]<>&~|#]")


def count(number: float, one: str, many: str = "") -> str:
    """A number with what it counts: ``1 message``, ``12,345 messages``."""
    return f"{number:,.0f} {one if number == 1 else many or f'{one}s'}"


def size(tokens: float) -> str:
    """A large number in few characters: ``950``, ``12.3k``, ``1.2M``."""
    if tokens < 1000:
        return f"{tokens:.0f}"
    if tokens < 999_950:
        return f"{tokens / 1000:.1f}k"
    return f"{tokens / 1_000_000:.1f}M"


def dollars(amount: float) -> str:
    """Money: ``$1.20``, and ``$0.0034`` where cents would say nothing."""
    return f"${amount:,.2f}" if amount >= 1 or not amount else f"${amount:.4f}"


def duration(seconds: float) -> str:
    """A length of time: ``8 s``, ``5 min``, ``2 h 5 min``, ``3 days``."""
    whole = max(0, round(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        minutes = whole % HOUR // MINUTE
        return f"{whole // HOUR} h {minutes} min" if minutes else f"{whole // HOUR} h"
    return count(whole // DAY, "day")


def ago(seconds: float) -> str:
    """How long something is past: ``just now``, ``5 min ago``."""
    return "just now" if seconds < MINUTE else f"{duration(seconds)} ago"


def code(text: str) -> str:
    """A text as inline code; backticks in it would end it early."""
    plain = " ".join(text.replace("`", "'").split())
    return f"`{plain}`" if plain else "-"


def literal(text: str) -> str:
    """A text that somebody else has written, so that no character of it counts as Markdown."""
    return _MARKUP.sub(r"\\\g<0>", text)


def block(text: str) -> str:
    """A text as a block of code, with a fence that nothing in it closes."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text.rstrip()}\n{fence}"


def shorten(text: str, most: int) -> str:
    """A text on one line, cut where it is longer than ``most`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 3].rstrip()}..."


def lines(*parts: str | None) -> str:
    """Lines, those that are there."""
    return "\n".join(part for part in parts if part is not None)


def bullets(items: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {item}" for item in items)


def error_text(scope: ProfileScope, error: HermesTrioError) -> str:
    """What a chat is told of an error: what happened and what helps, with secrets blackened and without our paths."""
    parts = [error.problem]
    if error.found is not None:
        parts.append(f"found {error.found}")
    if error.expected is not None:
        parts.append(f"expected {error.expected}")
    text = "; ".join(parts)
    if error.mend is not None:
        text += f".\nTo mend it: {error.mend}"
    return f"⚠️ {scope.log.redact(text)}"
