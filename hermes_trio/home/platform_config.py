"""The settings of one chat platform of one profile; part of `ProfileConfig`."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def _nothing() -> Mapping[str, object]:
    return MappingProxyType({})


def _no_texts() -> Mapping[str, str]:
    return MappingProxyType({})


def _no_overrides() -> Mapping[str, ChannelOverride]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class HomeChannel:
    """Where a profile sends what nobody asked for, e.g. results of jobs."""

    chat_id: str
    thread_id: str | None = None
    name: str = "Home"


@dataclass(frozen=True, slots=True)
class ChannelOverride:
    """What is different in one chat; empty for no difference."""

    model: str = ""
    provider: str = ""
    system_prompt: str = ""


@dataclass(frozen=True, slots=True)
class AccessConfig:
    """Who may talk to the profile's bot on one platform, and when it listens; ids are text, ``*`` is everybody.

    Attributes:
        allowed_users: People who may.
        allow_all_users: Whether everybody may.
        group_allowed_users: People who may in groups only.
        group_allowed_chats: Chats in which everybody may.
        any_list: Whether any list of people is set at all, here or for all platforms.
        allowed_roles: Roles whose people may, where the platform has roles.
        allow_bots: ``none``, ``mentions`` or ``all``: whether other bots are listened to.
        dm_policy: The platform's own rule for direct messages, or empty: ``open``, ``pairing``, ``allowlist``,
            ``disabled``.
        group_policy: Likewise for groups: ``open``, ``allowlist``, ``disabled``.
        unauthorized_dm_behavior: What a stranger's direct message leads to: ``pair`` or ``ignore``. Decoded settings
            always say it, with the profile's own and the lists considered; empty for the usual.
        admins: People who may use every command; empty for all who may talk.
        group_admins: Likewise in groups.
        user_commands: Commands that others may use.
        group_user_commands: Likewise in groups.
        allowed_chats: The only groups that are listened to; empty for all.
        allowed_topics: The only topics that are listened to; empty for all.
        ignored_chats: Chats that are never listened to.
        ignored_threads: Threads that are never listened to.
        free_response_chats: Groups in which no mention is needed.
        free_response_topics: Topics in which no mention is needed.
        require_mention: Whether groups need a mention; None for the platform's usual.
        mention_patterns: Regular expressions that count as a mention.
        exclusive_bot_mentions: Whether a message that mentions another bot is left to it.
        guest_mode: Whether a mention opens groups that are not allowed.
        observe_unmentioned: Whether what is not meant for the bot is kept as context.
    """

    allowed_users: frozenset[str] = frozenset()
    allow_all_users: bool = False
    group_allowed_users: frozenset[str] = frozenset()
    group_allowed_chats: frozenset[str] = frozenset()
    any_list: bool = False
    allowed_roles: frozenset[str] = frozenset()
    allow_bots: str = "none"
    dm_policy: str = ""
    group_policy: str = ""
    unauthorized_dm_behavior: str = ""
    admins: frozenset[str] = frozenset()
    group_admins: frozenset[str] = frozenset()
    user_commands: frozenset[str] = frozenset()
    group_user_commands: frozenset[str] = frozenset()
    allowed_chats: frozenset[str] = frozenset()
    allowed_topics: frozenset[str] = frozenset()
    ignored_chats: frozenset[str] = frozenset()
    ignored_threads: frozenset[str] = frozenset()
    free_response_chats: frozenset[str] = frozenset()
    free_response_topics: frozenset[str] = frozenset()
    require_mention: bool | None = None
    mention_patterns: tuple[str, ...] = ()
    exclusive_bot_mentions: bool = False
    guest_mode: bool = False
    observe_unmentioned: bool = False


@dataclass(frozen=True, slots=True)
class PlatformConfig:
    """One platform of one profile.

    Attributes:
        name: The platform's name, e.g. ``telegram``.
        enabled: Whether it is used: switched on, or a credential is there, and nothing switches it off.
        switched_off: Whether the user explicitly switched it off.
        has_credential: Whether there is a credential at all, be it a token or a whole set of variables.
        token: The bot's token, or empty.
        api_key: Another credential, or empty.
        home_channel: Where to send what nobody asked for, or None.
        reply_to_mode: Which parts of an answer quote the question: ``off``, ``first`` or ``all``.
        gateway_restart_notification: Whether chats are told of a restart.
        typing_indicator: Whether it is shown that the agent works.
        typing_status_text: Text for platforms that show one.
        channel_overrides: Chat -> what is different there.
        channel_prompts: Chat -> text for the prompt there.
        access: Who may talk to the bot.
        extra: The platform's other settings, from every place they may stand in: a variable ``TELEGRAM_PROXY`` is
            ``proxy`` (as text) and wins over a ``proxy`` of the settings. May hold secrets.
        variables: The platform's own variables of the profile's ``.env``, by whole name; may hold secrets.
    """

    name: str
    enabled: bool = False
    switched_off: bool = False
    has_credential: bool = False
    token: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    home_channel: HomeChannel | None = None
    reply_to_mode: str = "first"
    gateway_restart_notification: bool = True
    typing_indicator: bool = True
    typing_status_text: str = ""
    channel_overrides: Mapping[str, ChannelOverride] = field(default_factory=_no_overrides)
    channel_prompts: Mapping[str, str] = field(default_factory=_no_texts)
    access: AccessConfig = AccessConfig()
    extra: Mapping[str, object] = field(default_factory=_nothing, repr=False)
    variables: Mapping[str, str] = field(default_factory=_no_texts, repr=False)
