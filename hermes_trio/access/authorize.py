"""Who may talk to a profile's bot: the one function that decides it, asked at every seam.

A first message, one that comes while a turn runs, a command, a press of a button, a voice message, a conversation
taken up after a restart: all ask here, with the scope of the *transport* profile, whose bot it is. What another profile
allows counts nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from hermes_trio.access.approvals import NOBODY, ApprovedUsers, load_approvals
from hermes_trio.access.decision import Decision, Reason
from hermes_trio.access.identity import clean_id, is_chat_listed, is_direct, is_listed
from hermes_trio.home.platform_config import AccessConfig

if TYPE_CHECKING:
    from hermes_trio.home.config import ProfileConfig
    from hermes_trio.routing.source import MessageSource
    from hermes_trio.scope import ProfileScope

#: Their messages are authenticated on the way in: by a key, a signature, a token, or the relay that sends them.
TRUSTED_PLATFORMS: Final = frozenset({"api_server", "homeassistant", "webhook", "relay"})
_BOTS_WELCOME: Final = frozenset({"mentions", "all"})
_ALLOWLIST: Final = "allowlist"
_USUAL: Final = AccessConfig()


class WhoseRules(Protocol):
    """The transport profile of a decision: its scope, or its settings where none is open."""

    @property
    def name(self) -> str:
        """The profile's name."""
        ...

    @property
    def config(self) -> ProfileConfig:
        """Its settings."""
        ...


def access_config(scope: WhoseRules, platform: str) -> AccessConfig:
    """The profile's rules for a platform; those of an unknown platform let nobody in."""
    settings = scope.config.platforms.get(platform)
    return _USUAL if settings is None else settings.access


def has_list(access: AccessConfig) -> bool:
    """Whether the profile says anywhere who may talk to its bot on this platform."""
    return access.any_list or bool(access.allowed_users or access.group_allowed_users)


async def check_access(scope: ProfileScope, source: MessageSource, *, adapter_decides: bool = False) -> Decision:
    """Decide with the pairing approvals as they are on disk now; a look at the disk is trusted for a second.

    Args:
        scope: The transport profile, whose bot received the message.
        source: Where it comes from.
        adapter_decides: See `authorize`.
    """
    approved = await load_approvals(scope, source.platform)
    return authorize(scope, source, approved, adapter_decides=adapter_decides)


def authorize(
    scope: WhoseRules,
    source: MessageSource,
    approved: ApprovedUsers = NOBODY,
    *,
    adapter_decides: bool = False,
) -> Decision:
    """Decide whether a message may reach a profile; the first rule that decides counts. Pure.

    Args:
        scope: The transport profile, whose bot received the message.
        source: Where it comes from.
        approved: Whom this profile has approved by pairing on this platform.
        adapter_decides: Whether this platform's adapter keeps its own list and has turned away who is not on it.
    """
    access = access_config(scope, source.platform)
    found = _without_person(source, access)
    if found is None:
        user = clean_id(source.user_id)
        found = _by_person(source, user, access, approved) if user else Reason.NO_USER_ID
    if found is None:
        found = _by_lists(source, access, adapter_decides=adapter_decides)
    return Decision(found not in _REFUSALS, found, _explain(scope, source, found))


def _without_person(source: MessageSource, access: AccessConfig) -> Reason | None:
    if source.platform in TRUSTED_PLATFORMS:
        return Reason.PLATFORM_TRUSTED
    if not is_direct(source) and is_chat_listed(source, access.group_allowed_chats):
        return Reason.GROUP_CHAT_ALLOWED
    if source.is_bot:
        return Reason.BOT_ALLOWED if access.allow_bots in _BOTS_WELCOME else Reason.BOT_NOT_ALLOWED
    return None


def _by_person(source: MessageSource, user: str, access: AccessConfig, approved: ApprovedUsers) -> Reason | None:
    if access.allow_all_users:
        return Reason.ALLOW_ALL
    if any(clean_id(role) in access.allowed_roles for role in source.roles if clean_id(role)):
        return Reason.ROLE
    return Reason.PAIRED if user in approved.users else None


def _by_lists(source: MessageSource, access: AccessConfig, *, adapter_decides: bool) -> Reason:
    if is_listed(source.user_id, access.allowed_users):
        return Reason.ALLOWLIST
    if not is_direct(source) and is_listed(source.user_id, access.group_allowed_users):
        return Reason.ALLOWLIST
    if has_list(access):
        return Reason.NOT_ON_LIST
    policy = access.dm_policy if is_direct(source) else access.group_policy
    return Reason.ADAPTER_POLICY if adapter_decides and policy == _ALLOWLIST else Reason.NO_LIST


_REFUSALS: Final = frozenset({Reason.BOT_NOT_ALLOWED, Reason.NO_USER_ID, Reason.NOT_ON_LIST, Reason.NO_LIST})


def _explain(scope: WhoseRules, source: MessageSource, reason: Reason) -> str:
    prefix = source.platform.upper()
    who = f"user {clean_id(source.user_id)}"
    remedy = f"{prefix}_ALLOWED_USERS or a pairing lets people in"
    texts = {
        Reason.PLATFORM_TRUSTED: f"{source.platform} authenticates its messages itself",
        Reason.GROUP_CHAT_ALLOWED: f"everybody in chat {clean_id(source.chat_id)} may",
        Reason.BOT_ALLOWED: f"{prefix}_ALLOW_BOTS lets other bots in",
        Reason.BOT_NOT_ALLOWED: f"the sender is a bot, and {prefix}_ALLOW_BOTS does not let bots in",
        Reason.NO_USER_ID: "the message does not say who wrote it",
        Reason.ALLOW_ALL: "everybody may",
        Reason.ROLE: f"{who} has a role that may",
        Reason.PAIRED: f"{who} is paired",
        Reason.ADAPTER_POLICY: f"the {source.platform} adapter keeps the list and let {who} in",
        Reason.ALLOWLIST: f"{who} is on a list",
        Reason.NOT_ON_LIST: f"{who} is neither on a list nor paired; {remedy}",
        Reason.NO_LIST: f"{who} is not paired, and there is no list; {remedy}",
    }
    return f"profile '{scope.name}': {texts[reason]}"
