"""Which profile answers what a bot receives: the routes in force, and whether their targets can be had."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.gateway.states import ProfileState
from hermes_trio.routing.decision import RouteDecision, decide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import trio

    from hermes_trio.gateway.chats import Chats
    from hermes_trio.gateway.runtime import ProfileRuntime
    from hermes_trio.gateway.table import ProfileTable
    from hermes_trio.routing.route_table import RouteTable
    from hermes_trio.routing.source import MessageSource

REMEMBERED: Final = 1000
"""Messages whose way can be explained by their id."""

_UNAVAILABLE: Final[Mapping[ProfileState, str]] = {
    ProfileState.STARTING: "route_target_starting",
    ProfileState.DRAINING: "route_target_draining",
    ProfileState.BACKOFF: "route_target_backoff",
    ProfileState.QUARANTINED: "route_target_quarantined",
    ProfileState.PARKED: "route_target_parked",
    ProfileState.FAILED: "route_target_failed",
    ProfileState.STOPPED: "route_target_stopped",
}


@dataclass(frozen=True, slots=True)
class Routed:
    """What has been decided of one message.

    Attributes:
        message_id: The platform's id of the message.
        source: Where it came from.
        decision: Who answers it, or why nobody does.
        chosen_by_hook: Whether a hook decided.
        at: Wall time, seconds since the epoch.
    """

    message_id: str
    source: MessageSource
    decision: RouteDecision
    chosen_by_hook: bool
    at: float


class Router:
    """Decides for the bots of all profiles; one per gateway.

    Args:
        profiles: The profiles of the gateway.
        known: Every profile of the home, served or not.
        routes: The routes of the default profile's settings.
        holds: Whether messages for a profile that cannot be had wait for it.
        changes: The event that the next change of any profile sets.

    Attributes:
        routes: The routes in force; replaced as a whole.
        holds: See above; replaced together with the routes.
        recent: What was decided last, oldest first.
    """

    def __init__(
        self,
        profiles: ProfileTable,
        known: frozenset[str],
        routes: RouteTable,
        *,
        holds: bool,
        changes: Callable[[], trio.Event],
    ) -> None:
        self.profiles = profiles
        self.routes = routes
        self.holds = holds
        self.changes = changes
        self.recent: deque[Routed] = deque(maxlen=REMEMBERED)
        self._known = known

    def decide(self, transport_profile: str, source: MessageSource, *, chosen: str | None = None) -> RouteDecision:
        """Decide which profile answers a message; what it comes to is the same for ingress and for explanations.

        Args:
            transport_profile: The profile whose bot received it.
            source: Where it comes from.
            chosen: The profile that a hook has chosen, or None.
        """
        return decide(self.routes, transport_profile, source, self.unavailable, chosen=chosen)

    def unavailable(self, profile: str) -> str | None:
        """Why a profile cannot answer now, as a stable code; None when it can."""
        if profile not in self.profiles:
            return "route_target_not_served" if profile in self._known else "route_target_unknown"
        slot = self.profiles[profile]
        if slot.state.serves:
            return None if slot.runtime is not None and slot.runtime.accepting else "route_target_draining"
        return _UNAVAILABLE[slot.state]

    def is_target(self, profile: str) -> bool:
        """Whether a route leads to this profile."""
        return profile in self.routes.targets()

    def chats_of(self, profile: str) -> Chats | None:
        """The conversations of a profile that serves, if they have begun."""
        runtime = self.runtime_of(profile)
        return None if runtime is None else runtime.chats

    def runtime_of(self, profile: str) -> ProfileRuntime | None:
        """The generation of a profile that serves now, or None."""
        return self.profiles[profile].runtime if profile in self.profiles else None

    def all_chats(self) -> tuple[Chats, ...]:
        """The conversations of all profiles that serve."""
        return tuple(chats for slot in self.profiles if (chats := self.chats_of(slot.name)) is not None)
