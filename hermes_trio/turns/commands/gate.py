"""What stands before every command: who may use it, whether it may be used now, and what hooks say to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermes_trio.access.commands import may_use_command
from hermes_trio.turns.commands.context import CommandReply
from hermes_trio.turns.commands.parsing import ParsedCommand

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hermes_trio.adapter_api.messages import InboundMessage
    from hermes_trio.home.platform_config import PlatformConfig
    from hermes_trio.tools.hooks import Hooks
    from hermes_trio.turns.commands.context import Command, Conversation


@dataclass(frozen=True, slots=True)
class HookWord:
    """What hooks said to a command.

    Attributes:
        reply: The end of it, or None.
        instead: Another command to run, or None.
    """

    reply: CommandReply | None = None
    instead: ParsedCommand | None = None


_GO_ON = HookWord()


def refuse(
    name: str, command: Command | None, message: InboundMessage, platform: PlatformConfig, conversation: Conversation
) -> CommandReply | None:
    """Why a command may not be used by this person or at this moment, or None.

    Args:
        name: Its canonical name.
        command: The built-in command, or None for the user's own and for skills.
        message: The message it came in.
        platform: Settings of the bot that received it.
        conversation: Where it was given.
    """
    decision = may_use_command(platform.access, message.source, name)
    if not decision.allowed:
        return CommandReply(f"⛔ {decision.text}")
    if command is not None and not command.while_busy and conversation.running_turn() is not None:
        return CommandReply(f"⏳ `/{name}` has to wait until I am done here. `/stop` ends what runs.")
    return None


async def ask_hooks(hooks: Hooks, name: str, given: ParsedCommand, message: InboundMessage) -> HookWord:
    """Tell the hooks of ``command:<name>`` and find out whether one of them decides what becomes of it.

    Args:
        hooks: The profile's.
        name: The command's canonical name.
        given: The command as it was written.
        message: The message it came in.
    """
    event = f"command:{name}"
    if not hooks.listens(event):
        return _GO_ON
    context = {
        "platform": message.source.platform,
        "user_id": message.source.user_id or "",
        "command": name,
        "raw_command": given.name,
        "args": given.arguments,
        "raw_args": given.arguments,
    }
    outcome = await hooks.fire(event, context)
    if outcome.block is not None:
        return HookWord(CommandReply(f"⛔ {outcome.block.reason}"))
    return _decision(outcome.answers, name, given)


def _decision(answers: Iterable[Mapping[str, object]], name: str, given: ParsedCommand) -> HookWord:
    """The first answer that is more than a yes counts."""
    for answer in answers:
        message = answer.get("message")
        text = message if isinstance(message, str) else ""
        match answer.get("decision"):
            case "deny":
                return HookWord(CommandReply(text or f"⛔ A hook of this profile refuses `/{name}`."))
            case "handled":
                return HookWord(CommandReply(text))
            case "rewrite":
                return HookWord(instead=_rewritten(answer, name, given))
            case _:
                continue
    return _GO_ON


def _rewritten(answer: Mapping[str, object], name: str, given: ParsedCommand) -> ParsedCommand:
    other, arguments = answer.get("command_name"), answer.get("raw_args")
    return ParsedCommand(
        (other.strip().removeprefix("/").lower() if isinstance(other, str) else "") or name,
        arguments.strip() if isinstance(arguments, str) else given.arguments,
    )
