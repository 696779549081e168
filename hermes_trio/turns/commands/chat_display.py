"""Commands for what a chat shows of the work: tool progress and the line below answers."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.store.chat_entries import update_entry
from hermes_trio.store.routing_index import lookup
from hermes_trio.turns.commands.context import Command, CommandCall, CommandReply
from hermes_trio.turns.commands.wording import code, shorten

if TYPE_CHECKING:
    from hermes_trio.scope import ProfileScope

#: The entry's fields.
TOOL_PROGRESS: Final = "tool_progress"
FOOTER: Final = "footer"

_CYCLE: Final = ("off", "new", "all", "verbose")
_MEANING: Final = MappingProxyType(
    {
        "off": "tools work silently.",
        "new": "a tool is shown when another one was used before.",
        "all": "every use of a tool is shown.",
        "verbose": "every use of a tool is shown with its arguments.",
    }
)


async def run_verbose(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Show the next more of the tools' work in this chat."""
    display = scope.config.chat.display_on(call.message.source.platform)
    if not display.tool_progress_command:
        return CommandReply(
            "`/verbose` is switched off. `display.tool_progress_command: true` in config.yaml allows it."
        )
    await call.conversation.session_id()  # the entry that keeps the choice
    current = await _chosen(scope, call, TOOL_PROGRESS)
    shown = current if isinstance(current, str) else display.tool_progress
    chosen = _CYCLE[(_CYCLE.index(shown) + 1) % len(_CYCLE)] if shown in _CYCLE else _CYCLE[0]
    await update_entry(scope, call.conversation.session_key, **{TOOL_PROGRESS: chosen})
    return CommandReply(f"🔧 Tool progress **{chosen}**: {_MEANING[chosen]}")


async def run_footer(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Show or hide the line about model and context below answers in this chat."""
    display = scope.config.chat.display_on(call.message.source.platform)
    await call.conversation.session_id()  # the entry that keeps the choice
    current = await _chosen(scope, call, FOOTER)
    shown = current if isinstance(current, bool) else display.footer_enabled
    wanted = call.arguments.lower()
    if wanted == "status":
        return CommandReply(f"The footer is **{_word(shown)}** here.")
    if wanted not in ("", "on", "off"):
        return CommandReply(f"I do not know {code(shorten(wanted, 40))}. Use `/footer [on|off|status]`.")
    chosen = wanted == "on" if wanted else not shown
    await update_entry(scope, call.conversation.session_key, **{FOOTER: chosen})
    return CommandReply(f"🏷 The footer is **{_word(chosen)}** here now.")


async def _chosen(scope: ProfileScope, call: CommandCall, field: str) -> object:
    """What was chosen in this chat, or None."""
    entry = await lookup(scope, call.conversation.session_key)
    return entry.more.get(field) if entry is not None else None


def _word(switched_on: bool) -> str:
    return "on" if switched_on else "off"


COMMANDS: Final = (
    Command("verbose", "Show more or less of what my tools do", run_verbose, while_busy=True),
    Command("footer", "Show or hide the line below my answers", run_footer, usage="[on|off|status]", while_busy=True),
)
