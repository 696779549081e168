"""How each platform's variables are named and which of them are its credentials, as data; meaning as in Hermes."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.home.platform_config import PlatformConfig

#: Their settings are no chat platform's: the HTTP interface, the webhooks, and the terminal.
NO_CHAT_PLATFORMS: Final = frozenset({"api_server", "webhook", "local"})


@dataclass(frozen=True, slots=True)
class PlatformVariables:
    """The variables of one platform.

    Attributes:
        prefix: What the names of its variables begin with, without the last underscore.
        token: The variable that stands for ``token``, or empty.
        api_key: The variable that stands for ``api_key``, or empty.
        credentials: Sets of variables; each set, when all of it is there, is a credential and switches the platform on.
        accounts: Sets of variables; each set names an account that only one profile can use at a time.
        others: Further beginnings of names, with the underscore.
        home_channel: The variable of the home channel, without the prefix.
        home_channel_default: The variable that stands in for it, or empty.
    """

    prefix: str
    token: str = ""
    api_key: str = ""
    credentials: tuple[tuple[str, ...], ...] = ()
    accounts: tuple[tuple[str, ...], ...] = ()
    others: tuple[str, ...] = ()
    home_channel: str = "HOME_CHANNEL"
    home_channel_default: str = ""


def _one_token(prefix: str, name: str, *others: str) -> PlatformVariables:
    return PlatformVariables(prefix, name, credentials=((name,),), accounts=((name,),), others=others)


_EMAIL: Final = ("EMAIL_ADDRESS", "EMAIL_PASSWORD", "EMAIL_IMAP_HOST", "EMAIL_SMTP_HOST")

_TABLE: Final[Mapping[str, PlatformVariables]] = MappingProxyType(
    {
        "telegram": _one_token("TELEGRAM", "TELEGRAM_BOT_TOKEN", "HERMES_TELEGRAM_"),
        "discord": _one_token("DISCORD", "DISCORD_BOT_TOKEN"),
        "slack": PlatformVariables(
            "SLACK",
            "SLACK_BOT_TOKEN",
            credentials=(("SLACK_BOT_TOKEN",),),
            accounts=(("SLACK_BOT_TOKEN",), ("SLACK_APP_TOKEN",)),
        ),
        "matrix": PlatformVariables(
            "MATRIX",
            "MATRIX_ACCESS_TOKEN",
            credentials=(("MATRIX_ACCESS_TOKEN",), ("MATRIX_USER_ID", "MATRIX_PASSWORD")),
            accounts=(("MATRIX_ACCESS_TOKEN",), ("MATRIX_HOMESERVER", "MATRIX_USER_ID")),
            home_channel="HOME_ROOM",
        ),
        "mattermost": PlatformVariables(
            "MATTERMOST",
            "MATTERMOST_TOKEN",
            credentials=(("MATTERMOST_TOKEN",),),
            accounts=(("MATTERMOST_URL", "MATTERMOST_TOKEN"),),
        ),
        "signal": PlatformVariables(
            "SIGNAL", credentials=(("SIGNAL_HTTP_URL", "SIGNAL_ACCOUNT"),), accounts=(("SIGNAL_ACCOUNT",),)
        ),
        "irc": PlatformVariables(
            "IRC",
            credentials=(("IRC_SERVER", "IRC_CHANNEL"),),
            accounts=(("IRC_SERVER", "IRC_NICKNAME"),),
            home_channel_default="IRC_CHANNEL",
        ),
        "email": PlatformVariables(
            "EMAIL", credentials=(_EMAIL,), accounts=(("EMAIL_ADDRESS",),), home_channel="HOME_ADDRESS"
        ),
        "sms": PlatformVariables(
            "SMS",
            api_key="TWILIO_AUTH_TOKEN",
            credentials=(("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"),),
            accounts=(("TWILIO_PHONE_NUMBER",),),
            others=("TWILIO_",),
        ),
        "whatsapp": PlatformVariables("WHATSAPP"),
        "whatsapp_cloud": PlatformVariables(
            "WHATSAPP_CLOUD",
            "WHATSAPP_CLOUD_ACCESS_TOKEN",
            credentials=(("WHATSAPP_CLOUD_PHONE_NUMBER_ID", "WHATSAPP_CLOUD_ACCESS_TOKEN"),),
            accounts=(("WHATSAPP_CLOUD_PHONE_NUMBER_ID",), ("WHATSAPP_CLOUD_ACCESS_TOKEN",)),
        ),
        "homeassistant": _one_token("HASS", "HASS_TOKEN"),
        "ntfy": PlatformVariables("NTFY", "NTFY_TOKEN", credentials=(("NTFY_TOPIC",),)),
        "bluebubbles": PlatformVariables(
            "BLUEBUBBLES", credentials=(("BLUEBUBBLES_SERVER_URL", "BLUEBUBBLES_PASSWORD"),)
        ),
        "feishu": PlatformVariables("FEISHU", credentials=(("FEISHU_APP_ID", "FEISHU_APP_SECRET"),)),
        "wecom": PlatformVariables("WECOM", credentials=(("WECOM_BOT_ID", "WECOM_SECRET"),)),
        "wecom_callback": PlatformVariables(
            "WECOM_CALLBACK", credentials=(("WECOM_CALLBACK_CORP_ID", "WECOM_CALLBACK_CORP_SECRET"),)
        ),
        "weixin": PlatformVariables("WEIXIN", "WEIXIN_TOKEN", credentials=(("WEIXIN_TOKEN", "WEIXIN_ACCOUNT_ID"),)),
        "qqbot": PlatformVariables("QQ", credentials=(("QQ_APP_ID", "QQ_CLIENT_SECRET"),)),
        "yuanbao": PlatformVariables("YUANBAO", credentials=(("YUANBAO_APP_ID", "YUANBAO_APP_SECRET"),)),
        "dingtalk": PlatformVariables("DINGTALK", credentials=(("DINGTALK_CLIENT_ID", "DINGTALK_CLIENT_SECRET"),)),
        "relay": PlatformVariables("GATEWAY_RELAY", credentials=(("GATEWAY_RELAY_URL",),)),
        "msgraph_webhook": PlatformVariables("MSGRAPH_WEBHOOK"),
    }
)

#: Platforms whose variables may switch them on without a word in the settings.
KNOWN_BY_VARIABLES: Final = tuple(_TABLE)

_PREFIXES: Final = frozenset(entry.prefix + "_" for entry in _TABLE.values())


def variables_of(platform: str) -> PlatformVariables:
    """How a platform's variables are named; one that is not in the table follows the general rule.

    That rule: ``<PLATFORM>_BOT_TOKEN`` (or ``_TOKEN``) or ``<PLATFORM>_API_KEY`` is its credential.
    """
    entry = _TABLE.get(platform)
    if entry is not None:
        return entry
    prefix = platform.upper().replace("-", "_")
    token, api_key = f"{prefix}_BOT_TOKEN", f"{prefix}_API_KEY"
    return PlatformVariables(prefix, token, api_key, credentials=((token,), (api_key,)), accounts=((token,),))


def key_of(name: str, platform: PlatformVariables) -> str:
    """The key that a variable of the platform stands for: ``TELEGRAM_PROXY`` is ``proxy``."""
    prefix = next((prefix for prefix in (platform.prefix + "_", *platform.others) if name.startswith(prefix)), "")
    return name.removeprefix(prefix).lower()


def credential_value(config: PlatformConfig, name: str) -> str:
    """What stands for a variable of a platform, wherever it is given; empty when it is nowhere."""
    platform = variables_of(config.name)
    if name in (platform.token, platform.api_key):
        return config.token if name == platform.token else config.api_key
    return str(config.extra.get(key_of(name, platform)) or "").strip()


def belongs_to(name: str, platform: PlatformVariables) -> bool:
    """Tell whether a variable is the platform's: ``WHATSAPP_CLOUD_APP_ID`` is not WhatsApp's own."""
    if name.startswith(platform.others):
        return True
    own = platform.prefix + "_"
    return name.startswith(own) and not any(
        len(other) > len(own) and other.startswith(own) and name.startswith(other) for other in _PREFIXES
    )
