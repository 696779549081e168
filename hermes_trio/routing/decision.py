"""Which profile answers a message, or why none does; and whether a profile may send to a chat. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from hermes_trio.routing.canonical_id import canonical_id
from hermes_trio.routing.route_table import resolve_route
from hermes_trio.routing.source import MessageSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermes_trio.home.route_config import RouteConfig
    from hermes_trio.routing.route_table import RouteTable

#: Reasons that pass by themselves within moments, so that a message may wait for it.
TRANSIENT_REASONS: Final = frozenset({"route_target_starting", "route_target_draining", "route_target_backoff"})


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """What becomes of a message.

    Attributes:
        transport_profile: The profile whose bot received it; it authorizes, and its bot answers.
        runtime_profile: The profile that answers; None when the message is not taken.
        route: The route it took, whether its target is there or not; None without one.
        reason: Why the message is not taken, e.g. ``route_target_parked``; None when it is.
        is_transient: Whether the reason passes by itself within moments.
        target: The profile that is meant, whether it is there or not.
    """

    transport_profile: str
    runtime_profile: str | None
    route: RouteConfig | None = None
    reason: str | None = None
    is_transient: bool = False
    target: str = ""


def decide(
    table: RouteTable,
    transport_profile: str,
    source: MessageSource,
    availability: Callable[[str], str | None],
    *,
    chosen: str | None = None,
) -> RouteDecision:
    """Decide which profile answers a message.

    Once somebody else than the bot's own profile is meant, nobody else answers: a message for a profile that is not
    there is not taken. The bot's own profile is there, or the message had not come here.

    Args:
        table: The routes.
        transport_profile: The profile whose bot received it.
        source: Where it comes from.
        availability: Says why a profile cannot answer, as a stable code; None when it can.
        chosen: The profile that a hook has chosen before the routes are asked; None when it has not.
    """
    route = None if chosen is not None else resolve_route(table, transport_profile, source).route
    target = chosen if chosen is not None else route.profile if route is not None else transport_profile
    reason = None if target == transport_profile else availability(target)
    if reason is None:
        return RouteDecision(transport_profile, target, route, target=target)
    return RouteDecision(transport_profile, None, route, reason, reason in TRANSIENT_REASONS, target)


def covers(
    table: RouteTable,
    bot_profile: str,
    runtime_profile: str,
    platform: str,
    chat_id: str,
    thread_id: str | None,
    *,
    parent_chat_id: str | None = None,
    guild_id: str | None = None,
) -> bool:
    """Tell whether a profile may send to a chat, unasked, through a profile's bot.

    It may where it would answer: where a message without a known sender goes to it. In a direct chat whose id is its
    owner's (Telegram, WhatsApp, Signal, SMS, email) the owner is the sender. Besides, it may where a route of its own
    names this very chat together with a sender; then several profiles share the chat. A route by sender alone opens no
    other chats: who else reads there is not known. Where a route names the guild or the parent chat, these must be
    given, else it does not match.

    Args:
        table: The routes.
        bot_profile: The profile whose bot would send.
        runtime_profile: The profile that wants to send; may be the same.
        platform: The platform.
        chat_id: The chat.
        thread_id: The thread or topic, or None.
        parent_chat_id: The chat that the thread belongs to, where threads have chat ids of their own.
        guild_id: The server, team or workspace.
    """
    place = MessageSource(
        platform=platform,
        chat_id=chat_id,
        thread_id=_topic(table, bot_profile, platform, chat_id, thread_id),
        # A group that writes in its own name, as Telegram's anonymous admins do, is no person.
        user_id=None if chat_id.startswith("-") else chat_id,
        parent_chat_id=parent_chat_id,
        guild_id=guild_id,
    )
    senders = {
        route.user_id
        for route in table.routes
        if route.profile == runtime_profile and route.user_id and _names_chat(route, place)
    }
    sources = (place, *(replace(place, user_id=sender) for sender in senders))
    return any(resolve_route(table, bot_profile, source).runtime_profile == runtime_profile for source in sources)


def _names_chat(route: RouteConfig, place: MessageSource) -> bool:
    platform = place.platform.lower()
    chats = {canonical_id(platform, chat) for chat in (place.chat_id, place.parent_chat_id) if chat}
    return route.chat_id is not None and canonical_id(platform, route.chat_id) in chats


_TELEGRAM: Final = "telegram"
_GENERAL_TOPIC: Final = "1"


def _topic(table: RouteTable, bot: str, platform: str, chat_id: str, thread_id: str | None) -> str | None:
    """The topic in which a message will stand: one to a Telegram forum without a topic ends up in General.

    Whether a chat is a forum is not known here, but who has written a route for its topic 1 says so.
    """
    if thread_id is not None or platform.lower() != _TELEGRAM:
        return thread_id
    is_forum = any(
        (route.bot_profile, route.platform, route.chat_id, route.thread_id) == (bot, _TELEGRAM, chat_id, _GENERAL_TOPIC)
        for route in table.routes
    )
    return _GENERAL_TOPIC if is_forum else None
