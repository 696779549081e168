"""How the last stop of a profile's chats was, and who asked for it, in the way that hermes-agent notes it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.errors import HomeError
from hermes_trio.home.clean_shutdown import leave_marker, take_marker
from hermes_trio.home.restart_note import RestartNote, leave_restart_note, take_restart_note

if TYPE_CHECKING:
    from hermes_trio.adapter_api.messages import InboundMessage
    from hermes_trio.scope import ProfileScope


async def was_orderly(scope: ProfileScope) -> bool:
    """Whether the last stop was an orderly one; asking again says no.

    A marker that cannot be removed is logged: then the next start may take a crash for an orderly stop, which costs
    hermes-agent's attempts to take conversations up again and none of ours.

    Raises:
        ScopeClosed: The profile is over.
    """
    try:
        return await scope.run_blocking(take_marker, scope.home.clean_shutdown)
    except HomeError as error:
        scope.log.bind(component="gateway.chats").warning(str(error))
        return False


async def note_orderly_stop(scope: ProfileScope) -> None:
    """Note that nothing was interrupted; a marker that cannot be written is logged.

    Raises:
        ScopeClosed: The profile is over.
    """
    try:
        await scope.run_blocking(leave_marker, scope.home.clean_shutdown)
    except HomeError as error:
        scope.log.bind(component="gateway.chats").warning(str(error))


async def leave_note(scope: ProfileScope, message: InboundMessage, transport_profile: str) -> None:
    """Note who asks for a restart; a note that cannot be written is logged.

    Args:
        scope: The runtime profile, which will tell when it is done.
        message: Where somebody asked.
        transport_profile: The profile whose bot received it.

    Raises:
        ScopeClosed: The profile is over.
    """
    source = message.source
    note = RestartNote(
        platform=source.platform,
        chat_id=source.chat_id or "",
        chat_type=source.chat_type,
        thread_id=source.thread_id,
        message_id=message.message_id or None,
        transport_profile="" if transport_profile == scope.name else transport_profile,
    )
    try:
        await scope.run_blocking(leave_restart_note, scope.home.restart_note, note)
    except HomeError as error:
        scope.log.bind(component="gateway.chats").warning(str(error))


async def take_note(scope: ProfileScope) -> RestartNote | None:
    """Who asked for the restart that is done now, or None; asking again says None.

    Raises:
        ScopeClosed: The profile is over.
    """
    try:
        return await scope.run_blocking(take_restart_note, scope.home.restart_note)
    except HomeError as error:
        scope.log.bind(component="gateway.chats").warning(str(error))
        return None
