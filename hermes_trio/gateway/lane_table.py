"""The lanes of a profile, each for as long as something happens in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from hermes_trio.gateway.lane import Lane

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.gateway.accepted import Accepted
    from hermes_trio.gateway.lane import Front


class LaneTable:
    """The lanes of a profile in which something happens.

    Args:
        front: What lanes need of their profile.
        nursery: The profile's; owns the lanes' tasks.
        name: Begins the names of their tasks.
    """

    def __init__(self, front: Front, nursery: trio.Nursery, name: str) -> None:
        self._front = front
        self._nursery = nursery
        self._name = name
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._idle = trio.Event()

    def __iter__(self) -> Iterator[Lane]:
        return iter(tuple(self._lanes.values()))

    def find(self, transport_profile: str, session_key: str) -> Lane | None:
        """The lane of a conversation through a bot, or None when nothing happens in it."""
        return self._lanes.get((transport_profile, session_key))

    def deliver(self, accepted: Accepted) -> None:
        """Take a message that is safe in the inbox; never waits."""
        self._lane_of(accepted).deliver(accepted)

    def put_last(self, accepted: Accepted) -> None:
        """Take a message that is to disturb nothing: it is answered after all that runs and waits; never waits."""
        self._lane_of(accepted).put_last(accepted)

    def _lane_of(self, accepted: Accepted) -> Lane:
        key = (accepted.transport_profile, accepted.session_key)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(self._front, *key)
            # It begins at the caller's next checkpoint, when the message is in it.
            self._nursery.start_soon(self._run, lane, name=f"{self._name} lane {accepted.session_key}")
        return lane

    async def idle(self) -> None:
        """Wait until nothing happens in any lane."""
        while self._lanes:
            self._idle = trio.Event()
            await self._idle.wait()

    async def _run(self, lane: Lane) -> None:
        try:
            await lane.run()
        finally:
            del self._lanes[lane.transport_profile, lane.session_key]
            if not self._lanes:
                self._idle.set()
