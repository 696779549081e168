"""The routes in force, and which of them a message takes. Immutable; pure functions.

A route matches when all that it declares holds. Of those that match, the most specific wins: what names the sender
comes before all that names places only, then thread, chat, guild, platform. Of equally specific ones the first that
was declared wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.routing.canonical_id import canonical_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hermes_trio.home.route_config import RouteConfig
    from hermes_trio.routing.source import MessageSource

#: Each weighs more than all that follow together: an equal score means the same fields.
WEIGHTS: Final[Mapping[str, int]] = MappingProxyType(
    {"user_id": 16, "thread_id": 8, "chat_id": 4, "guild_id": 2, "platform": 1}
)

#: Field -> the ids with which a message meets a route there: none, one, or several names of the same.
Offer = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class RouteResolution:
    """What the table says of a message.

    Attributes:
        route: The route it takes, or None.
        runtime_profile: Who answers: the route's profile, else the one whose bot received it.
    """

    route: RouteConfig | None
    runtime_profile: str


@dataclass(frozen=True, slots=True)
class RouteCandidate:
    """A route, held against a message.

    Attributes:
        route: The route.
        score: How specific it is: the sum of the `WEIGHTS` of what it declares.
        matches: Whether all that it declares holds.
        mismatches: What does not, for people: ``thread_id is 9, not 6``.
    """

    route: RouteConfig
    score: int
    matches: bool
    mismatches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A route as it is compared.

    Attributes:
        route: The route.
        rank: Its place in order of declaration.
        wanted: The fields it declares, each with its id in comparable form.
        score: How specific it is.
    """

    route: RouteConfig
    rank: int
    wanted: Mapping[str, str]
    score: int

    def mismatches(self, bot: str, offer: Offer) -> tuple[str, ...]:
        """The fields that keep a message to a profile's bot from taking this route; none when it matches."""
        failed = tuple(name for name, value in self.wanted.items() if value not in offer[name])
        return failed if self.route.bot_profile == bot else ("bot_profile", *failed)


@dataclass(frozen=True, slots=True)
class _Shape:
    """The routes of one bot that declare the same fields.

    Attributes:
        fields: These fields.
        first: What is wanted there -> the first such route.
    """

    fields: tuple[str, ...]
    first: Mapping[tuple[str, ...], _Entry]


def _no_shapes() -> Mapping[str, tuple[_Shape, ...]]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RouteTable:
    """All routes; made by `build_route_table`, empty without.

    Attributes:
        routes: Every route, the most specific first, equally specific ones in order of declaration.
        ties: Pairs of routes with the same conditions and different targets: the one that wins, and one that never
            does. Two chats are no tie, though one may turn out to be a thread of the other.
        entries: The routes as they are compared, in the same order.
        shapes: Bot -> its routes by what they declare, the most specific first.
    """

    routes: tuple[RouteConfig, ...] = ()
    ties: tuple[tuple[RouteConfig, RouteConfig], ...] = ()
    entries: tuple[_Entry, ...] = field(default=(), repr=False)
    shapes: Mapping[str, tuple[_Shape, ...]] = field(default_factory=_no_shapes, repr=False)

    def targets(self) -> frozenset[str]:
        """The profiles that messages are routed to."""
        return frozenset(route.profile for route in self.routes)


def build_route_table(routes: Iterable[RouteConfig]) -> RouteTable:
    """Make the table of some routes, given in order of declaration."""
    entries = tuple(sorted((_entry(rank, route) for rank, route in enumerate(routes)), key=lambda one: -one.score))
    by_bot: dict[str, dict[tuple[str, ...], dict[tuple[str, ...], _Entry]]] = {}
    ties: list[tuple[RouteConfig, RouteConfig]] = []
    for entry in entries:
        alike = by_bot.setdefault(entry.route.bot_profile, {}).setdefault(tuple(entry.wanted), {})
        first = alike.setdefault(tuple(entry.wanted.values()), entry)
        if first.route.profile != entry.route.profile:
            ties.append((first.route, entry.route))
    shapes = {
        bot: tuple(_Shape(fields, MappingProxyType(first)) for fields, first in by_fields.items())
        for bot, by_fields in by_bot.items()
    }
    return RouteTable(tuple(entry.route for entry in entries), tuple(ties), entries, MappingProxyType(shapes))


def resolve_route(table: RouteTable, transport_profile: str, source: MessageSource) -> RouteResolution:
    """Find the route that a message takes; microseconds, however many routes there are.

    Args:
        table: The routes.
        transport_profile: The profile whose bot received it.
        source: Where it comes from.
    """
    offer = _offer(source)
    for shape in table.shapes.get(transport_profile, ()):
        keys = product(*(offer[name] for name in shape.fields))
        found = [
            entry for key in keys if (entry := shape.first.get(key)) and not entry.mismatches(transport_profile, offer)
        ]
        if found:
            route = min(found, key=lambda entry: entry.rank).route
            return RouteResolution(route, route.profile)
    return RouteResolution(None, transport_profile)


def explain_candidates(table: RouteTable, transport_profile: str, source: MessageSource) -> tuple[RouteCandidate, ...]:
    """Hold every route against a message, the most specific first; of those that match, the first wins.

    Args:
        table: The routes.
        transport_profile: The profile whose bot received it.
        source: Where it comes from.
    """
    offer = _offer(source)
    found: list[RouteCandidate] = []
    for entry in table.entries:
        failed = entry.mismatches(transport_profile, offer)
        texts = tuple(_mismatch(name, entry.route, transport_profile, source) for name in failed)
        found.append(RouteCandidate(entry.route, entry.score, not failed, texts))
    return tuple(found)


def _entry(rank: int, route: RouteConfig) -> _Entry:
    declared = {name: value for name in WEIGHTS if (value := getattr(route, name)) is not None}
    if not route.platform:
        del declared["platform"]
    platform = route.platform.lower()
    wanted = {name: _comparable(name, platform, value) for name, value in declared.items()}
    return _Entry(route, rank, MappingProxyType(wanted), sum(WEIGHTS[name] for name in wanted))


def _offer(source: MessageSource) -> Offer:
    offered = {name: tuple(filter(None, values)) for name, values in _given(source).items()}
    platform = source.platform.lower()
    return {name: tuple(_comparable(name, platform, value) for value in values) for name, values in offered.items()}


def _given(source: MessageSource) -> Mapping[str, tuple[str | None, ...]]:
    """What a message says of each field. A thread with a chat id of its own is in its parent chat as well."""
    return {
        "user_id": (source.user_id, source.user_id_alt),
        "thread_id": (source.thread_id,),
        "chat_id": (source.chat_id, source.parent_chat_id),
        "guild_id": (source.guild_id,),
        "platform": (source.platform,),
    }


def _comparable(name: str, platform: str, value: str) -> str:
    if name == "platform":
        return value.lower()
    return canonical_id(platform, value) if name in ("user_id", "chat_id") else value


def _mismatch(name: str, route: RouteConfig, bot: str, source: MessageSource) -> str:
    given = (bot,) if name == "bot_profile" else _given(source)[name]
    found = " or ".join(dict.fromkeys(filter(None, given))) or "missing"
    return f"{name} is {found}, not {getattr(route, name)}"
