"""Random routes and messages whose ids meet often, and a second way to say which route wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from hermes_trio.home.route_config import RouteConfig
from hermes_trio.routing.source import MessageSource

if TYPE_CHECKING:
    from collections.abc import Iterable

BOTS = ("default", "coder")
TARGETS = ("default", "coder", "kids", "career")
IDS = ("1", "2", "-100")
ids = st.sampled_from(IDS)
maybe_ids = st.none() | ids
platforms = st.sampled_from(["telegram", "discord"])

routes = st.builds(
    RouteConfig,
    profile=st.sampled_from(TARGETS),
    platform=platforms | st.just(""),
    bot_profile=st.sampled_from(BOTS),
    user_id=maybe_ids,
    guild_id=maybe_ids,
    chat_id=maybe_ids,
    thread_id=maybe_ids,
)
tables = st.lists(routes, max_size=12)
sources = st.builds(
    MessageSource,
    platform=platforms,
    chat_id=maybe_ids,
    thread_id=maybe_ids,
    user_id=maybe_ids,
    user_id_alt=maybe_ids,
    parent_chat_id=maybe_ids,
    guild_id=maybe_ids,
)
bots = st.sampled_from(BOTS)


def holds(route: RouteConfig, bot: str, source: MessageSource) -> bool:
    """Whether a route matches, said field by field."""
    return (
        route.bot_profile == bot
        and (route.platform == "" or route.platform == source.platform)
        and (route.guild_id is None or route.guild_id == source.guild_id)
        and (route.thread_id is None or route.thread_id == source.thread_id)
        and (route.chat_id is None or source.chat_id == route.chat_id or source.parent_chat_id == route.chat_id)
        and (route.user_id is None or source.user_id == route.user_id or source.user_id_alt == route.user_id)
    )


def importance(route: RouteConfig) -> tuple[bool, ...]:
    """How specific a route is, as something that compares."""
    places = (route.thread_id, route.chat_id, route.guild_id)
    return (route.user_id is not None, *(place is not None for place in places), route.platform != "")


def winner(declared: Iterable[RouteConfig], bot: str, source: MessageSource) -> RouteConfig | None:
    """The route a message takes, by trying one after the other."""
    best: RouteConfig | None = None
    for route in declared:
        if holds(route, bot, source) and (best is None or importance(route) > importance(best)):
            best = route
    return best
