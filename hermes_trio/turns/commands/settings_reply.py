"""What is said, and asked, around a change of a profile's settings."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from hermes_trio.settings_edit import update_config

if TYPE_CHECKING:
    from hermes_trio.scope import ProfileScope
    from hermes_trio.turns.commands.context import CommandCall

APPROVE: Final = "Approve"
ALWAYS: Final = "Always"
CANCEL: Final = "Cancel"

AFTER_RESTART: Final = "It counts from the profile's next start: `/restart` does that now."


class Consent(enum.Enum):
    """What somebody said when a command asked back."""

    GIVEN = "given"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"


async def ask_consent(scope: ProfileScope, call: CommandCall, question: str, *, needed: bool, setting: str) -> Consent:
    """Ask whether a command is meant; ``Always`` also switches the question off in the profile's settings.

    Args:
        scope: The profile.
        call: The command.
        question: What it will do.
        needed: Whether the settings want the question.
        setting: Dotted path of the switch.

    Raises:
        ConfigError: The switch could not be written.
    """
    if not needed:
        return Consent.GIVEN
    choices = (APPROVE, ALWAYS, CANCEL) if call.conversation.is_admin else (APPROVE, CANCEL)
    answer = await call.conversation.confirm(question, choices)
    if answer == ALWAYS:
        await update_config(scope, setting, value=False)
    if answer is None:
        return Consent.NO_ANSWER
    return Consent.REFUSED if answer == CANCEL else Consent.GIVEN


def not_done(consent: Consent) -> str:
    """What is said when consent was not given."""
    return "Nobody answered, so nothing was changed." if consent is Consent.NO_ANSWER else "All right, nothing changed."


def admins_only(what: str) -> str:
    """What somebody is told who is no admin."""
    return f"⛔ {what} is for admins of this bot only."
