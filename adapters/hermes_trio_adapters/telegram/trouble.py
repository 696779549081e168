"""Rides out what goes wrong between the bot and Telegram, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.adapter_api import AdapterError

if TYPE_CHECKING:
    from hermes_trio.adapter_api import AdapterContext, HermesTrioError, ProfileScope

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
_MOST_DOUBLINGS: Final = 5


class Trouble:
    """A row of failures: each lengthens the pause, a success ends it.

    Args:
        scope: Whose bot it is.
        context: Is told.
    """

    def __init__(self, scope: ProfileScope, context: AdapterContext) -> None:
        self._scope = scope
        self._context = context
        self._failures = 0

    async def wait(self, error: HermesTrioError) -> None:
        """Say what is wrong and wait: as long as Telegram asks to, else 1 s doubling to 30 s, with jitter.

        Raises:
            ScopeClosed: The profile is over, so nothing will get better.
        """
        self._scope.check_open()
        longest = min(FIRST_PAUSE * 2 ** (min(self._failures, _MOST_DOUBLINGS) + 1), LONGEST_PAUSE)
        pause = FIRST_PAUSE + (longest - FIRST_PAUSE) * self._scope.shared.jitter()
        self._failures += 1
        if isinstance(error, AdapterError) and error.retry_after is not None:
            pause = error.retry_after
        self._context.troubled(error.code, str(error), pause)
        await trio.sleep(pause)

    def over(self) -> None:
        """Something worked."""
        if self._failures:
            self._failures = 0
            self._context.connected()
