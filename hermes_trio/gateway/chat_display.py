"""What people see of turns in one chat: the platform's settings, and what has been set in the chat itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hermes_trio.delivery.footer import runtime_footer
from hermes_trio.tools.terminal_launch import base_of, find_place
from hermes_trio.tools.tool import ToolError
from hermes_trio.turns.commands.chat_display import FOOTER, TOOL_PROGRESS
from hermes_trio.turns.opening import first_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.home.chat_config import DisplayConfig
    from hermes_trio.scope import ProfileScope
    from hermes_trio.turns.request import TurnResult


def display_here(display: DisplayConfig, settings: Mapping[str, object]) -> DisplayConfig:
    """The platform's display settings with those of one chat, as ``/verbose`` and ``/footer`` have set them. Pure."""
    progress, footer = settings.get(TOOL_PROGRESS), settings.get(FOOTER)
    return replace(
        display,
        tool_progress=progress if isinstance(progress, str) else display.tool_progress,
        footer_enabled=footer if isinstance(footer, bool) else display.footer_enabled,
    )


async def footer_line(scope: ProfileScope, display: DisplayConfig, result: TurnResult, context_tokens: int) -> str:
    """The line below an answer.

    Args:
        scope: The runtime profile.
        display: What people see in the chat.
        result: The turn's.
        context_tokens: Tokens of the last request; 0 when nobody knows.

    Raises:
        ScopeClosed: This generation of the profile is over.
    """
    try:
        folder = Path((await find_place(scope)).folder)
    except ToolError:
        folder = scope.home.root
    return runtime_footer(
        display.footer_fields,
        model=result.model,
        context_tokens=context_tokens,
        context_length=first_target(scope, None).context_length,
        cwd=folder,
        home=Path(base_of(scope).get("HOME") or scope.home.root),
    )
