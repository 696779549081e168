"""Through whose bot a profile may speak in a place where nobody has just spoken to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.routing.decision import covers

if TYPE_CHECKING:
    from hermes_trio.gateway.router import Router
    from hermes_trio.gateway.senders import Senders
    from hermes_trio.routing.source import MessageSource
    from hermes_trio.scope import ProfileScope


def find_transport(
    router: Router, senders: Senders, scope: ProfileScope, source: MessageSource, known: str = ""
) -> str | None:
    """The profile whose bot may send there for a profile: its own, or one whose routes lead to it from there.

    A profile without a bot of its own on a platform, a satellite, speaks through the bot that owns its routes, and only
    in chats that are routed to it. Its own bot does not speak in chats that are routed to another profile.

    Args:
        router: The routes.
        senders: The bots of all profiles.
        scope: The runtime profile, which wants to speak.
        source: The place.
        known: The profile whose bot is known to have received the conversation, with who wrote there; tried first.

    Returns:
        The transport profile, or None when there is no such bot.
    """
    is_there = bool(known) and senders.slot(known, source.platform) is not None
    # A route by sender leads here from the place as long as that person writes there.
    if is_there and router.decide(known, source).target == scope.name:
        return known
    others = dict.fromkeys(route.bot_profile for route in router.routes.routes if route.profile == scope.name)
    for bot in dict.fromkeys((scope.name, *others)):
        if senders.slot(bot, source.platform) is not None and may_speak_through(router, bot, scope, source):
            return bot
    return None


def may_speak_through(router: Router, bot: str, scope: ProfileScope, source: MessageSource) -> bool:
    """Whether a profile may speak in a place through a profile's bot, which need not be there; see `covers`."""
    return covers(
        router.routes,
        bot,
        scope.name,
        source.platform,
        source.chat_id or source.user_id or "",
        source.thread_id,
        parent_chat_id=source.parent_chat_id,
        guild_id=source.guild_id,
    )
