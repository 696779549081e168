"""The last line of defence before a log file: neither a profile's secrets nor what looks like a token reach it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.io.log_format import Redactor

REDACTED: Final = "[redacted]"

_SHORTEST: Final = 8
"""Shorter values are not redacted: they would blacken ordinary words."""

_TOKEN_SHAPES: Final = (
    r"sk-[A-Za-z0-9_-]{16,}",
    r"xox[a-z]-[A-Za-z0-9-]{10,}",
    r"xapp-[A-Za-z0-9-]{10,}",
    r"Bearer [A-Za-z0-9._~+/=-]{8,}",
    r"bearer [A-Za-z0-9._~+/=-]{8,}",
    r"Basic [A-Za-z0-9+/=]{12,}",
    r"gh[a-z]_[A-Za-z0-9]{20,}",
    r"github_pat_[A-Za-z0-9_]{20,}",
    r"glpat-[A-Za-z0-9_-]{16,}",
    r"hf_[A-Za-z0-9]{20,}",
    r"AIza[A-Za-z0-9_-]{30,}",
    r"AKIA[A-Z0-9]{16}",
    r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*",
    r"bot[0-9]{6,12}:[A-Za-z0-9_-]{30,}",
    r"://[\w.~%!*+,=-]{1,256}:[\w.~%!*+,=-]{1,256}@",
)
"""Every alternative begins with a literal character: that lets the regex engine skip all else quickly. None takes a
character that means something to a shell: who is asked about a command must see all that it does."""

_ANY_LOGIN: Final = r"://[^/\s:@]{1,256}:[^/\s@]{1,256}@"


def make_redactor(secrets: Sequence[str]) -> Redactor:
    """Build the function that blackens ``secrets`` and well-known token shapes in a text.

    Args:
        secrets: The profile's own secret values; those under 8 characters are left out. Their URL-encoded forms are
            blackened as well.
    """
    return _redactor(_expressions(secrets), (_ANY_LOGIN, *_TOKEN_SHAPES))


def make_command_redactor(secrets: Sequence[str]) -> Redactor:
    """Like `make_redactor`, for commands that are shown to be judged: it never hides a part that does something."""
    return _redactor(_expressions(secrets), _TOKEN_SHAPES)


def make_value_redactor(secrets: Sequence[str]) -> Redactor:
    """Build the function that blackens ``secrets`` and nothing else: an example of a token in a document is no secret.

    Args:
        secrets: As for `make_redactor`; their forms within a JSON text are blackened as well.
    """
    escaped = (json.dumps(value, ensure_ascii=False)[1:-1] for value in secrets)
    expressions = _expressions([*secrets, *escaped])
    return _redactor(expressions, ())


def _expressions(secrets: Sequence[str]) -> list[str]:
    """Expressions for the values and their URL-encoded forms, the longest first."""
    values = {value for value in secrets if len(value) >= _SHORTEST}
    values |= {quote(value, safe="") for value in values}
    return [re.escape(value) for value in sorted(values, key=lambda value: (-len(value), value))]


def _redactor(values: Sequence[str], shapes: Sequence[str]) -> Redactor:
    # The shapes are compiled once for all profiles (`re` keeps them): that takes 3 ms, a profile's few values 0.1 ms.
    patterns = [re.compile("|".join(expressions)) for expressions in (values, shapes) if expressions]

    def redact(text: str) -> str:
        for pattern in patterns:
            text = pattern.sub(REDACTED, text)
        return text

    return redact
