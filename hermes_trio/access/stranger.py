"""What happens to a message of somebody who may not talk to the bot."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from hermes_trio.access.authorize import access_config
from hermes_trio.access.identity import clean_id, is_direct
from hermes_trio.access.pairing import request_code

if TYPE_CHECKING:
    from hermes_trio.routing.source import MessageSource
    from hermes_trio.scope import ProfileScope


class StrangerAction(enum.StrEnum):
    """What the bot does about a stranger."""

    PAIR = "pair"
    IGNORE = "ignore"


async def answer_stranger(scope: ProfileScope, source: MessageSource) -> str | None:
    """The reply to somebody whom `check_access` has turned away, or None for silence.

    Args:
        scope: The transport profile, whose bot received the message.
        source: Who wrote, and where.
    """
    if stranger_action(scope, source) is StrangerAction.IGNORE:
        return None
    code = await request_code(scope, source)
    return None if code is None else stranger_text(scope.name, source.platform, code)


def stranger_action(scope: ProfileScope, source: MessageSource) -> StrangerAction:
    """Decide about a stranger; only a person in a direct message is ever answered. Pure.

    The settings have the whole order of what decides: the platform's own word, e-mail's silence, the profile's word,
    the policy for direct messages, and whether there is a list.

    Args:
        scope: The transport profile, whose bot received the message.
        source: Who wrote, and where.
    """
    if not is_direct(source) or source.is_bot or not clean_id(source.user_id):
        return StrangerAction.IGNORE
    pairs = access_config(scope, source.platform).unauthorized_dm_behavior == StrangerAction.PAIR
    return StrangerAction.PAIR if pairs else StrangerAction.IGNORE


def stranger_text(profile: str, platform: str, code: str) -> str:
    """What a stranger is told, as plain text."""
    return (
        "Hi! We have not met, so I cannot answer you yet.\n\n"
        f"Your pairing code: {code}\n\n"
        "It is valid for an hour. Whoever runs me lets you in with:\n"
        f"hermes-trio pairing approve -p {profile} {platform} {code}"
    )
