"""The stable addresses of profiles: they survive crashes, restarts and reloads."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import trio

from hermes_trio.errors import ProfileUnavailable, UnknownProfile
from hermes_trio.gateway.states import CrashReport, ProfileState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hermes_trio.gateway.runtime import ProfileRuntime
    from hermes_trio.io.clock import Clock

REMEMBERED_CRASHES = 5
START_PATIENCE_SECONDS = 2.0


class ProfileSlot:
    """One profile's place in the gateway.

    Attributes:
        name: The profile's name.
        state: Where the profile is in its life.
        reason: Stable code that explains the state, or None.
        detail: One line for people that explains the state, or None.
        since: Wall time of the last change of state.
        next_retry: Wall time of the next try, or None.
        generation: Number of starts so far.
        crashes: The last crash reports, oldest first.
        runtime: The generation that serves now, or None.
        restart_wanted: Set when the generation is to end in an orderly way and the next one to start.
    """

    def __init__(self, name: str, clock: Clock, changed: Callable[[ProfileSlot], None]) -> None:
        self.name = name
        self.state = ProfileState.STARTING
        self.reason: str | None = None
        self.detail: str | None = None
        self.since = clock.now()
        self.next_retry: float | None = None
        self.generation = 0
        self.crashes: deque[CrashReport] = deque(maxlen=REMEMBERED_CRASHES)
        self.runtime: ProfileRuntime | None = None
        self.restart_wanted = trio.Event()
        self._clock = clock
        self._changed = changed
        self._change = trio.Event()

    def enter(
        self,
        state: ProfileState,
        reason: str | None = None,
        detail: str | None = None,
        *,
        retry_in: float | None = None,
    ) -> None:
        """Record a change of state; ``retry_in`` is in seconds."""
        now = self._clock.now()
        self.state, self.reason, self.detail, self.since = state, reason, detail, now
        self.next_retry = None if retry_in is None else now + retry_in
        change, self._change = self._change, trio.Event()
        change.set()
        self._changed(self)

    async def settled(self) -> None:
        """Wait until the state is one that lasts: serving, waiting or ended."""
        while not self.state.settled:
            await self._change.wait()

    async def serving(self, generation: int = 1) -> None:
        """Wait until this or a later generation serves. Waits for ever when it cannot: give it a deadline."""
        while not (self.state.serves and self.generation >= generation):
            await self._change.wait()

    async def ready_runtime(self) -> ProfileRuntime:
        """The generation that serves now; a profile that is just starting gets up to 2 s for it.

        Raises:
            ProfileUnavailable: See `require_runtime`.
        """
        if self.state is ProfileState.STARTING:
            with trio.move_on_after(START_PATIENCE_SECONDS):
                while self.state is ProfileState.STARTING:
                    await self._change.wait()
        return self.require_runtime()

    def require_runtime(self) -> ProfileRuntime:
        """The generation that serves now.

        Raises:
            ProfileUnavailable: None does; code ``profile_parked``, ``profile_starting``, ``profile_draining`` or
                ``profile_failed``, with the seconds to wait where that is known.
        """
        if self.runtime is not None and self.runtime.accepting:
            return self.runtime
        code, wait = _UNAVAILABLE.get(self.state, ("profile_failed", None))
        if self.next_retry is not None:
            wait = max(1.0, self.next_retry - self._clock.now())
        why = f" ({self.reason})" if self.reason else ""
        raise ProfileUnavailable(
            f"the profile is {self.state}{why}",
            code=code,
            profile=self.name,
            mend="run `hermes-trio status` where the gateway runs",
            retry_after=wait,
        )


_UNAVAILABLE: Mapping[ProfileState, tuple[str, float | None]] = {
    ProfileState.PARKED: ("profile_parked", None),
    ProfileState.STARTING: ("profile_starting", 1.0),
    ProfileState.DRAINING: ("gateway_draining", 1.0),
    ProfileState.RUNNING: ("gateway_draining", 1.0),
    ProfileState.DEGRADED: ("gateway_draining", 1.0),
    ProfileState.STOPPED: ("gateway_draining", 1.0),
}


class ProfileTable:
    """All profiles that the gateway knows, by name, in serving order."""

    def __init__(self) -> None:
        self._slots: dict[str, ProfileSlot] = {}

    def add(self, slot: ProfileSlot) -> None:
        """Give a profile its address."""
        self._slots[slot.name] = slot

    def __iter__(self) -> Iterator[ProfileSlot]:
        return iter(tuple(self._slots.values()))

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, name: str) -> bool:
        return name in self._slots

    def __getitem__(self, name: str) -> ProfileSlot:
        """The slot of a profile.

        Raises:
            UnknownProfile: The gateway does not know the name.
        """
        slot = self._slots.get(name)
        if slot is None:
            raise UnknownProfile("no profile of this name is served", profile=name)
        return slot
