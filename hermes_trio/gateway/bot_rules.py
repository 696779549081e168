"""The settings of the bot that received a message: its own profile's and nobody else's, also while that is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.home.platform_config import AccessConfig, PlatformConfig

if TYPE_CHECKING:
    from hermes_trio.gateway.accepted import Accepted
    from hermes_trio.gateway.senders import Senders
    from hermes_trio.scope import ProfileScope

RULES_SECONDS: Final = 10.0
"""How long a message that was left waits for the profile of its bot to start, so that its rules are known."""

#: A list of admins on which nobody is: without a list everybody would be one.
_NOBODY: Final = AccessConfig(admins=frozenset({"(nobody)"}))


def bot_rules(scope: ProfileScope, senders: Senders, accepted: Accepted) -> PlatformConfig:
    """Settings of the bot that received a message.

    Those of another profile that has not served since the gateway started are not known; then nobody is an admin, and
    what the runtime profile says of bots of its own does not count.

    Args:
        scope: The runtime profile.
        senders: The bots of all profiles.
        accepted: The message.
    """
    transport_profile, platform = accepted.transport_profile, accepted.message.source.platform
    known = senders.rules(transport_profile, platform)
    if known is not None:
        return known
    if transport_profile == scope.name:
        # The bot has gone from the settings meanwhile; who may do what is still said there, if it is said anywhere.
        return scope.config.platforms.get(platform) or PlatformConfig(platform)
    return PlatformConfig(platform, access=_NOBODY)


async def wait_for_rules(scope: ProfileScope, senders: Senders, accepted: Accepted) -> None:
    """Wait until the settings of another profile's bot are known, at most 10 s."""
    transport_profile, platform = accepted.transport_profile, accepted.message.source.platform
    if transport_profile != scope.name:
        with trio.move_on_after(RULES_SECONDS):
            while senders.rules(transport_profile, platform) is None:
                await senders.changed()
