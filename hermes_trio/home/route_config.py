"""One route: which messages to a bot belong to which profile. Part of `GatewayConfig`."""

from __future__ import annotations

from dataclasses import dataclass

from hermes_trio.home.names import DEFAULT_PROFILE


@dataclass(frozen=True, slots=True)
class RouteConfig:
    """A rule that gives messages of one profile's bot to another profile. All that it declares must hold.

    Attributes:
        profile: Who answers.
        platform: The platform; empty for every one, which only `default_agent` says.
        bot_profile: The profile whose bot receives the message.
        user_id: Who wrote, or None for anybody.
        guild_id: The server, team or workspace, or None for any.
        chat_id: The chat, or the one that the thread belongs to; None for any.
        thread_id: The thread or topic, or None for any.
        name: What its author calls it.
        origin: Path of the setting, e.g. ``gateway.profile_routes[2]``.
    """

    profile: str
    platform: str
    bot_profile: str = DEFAULT_PROFILE
    user_id: str | None = None
    guild_id: str | None = None
    chat_id: str | None = None
    thread_id: str | None = None
    name: str = ""
    origin: str = ""
