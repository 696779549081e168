"""Whether a bot answers a message in a group, keeps it as context, or lets it pass. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.access.identity import EVERYBODY, clean_id, is_chat_listed, is_direct
from hermes_trio.io.expressions import LONGEST_PATTERN, BadExpression, Pattern, compile_re2

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from hermes_trio.adapter_api.messages import InboundMessage
    from hermes_trio.home.platform_config import AccessConfig
    from hermes_trio.routing.source import MessageSource

GENERAL_TOPIC: Final = "1"
"""What does not say its topic is in this one."""
_DISABLED: Final = "disabled"
_MENTIONS: Final = "mentions"


class Verdict(enum.StrEnum):
    """What becomes of a message."""

    ANSWER = "answer"
    OBSERVE = "observe"
    DROP = "drop"


class GroupReason(enum.StrEnum):
    """Why; the values are stable."""

    DIRECT = "direct"
    POLICY_DISABLED = "policy_disabled"
    CHAT_IGNORED = "chat_ignored"
    THREAD_IGNORED = "thread_ignored"
    TOPIC_NOT_ALLOWED = "topic_not_allowed"
    CHAT_NOT_ALLOWED = "chat_not_allowed"
    GUEST_MENTION = "guest_mention"
    OTHER_BOT_MENTIONED = "other_bot_mentioned"
    BOT_WITHOUT_MENTION = "bot_without_mention"
    FREE_RESPONSE = "free_response"
    REPLY = "reply"
    MENTION = "mention"
    PATTERN = "pattern"
    MENTION_REQUIRED = "mention_required"
    NO_MENTION_NEEDED = "no_mention_needed"


@dataclass(frozen=True, slots=True)
class GroupVerdict:
    """What becomes of a message, and why."""

    verdict: Verdict
    reason: GroupReason


def group_verdict(access: AccessConfig, message: InboundMessage, *, requires_mention_default: bool) -> GroupVerdict:
    """Decide what becomes of a message; the first rule that decides counts. Who wrote it is authorized elsewhere.

    Args:
        access: The transport profile's rules for the platform.
        message: The message.
        requires_mention_default: Whether groups of this platform need a mention where the user says nothing.
    """
    if is_direct(message.source):
        if access.dm_policy == _DISABLED:
            return GroupVerdict(Verdict.DROP, GroupReason.POLICY_DISABLED)
        return GroupVerdict(Verdict.ANSWER, GroupReason.DIRECT)
    closed = _closed(access, message.source)
    if closed is GroupReason.CHAT_NOT_ALLOWED and access.guest_mode and message.mentions_us:
        return GroupVerdict(Verdict.ANSWER, GroupReason.GUEST_MENTION)
    if closed is not None:
        return GroupVerdict(Verdict.DROP, closed)
    meant = _meant_for_others(access, message) or _meant_for_us(access, message)
    if meant is None:
        required = requires_mention_default if access.require_mention is None else access.require_mention
        meant = GroupReason.MENTION_REQUIRED if required else GroupReason.NO_MENTION_NEEDED
    if meant not in _NOT_OURS:
        return GroupVerdict(Verdict.ANSWER, meant)
    return GroupVerdict(Verdict.OBSERVE if access.observe_unmentioned else Verdict.DROP, meant)


def bad_mention_patterns(access: AccessConfig) -> tuple[str, ...]:
    """The patterns that are none and count for nothing, each with what is wrong with it."""
    return tuple(found for found in map(_compile, access.mention_patterns) if isinstance(found, str))


_NOT_OURS: Final = frozenset(
    {GroupReason.OTHER_BOT_MENTIONED, GroupReason.BOT_WITHOUT_MENTION, GroupReason.MENTION_REQUIRED}
)


def _closed(access: AccessConfig, source: MessageSource) -> GroupReason | None:
    """Why nothing in this place is listened to, or None."""
    if access.group_policy == _DISABLED:
        return GroupReason.POLICY_DISABLED
    if is_chat_listed(source, access.ignored_chats):
        return GroupReason.CHAT_IGNORED
    if _is_topic_listed(source, access.ignored_threads):
        return GroupReason.THREAD_IGNORED
    if access.allowed_topics and not _is_topic_listed(source, access.allowed_topics):
        return GroupReason.TOPIC_NOT_ALLOWED
    if access.allowed_chats and not is_chat_listed(source, access.allowed_chats):
        return GroupReason.CHAT_NOT_ALLOWED
    return None


def _meant_for_others(access: AccessConfig, message: InboundMessage) -> GroupReason | None:
    if message.mentions_us:
        return None
    if access.exclusive_bot_mentions and message.mentions_other_bot:
        return GroupReason.OTHER_BOT_MENTIONED
    if message.source.is_bot and access.allow_bots == _MENTIONS:
        return GroupReason.BOT_WITHOUT_MENTION
    return None


def _meant_for_us(access: AccessConfig, message: InboundMessage) -> GroupReason | None:
    source = message.source
    free = is_chat_listed(source, access.free_response_chats) or _is_topic_listed(source, access.free_response_topics)
    if free:
        return GroupReason.FREE_RESPONSE
    if message.quoted is not None and message.quoted.is_ours:
        return GroupReason.REPLY
    if message.mentions_us:
        return GroupReason.MENTION
    return GroupReason.PATTERN if _fits_a_pattern(access, message.text) else None


def _is_topic_listed(source: MessageSource, entries: AbstractSet[str]) -> bool:
    return (clean_id(source.thread_id) or GENERAL_TOPIC) in entries or EVERYBODY in entries


def _fits_a_pattern(access: AccessConfig, text: str) -> bool:
    data = text.encode("utf-8", "replace")
    return any(pattern.search(data) is not None for pattern in _patterns(access))


def _patterns(access: AccessConfig) -> Iterator[Pattern]:
    for found in map(_compile, access.mention_patterns):
        if not isinstance(found, str):
            yield found


def _compile(pattern: str) -> Pattern | str:
    """The compiled pattern, which RE2 keeps, so that it is built once; or what is wrong with it."""
    if not pattern or len(pattern) > LONGEST_PATTERN:
        return f"{pattern[:80]!r}: 1 to {LONGEST_PATTERN} characters are expected"
    try:
        return compile_re2(f"(?i){pattern}")
    except BadExpression as exc:
        return f"{pattern[:80]!r}: {exc}"
