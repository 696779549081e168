"""Whether the last stop of a profile's chats was an orderly one, in the way that hermes-agent notes it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.errors import HomeError
from hermes_trio.home.clean_shutdown import leave_marker, take_marker

if TYPE_CHECKING:
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
