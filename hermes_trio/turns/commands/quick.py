"""The user's own commands: ``quick_commands`` of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.home.child_environment import Conversation, child_environment
from hermes_trio.io.child_output import HeadAndTail
from hermes_trio.io.child_process import ChildCommand, run_child
from hermes_trio.tools.terminal_launch import base_of, find_place
from hermes_trio.turns.commands.context import CommandReply
from hermes_trio.turns.commands.parsing import ParsedCommand, parse_command
from hermes_trio.turns.commands.wording import block, code, shorten

if TYPE_CHECKING:
    from hermes_trio.adapter_api.messages import InboundMessage
    from hermes_trio.home.chat_config import QuickCommand
    from hermes_trio.scope import ProfileScope
    from hermes_trio.turns.agent import Agent
    from hermes_trio.turns.commands.context import Conversation as ChatConversation

ALIAS: Final = "alias"
EXEC_SECONDS: Final = 30.0
MOST_OUTPUT: Final = 16_000
_GRACE_SECONDS: Final = 1.0


def find_quick_command(scope: ProfileScope, name: str) -> QuickCommand | None:
    """The user's own command of this name, or None."""
    commands = scope.config.chat.quick_commands
    wanted = name.lower().replace("_", "-")
    return next((one for key, one in commands.items() if key.strip("/").lower().replace("_", "-") == wanted), None)


def describe_quick_command(command: QuickCommand) -> str:
    """What it does, in one line for people."""
    return f"Short for {shorten(command.target, 80)}" if command.kind == ALIAS else "A command of your own"


def expand_alias(command: QuickCommand, given: ParsedCommand) -> ParsedCommand:
    """What an alias stands for; what stood behind it comes after that."""
    text = command.target if command.target.startswith("/") else f"/{command.target}"
    target = parse_command(text)
    if target is None:
        return given
    return ParsedCommand(target.name, f"{target.arguments} {given.arguments}".strip())


async def run_quick_command(
    scope: ProfileScope, command: QuickCommand, message: InboundMessage, agent: Agent, conversation: ChatConversation
) -> CommandReply:
    """Run the user's command line on this machine and show what it says.

    Nothing of the chat becomes part of the command line.

    Args:
        scope: The profile; the command finds its variables, and nobody else's.
        command: What to run.
        message: The message that asks for it.
        agent: The profile's agent.
        conversation: Where it was asked for.

    Raises:
        ToolError: The working folder is not there.
        ChildError: It cannot be started.

    Cancellation: its processes are ended.
    """
    place = await find_place(scope)
    source = message.source
    known = Conversation(
        platform=source.platform,
        session_id=await conversation.session_id(),
        session_key=str(conversation.session_key),
        user_id=source.user_id or "",
        user_name=source.user_name,
        chat_id=source.chat_id or "",
        chat_name=source.chat_name,
        thread_id=source.thread_id or "",
        message_id=message.message_id,
    )
    environment = child_environment(
        base_of(scope), scope.name, scope.home, scope.secrets, scope.config.terminal, place.home, known
    )
    output, errors = HeadAndTail(MOST_OUTPUT), HeadAndTail(MOST_OUTPUT)
    child = ChildCommand((place.shell, "-c", command.command), environment, place.folder, daemons=True)
    result = await run_child(child, output, errors, deadline=trio.current_time() + EXEC_SECONDS, grace=_GRACE_SECONDS)
    redact = agent.workplace.approvals.redact
    text = redact(output.text().strip() or (errors.text().strip() if result.code else ""))
    shown = block(text) if text else "It said nothing."
    if result.timed_out:
        return CommandReply(f"⏱ Not done after {EXEC_SECONDS:g} s, so it was ended.\n{shown}")
    return CommandReply(f"⚠️ Exit status {code(str(result.code))}\n{shown}" if result.code else shown)
