"""Routes and the ways of messages, as people and other programs see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.routing.route_table import explain_candidates

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermes_trio.home.route_config import RouteConfig
    from hermes_trio.routing.decision import RouteDecision
    from hermes_trio.routing.route_table import RouteTable
    from hermes_trio.routing.source import MessageSource


class RouteView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A route, as people see it; a field that it does not declare is missing.

    Attributes:
        origin: Path of the setting it stands in.
    """

    profile: str
    origin: str
    name: str = ""
    platform: str = ""
    bot_profile: str = DEFAULT_PROFILE
    user_id: str | None = None
    guild_id: str | None = None
    chat_id: str | None = None
    thread_id: str | None = None


class CandidateView(msgspec.Struct, frozen=True):
    """A route held against a message.

    Attributes:
        route: The route.
        score: How specific it is.
        matches: Whether all that it declares holds.
        mismatches: What does not.
    """

    route: RouteView
    score: int
    matches: bool
    mismatches: tuple[str, ...]


class AccessView(msgspec.Struct, frozen=True):
    """Whether the bot listens to who wrote.

    Attributes:
        allowed: Whether it does; None when the profile does not serve, and so nobody can say.
        reason: Stable code.
        text: The same for people.
    """

    allowed: bool | None
    reason: str
    text: str


class RouteState(msgspec.Struct, frozen=True):
    """A route in force.

    Attributes:
        route: The route.
        score: How specific it is.
        unavailable: Why its profile cannot be had now, as a stable code; None when it can.
    """

    route: RouteView
    score: int
    unavailable: str | None


class RoutesReport(msgspec.Struct, frozen=True):
    """All routes in force.

    Attributes:
        routes: The most specific first.
        holds: Whether messages for a profile that cannot be had wait for it.
    """

    routes: tuple[RouteState, ...]
    holds: bool


class Explanation(msgspec.Struct, frozen=True):
    """All about the way of one message.

    Attributes:
        transport_profile: The profile whose bot receives it; it authorizes, and its bot answers.
        runtime_profile: The profile that answers; None when none does.
        target: The profile that is meant.
        winner: The route it takes, or None.
        reason: Why nobody answers, as a stable code; None when somebody does.
        outcome: ``taken``, ``held``, ``dropped``, or ``refused``: the bot does not listen to who writes.
        candidates: All routes, the most specific first.
        access: Whether who wrote may.
        session_key: The conversation it belongs to; empty when nobody answers.
        hook_decides: Whether a hook is asked before the routes, or was, for a message that has come.
        at: When the message came, seconds since the epoch; None for one that is only imagined.
    """

    transport_profile: str
    runtime_profile: str | None
    target: str
    winner: RouteView | None
    reason: str | None
    outcome: str
    candidates: tuple[CandidateView, ...]
    access: AccessView
    session_key: str
    hook_decides: bool
    at: float | None = None


def report_routes(table: RouteTable, unavailable: Callable[[str], str | None], *, holds: bool) -> RoutesReport:
    """Describe the routes in force. Pure.

    Args:
        table: The routes.
        unavailable: Says why a profile cannot be had; None when it can.
        holds: Whether messages for such a profile wait for it.
    """
    states = (RouteState(route_view(one.route), one.score, unavailable(one.route.profile)) for one in table.entries)
    return RoutesReport(tuple(states), holds)


def describe_decision(
    table: RouteTable,
    source: MessageSource,
    decision: RouteDecision,
    *,
    holds: bool,
    access: AccessView,
    session_key: str,
    hook_decides: bool,
    at: float | None = None,
) -> Explanation:
    """Put together all about the way of a message. Pure; see `Explanation`.

    Args:
        table: The routes.
        source: Where it comes from.
        decision: What was decided.
        holds: Whether messages for a profile that cannot be had wait for it.
        access: Whether who wrote may.
        session_key: The conversation, or empty.
        hook_decides: Whether a hook is asked before the routes.
        at: When the message came; None for one that is only imagined.
    """
    is_held = decision.route is not None and (decision.is_transient or holds)
    outcome = "taken" if decision.runtime_profile is not None else "held" if is_held else "dropped"
    if at is None and access.allowed is False:
        outcome = "refused"
    return Explanation(
        transport_profile=decision.transport_profile,
        runtime_profile=decision.runtime_profile,
        target=decision.target,
        winner=None if decision.route is None else route_view(decision.route),
        reason=decision.reason,
        outcome=outcome,
        candidates=tuple(
            CandidateView(route_view(one.route), one.score, one.matches, one.mismatches)
            for one in explain_candidates(table, decision.transport_profile, source)
        ),
        access=access,
        # Over HTTP a client names its session, or has one that follows from what it says first.
        session_key="" if source.platform == "api_server" else str(session_key),
        hook_decides=hook_decides,
        at=at,
    )


def route_view(route: RouteConfig) -> RouteView:
    """A route, as people see it."""
    return RouteView(
        profile=route.profile,
        origin=route.origin,
        name=route.name,
        platform=route.platform,
        bot_profile=route.bot_profile,
        user_id=route.user_id,
        guild_id=route.guild_id,
        chat_id=route.chat_id,
        thread_id=route.thread_id,
    )
