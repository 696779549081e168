"""What a question about access is answered with."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Reason(enum.StrEnum):
    """Why somebody may or may not; the values are stable."""

    # Who may talk to the bot.
    PLATFORM_TRUSTED = "platform_trusted"
    GROUP_CHAT_ALLOWED = "group_chat_allowed"
    BOT_ALLOWED = "bot_allowed"
    BOT_NOT_ALLOWED = "bot_not_allowed"
    NO_USER_ID = "no_user_id"
    ALLOW_ALL = "allow_all"
    ROLE = "role"
    PAIRED = "paired"
    ADAPTER_POLICY = "adapter_policy"
    ALLOWLIST = "allowlist"
    NO_LIST = "no_list"
    NOT_ON_LIST = "not_on_list"
    # Who may use a command.
    ALWAYS_ALLOWED = "always_allowed"
    NO_ADMIN_LIST = "no_admin_list"
    ADMIN = "admin"
    USER_COMMAND = "user_command"
    ADMINS_ONLY = "admins_only"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether somebody may do something.

    Attributes:
        allowed: Whether.
        reason: Why; stable.
        text: The same for people.
    """

    allowed: bool
    reason: Reason
    text: str
