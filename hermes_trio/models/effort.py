"""How hard a model is to think: the efforts that settings and chats name, in the terms of the wire formats. Pure."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.home.config import EFFORTS

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Tokens of thinking for each effort, where a format wants a number; the usual ones of Hermes, and 0 for none.
BUDGETS: Final[Mapping[str, int]] = MappingProxyType(
    dict(zip(EFFORTS, (0, 1024, 4000, 8000, 16_000, 32_000, 64_000), strict=True))
)
LEAST_BUDGET: Final = 1024
"""Anthropic's least number."""

_OPENAI = re.compile(r"(.*/)?(gpt-5|gpt-oss|o\d|codex|grok-[4-9])")


def gives_encrypted_reasoning(model: str) -> bool:
    """Whether a model thinks, and gives what it thought encrypted; the others refuse to be asked for it."""
    return _OPENAI.match(model) is not None


def effort_name(effort: str) -> str:
    """An effort as OpenAI's formats name it; empty for one that does not exist."""
    if effort not in BUDGETS:
        return ""
    return "xhigh" if effort == "max" else effort


def thinking_budget(effort: str, max_tokens: int) -> int | None:
    """Tokens of thinking to ask for in an answer of so many; None when it should not think, or has no room to."""
    budget = min(BUDGETS.get(effort, 0), max_tokens * 3 // 4)
    return budget if budget >= LEAST_BUDGET else None
