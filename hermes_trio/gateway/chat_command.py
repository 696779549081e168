"""A slash command that somebody gives in a chat: from its message to its reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.gateway.chat_turn import say_and_close
from hermes_trio.gateway.conversation import LaneConversation
from hermes_trio.store import inbox
from hermes_trio.turns.commands.parsing import parse_command
from hermes_trio.turns.commands.registry import dispatch_command

if TYPE_CHECKING:
    from hermes_trio.gateway.accepted import Accepted
    from hermes_trio.gateway.chats import Chats
    from hermes_trio.gateway.lane import Lane


async def run_command_of(chats: Chats, lane: Lane, accepted: Accepted) -> None:
    """Run the command of a message and reply; the message is done with in the transaction that stores the reply.

    One that was said into a turn is done with when the turn is.

    Raises:
        StoreError: The reply could not be stored; the command runs again at the next start.
        ScopeClosed: The profile is over.

    Cancellation: the command runs again at the next start, if it has not been replied to.
    """
    parsed = parse_command(accepted.message.text)
    if parsed is None:
        raise ValueError("the message is no command")
    platform = chats.platform(accepted)
    conversation = LaneConversation(chats, lane, accepted)
    chats.log.info(f"command /{parsed.name}", platform=platform.name, session=lane.session_key)
    reply = await dispatch_command(
        chats.scope,
        parsed,
        message=accepted.message,
        platform=platform,
        agent=chats.agent,
        conversation=conversation,
    )
    if reply.prompt:
        await conversation.submit(reply.prompt)
    done = () if conversation.is_steered else (accepted.row_id,)
    if reply.text:
        place = chats.reply_place(accepted, "command")
        await say_and_close(chats.scope, place, reply.text, done)
    else:
        await inbox.finish(chats.scope, done)
    conversation.after_reply()
