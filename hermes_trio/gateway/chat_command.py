"""A slash command that somebody gives in a chat: from its message to its reply."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from hermes_trio.errors import ProfileUnavailable, ScopeClosed
from hermes_trio.gateway.chat_turn import say_and_close
from hermes_trio.gateway.conversation import LaneConversation
from hermes_trio.io.supervise import main_leaf, reason_code
from hermes_trio.store import inbox
from hermes_trio.turns.commands.context import CommandReply
from hermes_trio.turns.commands.registry import dispatch_command

if TYPE_CHECKING:
    from hermes_trio.gateway.accepted import Accepted
    from hermes_trio.gateway.chats import Chats
    from hermes_trio.gateway.lane import Lane
    from hermes_trio.turns.commands.parsing import ParsedCommand


async def run_command_of(chats: Chats, lane: Lane, accepted: Accepted) -> None:
    """Run the command of a message and reply; the message is done with in the transaction that stores the reply.

    It is run once only: what an end of the process cuts off is told at the next start. One that was said into a turn is
    done with when the turn is.

    Raises:
        StoreError: The command was not begun, or its reply could not be stored.
        ScopeClosed: The profile is over.

    Cancellation: the chat is told at the next start.
    """
    parsed = accepted.command
    if parsed is None:
        raise ValueError("the message is no command")
    if not await inbox.mark_running(chats.scope, (accepted.row_id,)):
        return  # somebody has dropped it
    conversation = LaneConversation(chats, lane, accepted)
    chats.log.info(f"command /{parsed.name}", platform=accepted.message.source.platform, session=lane.session_key)
    reply = await _run(chats, conversation, accepted, parsed)
    if reply.prompt:
        await conversation.submit(reply.prompt)
    if conversation.is_steered:
        await inbox.set_back(chats.scope, (accepted.row_id,), "said into a turn", counts=False)
    done = () if conversation.is_steered else (accepted.row_id,)
    if reply.text:
        place = chats.reply_place(accepted, "command")
        await say_and_close(chats.scope, place, reply.text, done)
    else:
        await inbox.finish(chats.scope, done)
    await conversation.after_reply()


async def _run(chats: Chats, conversation: LaneConversation, accepted: Accepted, parsed: ParsedCommand) -> CommandReply:
    """Run a command; one that crashes is told, because to run it again at every start would help nobody."""
    try:
        return await dispatch_command(
            chats.scope,
            parsed,
            message=accepted.message,
            platform=chats.platform(accepted),
            agent=chats.agent,
            conversation=conversation,
        )
    except (ProfileUnavailable, ScopeClosed):
        raise
    except Exception as error:  # noqa: BLE001  one command's failure is its own, whatever it is
        text = chats.scope.log.redact("".join(traceback.format_exception(error)))
        chats.log.error(f"the command /{parsed.name} crashed: {text}")  # noqa: TRY400  ours has no such method
        return CommandReply(f"⚠️ `/{parsed.name}` failed (`{reason_code(main_leaf(error))}`). My log says more.")
