"""Commands for what is around a conversation: the home channel, the platforms, the profile and the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.home.platform_table import variables_of
from hermes_trio.settings_edit import update_env
from hermes_trio.turns.commands.context import AdapterView, Command, CommandCall, CommandReply
from hermes_trio.turns.commands.settings_reply import AFTER_RESTART, admins_only
from hermes_trio.turns.commands.wording import bullets, code, shorten

if TYPE_CHECKING:
    from hermes_trio.scope import ProfileScope

_USAGE: Final = "Use `/platform list`, `/platform pause <name>` or `/platform resume <name>`."


async def run_sethome(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Make the chat the one where the profile sends what nobody asked for."""
    if not call.conversation.is_admin:
        return CommandReply(admins_only("`/sethome`"))
    transport = call.conversation.transport_profile
    if transport != scope.name:
        return CommandReply(
            f"This bot belongs to profile **{transport}**, and **{scope.name}** only answers here: it could not send "
            "anything to this chat by itself. Use `/sethome` in a chat with a bot of its own."
        )
    source = call.message.source
    chat_id = source.chat_id or source.user_id
    if not chat_id:
        return CommandReply("This chat has no id, so it cannot be a home channel.")
    names = variables_of(source.platform)
    variable = f"{names.prefix}_{names.home_channel}"
    await update_env(scope, variable, chat_id)
    await update_env(scope, f"{variable}_THREAD_ID", source.thread_id or None)
    return CommandReply(f"🏠 This chat is my home channel on {source.platform}. {AFTER_RESTART}")


async def run_platform(_scope: ProfileScope, call: CommandCall) -> CommandReply:
    """List, pause and resume the profile's platforms."""
    action, _, rest = call.arguments.lower().partition(" ")
    name = rest.strip()
    if action in ("", "list"):
        listed = bullets(map(_adapter, call.conversation.adapters()))
        return CommandReply(f"**Platforms**\n{listed}" if listed else "This profile has no platforms.")
    if action not in ("pause", "resume") or not name:
        return CommandReply(_USAGE)
    if action == "pause":
        known = await call.conversation.pause_adapter(name)
    else:
        known = await call.conversation.resume_adapter(name)
    if not known:
        return CommandReply(f"This profile has no platform {code(shorten(name, 40))}. `/platform list` shows them.")
    done = (
        "is paused. `/platform resume` on another platform, or a restart, brings it back." if action == "pause" else ""
    )
    return CommandReply(f"⏸ {name} {done}" if action == "pause" else f"▶️ {name} connects again.")


def _adapter(one: AdapterView) -> str:
    bot = f" as {one.bot}" if one.bot else ""
    reason = f" ({one.reason})" if one.reason else ""
    return f"**{one.platform}**{bot}: {one.state}{reason}"


async def run_restart(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Start the profile again, or the whole gateway."""
    if call.arguments.lower() == "gateway":
        if not call.conversation.is_gateway_admin:
            return CommandReply(
                "⛔ Only admins of the default profile may restart the whole gateway. `/restart` restarts this profile."
            )
        call.conversation.restart_gateway()
        return CommandReply("♻️ The gateway restarts once all running turns have ended.")
    if call.arguments:
        return CommandReply("Use `/restart` for this profile or `/restart gateway` for the whole gateway.")
    call.conversation.restart_profile()
    return CommandReply(f"♻️ Profile **{scope.name}** restarts once its running turns have ended.")


COMMANDS: Final = (
    Command("sethome", "Make this chat my home channel", run_sethome, aliases=("set-home",)),
    Command(
        "platform",
        "List, pause or resume my platforms",
        run_platform,
        usage="list | pause <name> | resume <name>",
        while_busy=True,
    ),
    Command("restart", "Restart this profile", run_restart, usage="[gateway]", while_busy=True),
)
