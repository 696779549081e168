"""Waiting for the program under test, with an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import trio

from hermes_trio.errors import HermesTrioError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermes_trio.testing.telegram.state import TelegramState

WAIT_SECONDS: Final = 10.0
_TOLD: Final = 5


class NothingHappened(HermesTrioError):
    """What a test waited for did not happen in time."""

    default_code: ClassVar[str] = "fake_telegram_nothing_happened"


async def wait_until(state: TelegramState, condition: Callable[[], bool], seconds: float, wanted: str) -> None:
    """Wait until a condition holds; it is looked at again after every change.

    Args:
        state: What changes.
        condition: What has to hold.
        seconds: How long to wait.
        wanted: Names it in the error.

    Raises:
        NothingHappened: It did not hold in time.
    """
    await trio.lowlevel.checkpoint()
    with trio.move_on_after(seconds):
        while not condition():
            await state.changed.wait()
        return
    last = [f"{sent.method} to {sent.chat_id}: {sent.text[:60]!r}" for sent in state.sent[-_TOLD:]]
    raise NothingHappened(
        f"nothing like it within {seconds:g} s",
        where="fake Telegram",
        found=f"{len(state.sent)} calls, the last: {'; '.join(last)}" if last else "no call with an effect",
        expected=wanted,
    )
