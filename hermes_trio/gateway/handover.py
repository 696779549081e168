"""Puts a message into the inbox of the profile that answers it, whichever profile's bot received it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.access.identity import is_direct
from hermes_trio.errors import ProfileUnavailable
from hermes_trio.gateway.accepted import Accepted, new_row
from hermes_trio.gateway.chat_request import key_of
from hermes_trio.store import inbox
from hermes_trio.turns.commands.parsing import spoken_command

if TYPE_CHECKING:
    from hermes_trio.adapter_api.messages import InboundMessage
    from hermes_trio.gateway.chats import Chats
    from hermes_trio.gateway.router import Router

#: What another profile has not taken by then waits for it, so that this bot's other messages do not.
HAND_OVER_SECONDS: Final = 2.0
SLOW: Final = "profile_slow"


async def accept_into(chats: Chats, transport_profile: str, message: InboundMessage) -> bool:
    """Commit a message to the inbox of a profile and let its lane answer; False when it is there already.

    Args:
        chats: The conversations of the runtime profile.
        transport_profile: Whose bot received the message.
        message: The message.

    Raises:
        StoreError: It was not stored.
        ScopeClosed: The profile is over.
    """
    if not message.attachments:
        direct = is_direct(message.source)
        message = replace(message, text=spoken_command(message.text, chats.chat.reset_triggers, direct=direct))
    key = key_of(chats.scope, message.source)
    row_id = await inbox.accept(chats.scope, new_row(message, transport_profile, key))
    if row_id is not None:
        chats.lanes.deliver(Accepted(row_id, transport_profile, key, message))
    return row_id is not None


async def hand_over(router: Router, runtime_profile: str, transport_profile: str, message: InboundMessage) -> bool:
    """Do the same for another profile than the one whose bot received the message, in that profile's own nursery.

    Raises:
        ProfileUnavailable: The runtime profile does not serve, went away meanwhile, or (``profile_slow``) did not take
            it within 2 s. It may have it all the same; handed over once more, it is there already.
        StoreError: It was not stored.
        ScopeClosed: The profile is over.
    """
    with trio.move_on_after(HAND_OVER_SECONDS):
        runtime = router.profiles[runtime_profile].require_runtime()
        chats = await runtime.ready_chats()
        return await runtime.call(lambda _scope: accept_into(chats, transport_profile, message))
    raise ProfileUnavailable(
        f"the profile did not take a message within {HAND_OVER_SECONDS:g} s", code=SLOW, profile=runtime_profile
    )
