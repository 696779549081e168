"""The line below an answer that tells which model gave it, how full its context is, and where it works."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def runtime_footer(
    fields: Sequence[str], *, model: str, context_tokens: int, context_length: int | None, cwd: Path, home: Path
) -> str:
    """Write the line; empty when none of the fields is known.

    Args:
        fields: ``model``, ``context_pct``, ``cwd``, in the order in which they are shown; others are ignored.
        model: The model that answered.
        context_tokens: Tokens of the last request; 0 when nobody knows.
        context_length: Tokens that the model can take, or None.
        cwd: Where the agent works.
        home: Home folder of the machine's user, shown as ``~``.
    """
    share = f"{min(100, round(100 * context_tokens / context_length))}%" if context_length and context_tokens else ""
    known = {"model": model.rsplit("/", 1)[-1], "context_pct": share, "cwd": _short(cwd, home)}
    return " · ".join(filter(None, (known.get(field, "") for field in fields)))


def _short(folder: Path, home: Path) -> str:
    return str(Path("~") / folder.relative_to(home)) if folder.is_relative_to(home) else str(folder)
