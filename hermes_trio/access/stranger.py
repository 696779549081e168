"""What happens to a message of somebody who may not talk to the bot. Pure."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from hermes_trio.access.authorize import access_config
from hermes_trio.access.identity import clean_id, is_direct

if TYPE_CHECKING:
    from hermes_trio.routing.source import MessageSource
    from hermes_trio.scope import ProfileScope


class StrangerAction(enum.StrEnum):
    """What the bot does about a stranger."""

    PAIR = "pair"
    IGNORE = "ignore"


def stranger_action(scope: ProfileScope, source: MessageSource) -> StrangerAction:
    """Decide about somebody whom `check_access` has turned away; only a person in a direct message is ever answered.

    The settings have the whole order of what decides: the platform's own word, e-mail's silence, the profile's word, the
    policy for direct messages, and whether there is a list.

    Args:
        scope: The transport profile, whose bot received the message.
        source: Who wrote, and where.
    """
    if not is_direct(source) or source.is_bot or not clean_id(source.user_id):
        return StrangerAction.IGNORE
    pairs = access_config(scope, source.platform).unauthorized_dm_behavior == StrangerAction.PAIR
    return StrangerAction.PAIR if pairs else StrangerAction.IGNORE
