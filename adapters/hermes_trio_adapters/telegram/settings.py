"""What a profile's files say about its Telegram bot."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from hermes_trio.adapter_api import ConfigError, CredentialMissing

if TYPE_CHECKING:
    from hermes_trio.adapter_api import PlatformConfig

OFFICIAL_BASE: Final = "https://api.telegram.org/bot"
TOKEN_PLACE: Final = "{token}"  # noqa: S105  stands for a token
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
_YES: Final = frozenset({"1", "true", "yes", "on"})
_NO: Final = frozenset({"0", "false", "no", "off", ""})


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Where Telegram delivers updates to, instead of being asked for them.

    Attributes:
        url: The public address as the user gave it.
        secret: What Telegram proves itself with; new at every start where the user names none.
    """

    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TelegramSettings:
    """Settings of one bot.

    Attributes:
        token: The bot's token.
        method_base: What stands before a method's name in a URL; holds the token.
        file_base: What stands before a file's path in a URL; holds the token.
        official: Whether this is Telegram's own server, whose limits are known.
        proxy: The proxy for Telegram alone, or empty.
        webhook: Set where Telegram is to deliver updates; None where they are polled.
        link_previews: Whether links in messages get a preview.
        reactions: Whether the bot reacts to messages.
    """

    token: str = field(repr=False)
    method_base: str = field(repr=False)
    file_base: str = field(repr=False)
    official: bool = True
    proxy: str = field(default="", repr=False)
    webhook: WebhookSettings | None = None
    link_previews: bool = True
    reactions: bool = False


def load_settings(profile: str, config: PlatformConfig) -> TelegramSettings:
    """Check and gather the settings; touches neither files nor network.

    Args:
        profile: The profile's name, for errors.
        config: What its files say; its own variables win over ``extra``.

    Raises:
        CredentialMissing: There is no token.
        ConfigError: An address or the webhook's secret cannot be used.
    """
    reader = _Reader(profile, config)
    token = (config.token or config.variables.get("TELEGRAM_BOT_TOKEN", "")).strip()
    if not token:
        raise CredentialMissing(
            "Telegram is switched on, but there is no bot token",
            profile=profile,
            where=".env TELEGRAM_BOT_TOKEN",
            mend="put the token that @BotFather gave you into the profile's .env as TELEGRAM_BOT_TOKEN=...",
        )
    base = reader.server("base_url") or OFFICIAL_BASE
    return TelegramSettings(
        token=token,
        method_base=_with_token(_bot_base(base), token) + "/",
        file_base=_with_token(reader.server("base_file_url") or _file_base(base), token) + "/",
        official=urlsplit(base).hostname == urlsplit(OFFICIAL_BASE).hostname,
        proxy=reader.proxy(),
        webhook=reader.webhook(),
        link_previews=not reader.flag("disable_link_previews"),
        reactions=reader.flag("reactions", "TELEGRAM_REACTIONS"),
    )


def _bot_base(base: str) -> str:
    return base if TOKEN_PLACE in base or base.endswith("/bot") else f"{base}/bot"


def _file_base(base: str) -> str:
    """Where files are when only the methods' address is given: ``/file`` before ``/bot``, as at Telegram.

    Where the token stands without ``/bot`` before it, ``/file`` comes first in the path.
    """
    parts = urlsplit(_bot_base(base))
    before, bot, after = parts.path.rpartition("/bot")
    return f"{parts.scheme}://{parts.netloc}{before}/file{bot}{after}"


def _with_token(base: str, token: str) -> str:
    quoted = quote(token, safe=":")
    return base.replace(TOKEN_PLACE, quoted) if TOKEN_PLACE in base else base + quoted


def _is_http(url: str) -> bool:
    if any(character.isspace() or not character.isprintable() for character in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


class _Reader:
    def __init__(self, profile: str, config: PlatformConfig) -> None:
        self._profile = profile
        self._config = config

    def text(self, key: str, variable: str = "") -> str:
        value = self._config.variables.get(variable) or self._config.extra.get(key)
        return str(value).strip() if value is not None else ""

    def flag(self, key: str, variable: str = "") -> bool:
        found = self.text(key, variable)
        if found.lower() not in _YES | _NO:
            raise self._problem(key, variable, "not a truth value", repr(found), "true or false")
        return found.lower() in _YES

    def address(self, key: str, variable: str = "") -> str:
        """A URL without the slash at its end, or nothing."""
        url = self.text(key, variable).rstrip("/")
        if not url:
            return ""
        if not _is_http(url):
            # The value is not shown: people paste addresses with their token in it.
            raise self._problem(
                key, variable, "not an address", "something else", "http://host/... or https://host/..."
            )
        return url

    def server(self, key: str) -> str:
        """The URL of a Bot API server, or nothing; what comes behind it is a path, so it can only end in one."""
        url = self.address(key)
        if any(character in url for character in "@?#"):
            expected = "an address without a user, ? and #, e.g. http://host:8081/bot"
            raise self._problem(key, "", "not the address of a server", "more than host and path", expected)
        return url

    def proxy(self) -> str:
        """The URL of an HTTP proxy, or nothing. Others are refused: going out without one might give somebody away."""
        given = self.text("proxy", "TELEGRAM_PROXY")
        if not given:
            return ""
        url = given if "://" in given else f"http://{given}"
        if not _is_http(url):
            scheme = url.partition("://")[0]
            expected = "http://host:port or https://host:port; SOCKS is not supported"
            raise self._problem("proxy", "TELEGRAM_PROXY", "the proxy cannot be used", f"scheme {scheme!r}", expected)
        return url

    def webhook(self) -> WebhookSettings | None:
        url = self.address("webhook_url", "TELEGRAM_WEBHOOK_URL")
        if not url:
            return None
        secret = self.text("webhook_secret", "TELEGRAM_WEBHOOK_SECRET")
        if secret and not _SECRET.fullmatch(secret):
            raise self._problem(
                "webhook_secret",
                "TELEGRAM_WEBHOOK_SECRET",
                "Telegram does not take this secret",
                f"{len(secret)} characters",
                "1 to 256 letters, digits, _ and -",
            )
        return WebhookSettings(url, secret or secrets.token_urlsafe(32))

    def _problem(self, key: str, variable: str, problem: str, found: str, expected: str) -> ConfigError:
        in_env = bool(self._config.variables.get(variable))
        where = f".env {variable}" if in_env else f"config.yaml platforms.telegram.extra.{key}"
        mend = "correct it or take it out"
        return ConfigError(problem, profile=self._profile, where=where, found=found, expected=expected, mend=mend)
