"""The address of one adapter within a generation of its profile: how it is doing, and how to reach it."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import trio

from hermes_trio.adapter_api.capabilities import Capabilities

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermes_trio.adapter_api.adapter import Adapter, BotIdentity
    from hermes_trio.home.platform_config import PlatformConfig
    from hermes_trio.io.clock import Clock

PLAIN = Capabilities(text_limit=4000, numbers_parts=False)
"""What is assumed of a platform whose adapter could not be made: the answer is kept for it as plain text."""


class AdapterState(enum.StrEnum):
    """Where an adapter is in its life."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    RETRYING = "retrying"
    """Lost its platform, or never reached it; tries again at ``next_retry``, or does so now if that is None."""
    PARKED = "parked"
    """Its credential is missing, refused or held by somebody else; somebody has to mend that."""
    PAUSED = "paused"
    """Somebody does not want it now."""
    STOPPED = "stopped"


class AdapterSlot:
    """One adapter's place in its profile.

    Attributes:
        profile: Whose bot it is.
        config: The platform's settings.
        state: Where the adapter is in its life.
        reason: Stable code that explains the state, or None.
        detail: One line for people that explains the state, or None.
        since: Wall time since which it is in this state.
        next_retry: Wall time of the next try, or None.
        bot: Who the bot is, as soon as it has connected once.
        capabilities: What the platform can do.
        received: Messages that came in.
        sent: Messages that went out.
    """

    def __init__(self, profile: str, config: PlatformConfig, clock: Clock, changed: Callable[[], None]) -> None:
        self.profile = profile
        self.config = config
        self.state = AdapterState.CONNECTING
        self.reason: str | None = None
        self.detail: str | None = None
        self.since = clock.now()
        self.next_retry: float | None = None
        self.bot: BotIdentity | None = None
        self.capabilities = PLAIN
        self.received = 0
        self.sent = 0
        self._adapter: Adapter | None = None
        self._clock = clock
        self._changed = changed
        self._change = trio.Event()

    @property
    def platform(self) -> str:
        """The platform's name."""
        return self.config.name

    @property
    def transport(self) -> tuple[str, str]:
        """Whose adapter it is: transport profile and platform."""
        return self.profile, self.platform

    @property
    def adapter(self) -> Adapter | None:
        """The adapter while it can be used, else None."""
        return self._adapter

    def enter(
        self,
        state: AdapterState,
        reason: str | None = None,
        detail: str | None = None,
        *,
        retry_in: float | None = None,
        adapter: Adapter | None = None,
    ) -> None:
        """Record a change of state.

        Args:
            state: The new state.
            reason: Stable code that explains it.
            detail: One line for people.
            retry_in: Seconds until the next try.
            adapter: The adapter, in the states in which it can be used.
        """
        now = self._clock.now()
        if state is not self.state:
            self.since = now
        self.state, self.reason, self.detail = state, reason, detail
        self.next_retry = None if retry_in is None else now + retry_in
        self._adapter = adapter
        self._announce()

    def begin_try(self) -> None:
        """The adapter is about to connect; one that is in trouble stays so until it has."""
        if self.state in (AdapterState.RETRYING, AdapterState.PARKED):
            self.next_retry = None
            self._announce()
        else:
            self.enter(AdapterState.CONNECTING)

    def lose_adapter(self) -> None:
        """The adapter cannot be used any more; what that means for its state is yet to be seen."""
        if self._adapter is not None:
            self.enter(AdapterState.CONNECTING)

    async def connected(self) -> Adapter:
        """Wait until the adapter can be used; give it a deadline or an owner who cancels it."""
        while self._adapter is None:
            await self._change.wait()
        return self._adapter

    async def settled(self) -> None:
        """Wait until the adapter is connected, or has said why it is not."""
        while self.state is AdapterState.CONNECTING:
            await self._change.wait()

    def _announce(self) -> None:
        change, self._change = self._change, trio.Event()
        change.set()
        self._changed()
