"""Lets Telegram deliver updates to the gateway's own HTTP listener."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

import msgspec
import trio

from hermes_trio.adapter_api import (
    ConfigError,
    CredentialRefused,
    HermesTrioError,
    Refused,
    WebAnswer,
)
from hermes_trio_adapters.telegram.intake import ALLOWED_UPDATES
from hermes_trio_adapters.telegram.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermes_trio.adapter_api import AdapterContext, ProfileScope, WebRequest
    from hermes_trio_adapters.telegram.client import BotApi
    from hermes_trio_adapters.telegram.intake import Intake
    from hermes_trio_adapters.telegram.settings import WebhookSettings

SECRET_HEADER: Final = "x-telegram-bot-api-secret-token"  # noqa: S105  the name of a header
USUAL_PATH: Final = "/telegram"


async def serve_webhook(
    scope: ProfileScope,
    api: BotApi,
    context: AdapterContext,
    intake: Intake,
    settings: WebhookSettings,
    ready: Callable[[], None],
) -> None:
    """Tell Telegram the address, and take what it delivers, until cancelled.

    At the end the webhook stays set: Telegram keeps what it cannot deliver, for the next start.

    Args:
        scope: Whose bot it is.
        api: The bot.
        context: The core.
        intake: Takes the updates.
        settings: Address and secret.
        ready: Called once Telegram knows the address.

    Raises:
        ConfigError: Telegram does not take the address.
        CredentialRefused: The token has been revoked.
    """
    receiver = _Receiver(scope, context, intake, settings.secret)
    with context.mount(path_of(settings.url, scope.name), receiver.answer) as served:
        await _tell_telegram(scope, api, context, settings, address_for(settings.url, served, scope.name))
        ready()
        await trio.sleep_forever()


def path_of(url: str, profile: str) -> str:
    """The path to serve: the address's own, without the profile's prefix."""
    path, prefix = urlsplit(url).path.rstrip("/"), f"/p/{profile}"
    own = path.removeprefix(prefix) if f"{path}/".startswith(f"{prefix}/") else path
    return own or USUAL_PATH


def address_for(url: str, served: str, profile: str) -> str:
    """The address to tell Telegram.

    Args:
        url: What the user gave. One with a path is taken at its word for the default profile, which is served without
            prefix, too; others are served below their prefix only.
        served: The path with the profile's prefix.
        profile: The profile's name.
    """
    parts = urlsplit(url)
    if parts.path.strip("/") and profile == "default":
        return url
    return urlunsplit((parts.scheme, parts.netloc, served, parts.query, ""))


async def _tell_telegram(
    scope: ProfileScope, api: BotApi, context: AdapterContext, settings: WebhookSettings, address: str
) -> None:
    trouble = Trouble(scope, context)
    parameters = {
        "url": address,
        "secret_token": settings.secret,
        "allowed_updates": ALLOWED_UPDATES,
        "drop_pending_updates": False,
    }
    while True:
        try:
            await api.call("setWebhook", parameters, bool)
        except Refused as exc:
            raise ConfigError(
                "Telegram does not take the webhook's address",
                profile=scope.name,
                where="TELEGRAM_WEBHOOK_URL",
                found=f"{address} ({exc.problem})",
                expected="a public https address on port 443, 80, 88 or 8443",
                mend="correct it, or remove it to poll instead",
            ) from exc
        except (CredentialRefused, ConfigError):
            raise
        except HermesTrioError as exc:
            await trouble.wait(exc)
        else:
            trouble.over()
            return


class _Receiver:
    """Answers Telegram's deliveries: 200 once an update is safe, 500 for it to come again."""

    def __init__(self, scope: ProfileScope, context: AdapterContext, intake: Intake, secret: str) -> None:
        self._scope = scope
        self._context = context
        self._intake = intake
        self._secret = secret.encode()
        self._failing = False

    async def answer(self, request: WebRequest) -> WebAnswer:
        """Take one update."""
        given = request.headers.get(SECRET_HEADER, "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._secret):
            return WebAnswer(401)
        try:
            await self._intake.take((msgspec.Raw(request.body),))
        except HermesTrioError as exc:
            self._failing = True
            self._context.troubled(exc.code, str(exc))
            return WebAnswer(500)
        if self._failing:
            self._failing = False
            self._context.connected()
        return WebAnswer()
