"""Decodes who may talk to a profile on one platform, and when its bot listens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.home.platform_config import AccessConfig

if TYPE_CHECKING:
    from hermes_trio.home.platform_reader import PlatformReader
    from hermes_trio.home.section import Section
    from hermes_trio.home.variables import Variables

_DM_POLICIES: Final = ("open", "pairing", "allowlist", "disabled")
_GROUP_POLICIES: Final = ("open", "allowlist", "disabled")
_BEHAVIOURS: Final = ("pair", "ignore")
#: A bare "yes" does not say what is meant, and nobody is let in by it.
_NO_WORD: Final = "yes"


def decode_access(reader: PlatformReader, variables: Variables, gateway: Section) -> AccessConfig:
    """Decode who may talk to the bot on one platform.

    A policy that nobody knows is taken for ``allowlist``: a mistake must not let anybody in.

    Args:
        reader: The platform.
        variables: ``GATEWAY_ALLOWED_USERS`` and ``GATEWAY_ALLOW_ALL_USERS`` hold for all platforms.
        gateway: The section that says ``unauthorized_dm_behavior`` for all platforms.
    """
    everywhere = frozenset(variables.texts("GATEWAY_ALLOWED_USERS", "gateway.allowed_users"))
    own = reader.ids(("allow_from", "allowed_users"), ("ALLOWED_USERS",))
    in_groups = reader.ids(("group_allow_from", "group_allowed_users"), ("GROUP_ALLOWED_USERS",))
    dm_policy = reader.word(
        ("dm_policy",), ("DM_POLICY",), _DM_POLICIES, yes=_NO_WORD, no="disabled", otherwise="allowlist"
    )
    any_list = bool(own or in_groups or everywhere)
    return AccessConfig(
        allowed_users=own | everywhere,
        allow_all_users=_allows_all(reader, variables, listed=any_list or dm_policy == "allowlist"),
        group_allowed_users=in_groups,
        group_allowed_chats=reader.ids(("group_allowed_chats",), ("GROUP_ALLOWED_CHATS",)),
        any_list=any_list,
        allowed_roles=reader.ids(("allowed_roles",), ("ALLOWED_ROLES",)),
        allow_bots=_allow_bots(reader),
        dm_policy=dm_policy,
        group_policy=reader.word(
            ("group_policy",), ("GROUP_POLICY",), _GROUP_POLICIES, yes=_NO_WORD, no="disabled", otherwise="allowlist"
        ),
        unauthorized_dm_behavior=_stranger(reader, gateway, dm_policy, any_list=any_list),
        admins=reader.ids(("allow_admin_from",)),
        group_admins=reader.ids(("group_allow_admin_from",)),
        user_commands=_commands(reader, "user_allowed_commands"),
        group_user_commands=_commands(reader, "group_user_allowed_commands"),
        allowed_chats=reader.ids(
            ("allowed_chats", "allowed_channels", "allowed_rooms"),
            ("ALLOWED_CHATS", "ALLOWED_CHANNELS", "ALLOWED_ROOMS"),
        ),
        allowed_topics=reader.ids(("allowed_topics",), ("ALLOWED_TOPICS",)),
        ignored_chats=reader.ids(("ignored_chats", "ignored_channels"), ("IGNORED_CHATS", "IGNORED_CHANNELS")),
        ignored_threads=reader.ids(("ignored_threads",), ("IGNORED_THREADS",)),
        free_response_chats=reader.ids(
            ("free_response_chats", "free_response_channels", "free_response_rooms"),
            ("FREE_RESPONSE_CHATS", "FREE_RESPONSE_CHANNELS", "FREE_RESPONSE_ROOMS"),
        ),
        free_response_topics=reader.ids(("free_response_topics",), ("FREE_RESPONSE_TOPICS",)),
        require_mention=reader.switch(("require_mention",), ("REQUIRE_MENTION",)),
        mention_patterns=reader.patterns(("mention_patterns",), ("MENTION_PATTERNS",)),
        exclusive_bot_mentions=_is_on(reader, "exclusive_bot_mentions"),
        guest_mode=_is_on(reader, "guest_mode"),
        observe_unmentioned=_is_on(reader, "observe_unmentioned_group_messages"),
    )


def _allows_all(reader: PlatformReader, variables: Variables, *, listed: bool) -> bool:
    """The profile's own switch for all platforms counts only where there is no list."""
    everywhere = variables.boolean("GATEWAY_ALLOW_ALL_USERS", "gateway.allow_all_users")
    return _is_on(reader, "allow_all_users") or (bool(everywhere) and not listed)


def _allow_bots(reader: PlatformReader) -> str:
    allowed = ("none", "mentions", "all")
    return (
        reader.word(("allow_bots",), ("ALLOW_BOTS",), allowed, yes=_NO_WORD, no="none", otherwise="none")
        or AccessConfig().allow_bots
    )


def _stranger(reader: PlatformReader, gateway: Section, dm_policy: str, *, any_list: bool) -> str:
    key = "unauthorized_dm_behavior"
    own = reader.word((key,), ("UNAUTHORIZED_DM_BEHAVIOR",), _BEHAVIOURS, yes="pair", no="ignore", otherwise="ignore")
    if own:
        return own
    if reader.name == "email":
        return "ignore"
    everywhere = decode_stranger(gateway)
    if everywhere:
        return everywhere
    if dm_policy == "pairing":
        return "pair"
    return "ignore" if any_list or dm_policy in ("allowlist", "disabled") else "pair"


def decode_stranger(section: Section) -> str:
    """Decode ``unauthorized_dm_behavior`` of the profile: ``pair``, ``ignore``, or empty where it says nothing."""
    key = "unauthorized_dm_behavior"
    value = section.values.get(key)
    word = ("pair" if value else "ignore") if isinstance(value, bool) else section.text(key).strip().lower()
    return word if word in _BEHAVIOURS or not word else "ignore"


def _commands(reader: PlatformReader, key: str) -> frozenset[str]:
    return frozenset(name.removeprefix("/").lower() for name in reader.ids((key,)))


def _is_on(reader: PlatformReader, key: str) -> bool:
    return bool(reader.switch((key,), (key.upper(),)))
