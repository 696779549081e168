"""The public interface for authors of adapters; adapters import nothing else of hermes_trio.

Start with `hermes_trio.adapter_api.adapter`; `hermes_trio.testing.conformance` checks an adapter.
"""

from hermes_trio.adapter_api.adapter import (
    ENTRY_POINT_GROUP,
    Adapter,
    AdapterContext,
    AdapterFactory,
    BotIdentity,
    CommandInfo,
    ExclusiveResource,
    WebAnswer,
    WebHandler,
    WebRequest,
)
from hermes_trio.adapter_api.capabilities import Capabilities, Render, TextUnit
from hermes_trio.adapter_api.errors import (
    AdapterError,
    ChatGone,
    ChatMigrated,
    CredentialConflict,
    CredentialMissing,
    CredentialRefused,
    MarkupRefused,
    NotModified,
    RateLimited,
    Refused,
    Unreachable,
)
from hermes_trio.adapter_api.messages import Attachment, ButtonPress, InboundMessage, MediaKind, QuotedMessage
from hermes_trio.adapter_api.outgoing import Button, OutgoingMedia, OutgoingText, SentMessage, Target
from hermes_trio.errors import ConfigError, HermesTrioError
from hermes_trio.home.platform_config import PlatformConfig
from hermes_trio.routing.source import MessageSource
from hermes_trio.scope import ProfileScope

__all__ = [
    "ENTRY_POINT_GROUP",
    "Adapter",
    "AdapterContext",
    "AdapterError",
    "AdapterFactory",
    "Attachment",
    "BotIdentity",
    "Button",
    "ButtonPress",
    "Capabilities",
    "ChatGone",
    "ChatMigrated",
    "CommandInfo",
    "ConfigError",
    "CredentialConflict",
    "CredentialMissing",
    "CredentialRefused",
    "ExclusiveResource",
    "HermesTrioError",
    "InboundMessage",
    "MarkupRefused",
    "MediaKind",
    "MessageSource",
    "NotModified",
    "OutgoingMedia",
    "OutgoingText",
    "PlatformConfig",
    "ProfileScope",
    "QuotedMessage",
    "RateLimited",
    "Refused",
    "Render",
    "SentMessage",
    "Target",
    "TextUnit",
    "Unreachable",
    "WebAnswer",
    "WebHandler",
    "WebRequest",
]
