"""The turn that runs in a lane: what it answers, what is said into it, and how it is ended."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from hermes_trio.turns.control import TurnControl

if TYPE_CHECKING:
    from hermes_trio.gateway.accepted import Accepted


@dataclass(slots=True)
class LaneTurn:
    """The turn that runs in a lane.

    Attributes:
        messages: What it answers.
        turn_id: Names it.
        control: The hold on it.
        scope: Ends it.
        begun: When it began, in trio's time.
        interrupted: Whether somebody ended it on purpose.
        gave_way: Whether that was another message, so that what it had not even begun is answered together with that.
        put_back: Whether its messages are to be answered after all, before what waits.
        ended: Set when it has ended.
        steered: What was said into it meanwhile, in order.
    """

    messages: tuple[Accepted, ...]
    turn_id: str = field(default_factory=lambda: f"turn_{uuid.uuid4().hex[:12]}")
    control: TurnControl = field(default_factory=TurnControl)
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    begun: float = field(default_factory=trio.current_time)
    interrupted: bool = False
    gave_way: bool = False
    put_back: bool = False
    ended: trio.Event = field(default_factory=trio.Event)
    steered: list[Accepted] = field(default_factory=list)

    def interrupt(self, *, for_message: bool = False) -> None:
        """End it; ``for_message`` says that another message ends it, rather than somebody who wants no answer."""
        self.gave_way = for_message and (self.gave_way or not self.interrupted)
        self.interrupted = True
        self.scope.cancel()

    def steer(self, accepted: Accepted) -> bool:
        """Say a message into it; False when it takes no more."""
        if not self.control.steer(accepted.message.text):
            return False
        self.steered.append(accepted)
        return True

    def answered(self) -> tuple[Accepted, ...]:
        """What its end settles: its messages, and what was said into it and was heard."""
        return (*self.messages, *self.steered[: len(self.control.taken())])

    def answered_rows(self) -> tuple[int, ...]:
        """The rows of the inbox that its end settles."""
        return tuple(one.row_id for one in self.answered())

    def unheard(self) -> tuple[Accepted, ...]:
        """What was said into it and was not heard; final once the turn has ended."""
        return tuple(self.steered[len(self.control.taken()) :])
