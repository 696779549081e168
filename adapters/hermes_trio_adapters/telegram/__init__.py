"""Telegram through the Bot API: long polling, or a webhook on the gateway's listener."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio_adapters.telegram.adapter import TelegramAdapter
from hermes_trio_adapters.telegram.settings import load_settings

if TYPE_CHECKING:
    from hermes_trio.adapter_api import Adapter, PlatformConfig, ProfileScope


def make_adapter(scope: ProfileScope, config: PlatformConfig) -> Adapter:
    """Make the adapter of a profile's bot; touches no network.

    Raises:
        CredentialMissing: There is no token.
        ConfigError: An address or the webhook's secret cannot be used.
    """
    return TelegramAdapter(scope, load_settings(scope.name, config))
