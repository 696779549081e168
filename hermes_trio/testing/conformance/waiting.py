"""Demands, and waiting for what has to happen, with an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermes_trio.testing.conformance.world import Side

WAIT_SECONDS: Final = 300.0
"""How long a check waits for what has to happen; riding out an outage may take minutes. It is mock time."""

_FIRST_LOOK: Final = 0.02
_LONGEST_LOOK: Final = 1.0


def require(condition: object, why: str) -> None:
    """Demand that a condition holds now.

    Raises:
        AssertionError: It does not.
    """
    if not condition:
        raise AssertionError(why)


async def eventually(
    condition: Callable[[], object], what: str, *, seconds: float = WAIT_SECONDS, side: Side | None = None
) -> None:
    """Wait until a condition holds.

    Args:
        condition: What has to hold.
        what: The same in words, for the failure.
        seconds: How long to wait.
        side: Whose state explains a failure.

    Raises:
        AssertionError: It did not hold in time.
    """
    pause, until = _FIRST_LOOK, trio.current_time() + seconds
    while not condition():
        if trio.current_time() >= until:
            raise AssertionError(f"{what}: not within {seconds:g} s" + (f"\n{side.describe()}" if side else ""))
        await trio.sleep(pause)
        pause = min(pause * 1.2, _LONGEST_LOOK)
