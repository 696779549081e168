"""What the owner of a turn can see of it while it runs, and say into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.models.request import ASIDE_MARK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.turns.loop import LoopState

MOST_STEERED: Final = 32
MOST_CHARACTERS: Final = 64_000
"""Of all texts that wait to be said into one turn."""


class TurnControl:
    """A hold on one turn, for whoever starts it and hands it over in `TurnRequest.control`. For one turn only.

    It may be used from before the turn begins until after it has ended.
    """

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._taken: list[str] = []
        self._state: LoopState | None = None
        self._created = trio.current_time()
        self._closed = False

    @property
    def has_begun(self) -> bool:
        """Whether the turn has taken up its message: from then on it is kept, if the request says so."""
        return self._state is not None

    @property
    def last_activity(self) -> float:
        """When anything happened last, in trio's time; a tool at work counts, with a precision of 5 s."""
        return self._created if self._state is None else self._state.patience.last_alive

    @property
    def current_tool(self) -> str:
        """The tool that runs now, the one that began last if there are several; empty if there is none."""
        running = self._running()
        return running[-1] if running else ""

    @property
    def is_interruptible(self) -> bool:
        """Whether little is lost by ending it now: no children are at work, and no summary is being made."""
        is_compressing = self._state is not None and self._state.is_compressing
        return not is_compressing and "delegate_task" not in self._running()

    def _running(self) -> Sequence[str]:
        return self._state.round.running if self._state is not None and self._state.round is not None else ()

    @property
    def api_calls(self) -> int:
        """How often the model has answered."""
        return 0 if self._state is None else self._state.api_calls

    def steer(self, text: str) -> bool:
        """Say something into the turn; the model reads it after the results of the next tools.

        It may turn out that there are no more tools: then it is `leftover` when the turn has ended.

        Returns:
            False when the turn takes no more: it has ended, or too much waits already.
        """
        room = MOST_CHARACTERS - sum(map(len, self._waiting))
        if self._closed or len(self._waiting) >= MOST_STEERED or len(text) > room:
            return False
        self._waiting.append(text)
        return True

    def taken(self) -> tuple[str, ...]:
        """What was said into the turn and has reached the conversation."""
        return tuple(self._taken)

    def leftover(self) -> tuple[str, ...]:
        """What was said into the turn and has not reached the conversation; final once the turn has ended."""
        return tuple(self._waiting)

    def watch(self, state: LoopState) -> None:
        """For the turn: show how this loop is doing."""
        self._state = state

    def take(self) -> str:
        """For the turn: what the user is to say in the conversation now; empty if it is nothing."""
        texts, self._waiting = self._waiting, []
        self._taken += texts
        return "\n\n".join(f"{ASIDE_MARK}\n{text}" for text in texts)

    def close(self) -> None:
        """For the turn: it takes no more."""
        self._closed = True
