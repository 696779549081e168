"""Asks Telegram for updates: one long request after the other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from hermes_trio.adapter_api import (
    AdapterError,
    ConfigError,
    CredentialConflict,
    CredentialRefused,
    HermesTrioError,
    RateLimited,
    Unreachable,
)
from hermes_trio_adapters.telegram.failures import WebhookActive
from hermes_trio_adapters.telegram.intake import ALLOWED_UPDATES
from hermes_trio_adapters.telegram.trouble import Trouble
from hermes_trio_adapters.telegram.wire import User

if TYPE_CHECKING:
    from hermes_trio.adapter_api import AdapterContext, ProfileScope
    from hermes_trio_adapters.telegram.client import BotApi
    from hermes_trio_adapters.telegram.intake import Intake

POLL_SECONDS: Final = 50
#: How much later than asked for an answer may come before the connection counts as dead.
GRACE_SECONDS: Final = 15.0
#: A webhook that is back so soon after it was taken away is somebody else's.
WEBHOOK_PEACE_SECONDS: Final = 60.0


async def identify(scope: ProfileScope, api: BotApi, context: AdapterContext) -> User:
    """Ask who the bot is, until there is an answer.

    Raises:
        CredentialRefused: Telegram does not know the token.
        RateLimited: Telegram asks to wait.

    Cancellation: nothing has happened yet.
    """
    trouble = Trouble(scope, context)
    while True:
        try:
            user = await api.call("getMe", {}, User)
        except (CredentialRefused, ConfigError, RateLimited):
            # The last may be for longer than connecting may take; the core begins again when Telegram allows it.
            raise
        except HermesTrioError as exc:
            await trouble.wait(exc)
        else:
            trouble.over()
            return user


async def poll(scope: ProfileScope, api: BotApi, context: AdapterContext, intake: Intake) -> None:
    """Poll until cancelled. Telegram forgets an update when a later poll asks from behind it, and not before the core
    has it.

    Raises:
        CredentialRefused: The token has been revoked.
        CredentialConflict: Another program uses the token.
        ScopeClosed: The profile is over.

    Cancellation: what the core has taken since the last poll comes again.
    """
    trouble = Trouble(scope, context)
    webhook_removed = -math.inf
    while True:
        try:
            await _poll_once(scope, api, intake)
        except (CredentialRefused, ConfigError):
            raise
        except CredentialConflict as exc:
            if not isinstance(exc, WebhookActive) or trio.current_time() < webhook_removed + WEBHOOK_PEACE_SECONDS:
                raise
            try:
                await _take_webhook_away(scope, api)
                webhook_removed = trio.current_time()
            except AdapterError as failure:
                await trouble.wait(failure)
        except HermesTrioError as exc:
            await trouble.wait(exc)
        else:
            trouble.over()


async def _poll_once(scope: ProfileScope, api: BotApi, intake: Intake) -> None:
    parameters = {"offset": intake.next_update, "timeout": POLL_SECONDS, "allowed_updates": ALLOWED_UPDATES}
    updates = await api.call("getUpdates", parameters, list[msgspec.Raw], read_seconds=POLL_SECONDS + GRACE_SECONDS)
    before = intake.next_update
    await intake.take(updates)
    if updates and intake.next_update == before:
        # Without a number to go on from, the same would come again at once, for ever.
        raise Unreachable("Telegram's updates have no numbers", profile=scope.name, where="getUpdates")


async def _take_webhook_away(scope: ProfileScope, api: BotApi) -> None:
    """What the webhook did not get yet stays, and is polled."""
    scope.log.warning("a webhook was set for this bot; it is taken away, as this profile polls")
    await api.call("deleteWebhook", {"drop_pending_updates": False}, bool)
