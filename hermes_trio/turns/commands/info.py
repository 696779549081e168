"""Commands that only tell: status, profile, who you are, version."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from hermes_trio import __version__
from hermes_trio.access.commands import may_use_command
from hermes_trio.access.decision import Reason
from hermes_trio.store.routing_index import lookup
from hermes_trio.store.session_list import session_totals
from hermes_trio.turns.commands.chat_model import chat_route, context_line, model_name
from hermes_trio.turns.commands.context import Command, CommandCall, CommandReply
from hermes_trio.turns.commands.running import turn_line
from hermes_trio.turns.commands.wording import code, count, lines, literal, size

if TYPE_CHECKING:
    from hermes_trio.scope import ProfileScope


async def run_status(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Tell how the conversation is doing."""
    conversation = call.conversation
    session_id = await conversation.session_id()
    entry = await lookup(scope, conversation.session_key)
    totals = await session_totals(scope, session_id)
    route = chat_route(call, entry)
    turn = conversation.running_turn()
    connected = [f"{one.platform} ({one.state})" for one in conversation.adapters()]
    tokens = f"{size(totals.input_tokens)} in, {size(totals.output_tokens)} out" if totals else "none yet"
    return CommandReply(
        lines(
            "**Status**",
            f"Session: {code(session_id)}",
            f"Title: {literal(totals.title)}" if totals and totals.title else None,
            f"Created: {_time(entry.created_at)}" if entry else None,
            f"Last activity: {_time(entry.updated_at)}" if entry else None,
            f"Model: {model_name(scope, route)}",
            f"Context: {context_line(scope, entry, route)}",
            f"Tokens: {tokens}",
            f"Running: {turn_line(turn)}" if turn else "Running: nothing",
            f"Waiting: {count(conversation.queued(), 'message')}",
            f"Platforms: {', '.join(connected) or 'none'}",
        )
    )


async def run_profile(scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Tell which profile answers here, and whose bot it does so through."""
    transport = call.conversation.transport_profile
    return CommandReply(
        lines(
            f"Profile: **{scope.name}**",
            f"Home: {code(str(scope.home.root))}",
            f"Bot: of profile **{transport}**, from where this chat is routed here"
            if transport != scope.name
            else None,
        )
    )


async def run_whoami(_scope: ProfileScope, call: CommandCall) -> CommandReply:
    """Tell people how they are known here."""
    source = call.message.source
    reason = may_use_command(call.platform.access, source, "restart").reason
    role = {Reason.ADMIN: "admin", Reason.NO_ADMIN_LIST: "user (no admins are named: everybody may use all commands)"}
    return CommandReply(
        lines(
            f"You: {literal(source.user_name) or 'somebody'}",
            f"User id: {code(source.user_id or '')}",
            f"Chat: {code(source.chat_id or '')} ({source.chat_type})",
            f"Thread: {code(source.thread_id)}" if source.thread_id else None,
            f"Platform: {source.platform}",
            f"Role: {role.get(reason, 'user')}",
        )
    )


async def run_version(_scope: ProfileScope, _call: CommandCall) -> CommandReply:
    """Tell the version."""
    return CommandReply(f"hermes-trio {__version__}")


def _time(stamp: str) -> str:
    try:
        return f"{datetime.fromisoformat(stamp):%Y-%m-%d %H:%M}"
    except ValueError:
        return "unknown"


COMMANDS: Final = (
    Command("status", "Show how this conversation is doing", run_status, while_busy=True),
    Command("profile", "Show which profile answers here", run_profile, while_busy=True),
    Command("whoami", "Show how I know you", run_whoami, while_busy=True),
    Command("version", "Show my version", run_version, aliases=("v",), while_busy=True),
)
