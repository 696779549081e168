"""The settings of the webhook platform; part of `ProfileConfig`, but only the default profile's count."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

WEBHOOK_PORT: Final = 8644
#: Stands in the place of a secret; such a route takes what anybody sends, while the gateway listens on loopback only.
NO_AUTHENTICATION: Final = "INSECURE_NO_AUTH"
#: Where an answer goes that is only stored and logged.
LOG: Final = "log"
#: Where an answer goes that becomes a comment on GitHub.
GITHUB_COMMENT: Final = "github_comment"


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


def _no_routes() -> Mapping[str, WebhookRoute]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class WebhookRoute:
    """One route of the webhook platform.

    Attributes:
        name: The last part of its path.
        enabled: Whether it takes deliveries.
        profile: The profile that it is bound to, and at whose prefix alone it is served; empty for an unbound one,
            which is the default profile's.
        secret: Its own secret, or empty.
        events: The only events that are taken; empty for all.
        filters: What a delivery must look like, as written; None for no demands.
        script: File below ``scripts/`` that is asked about each delivery, or empty.
        prompt: Template of what the agent is told; empty for the payload itself.
        skills: Skills whose text goes into the prompt.
        deliver: Where the answer goes: ``log``, ``github_comment``, or a target: a platform, perhaps with a chat.
        deliver_extra: ``chat_id``, ``thread_id``, ``repo``, ``pr_number``.
        deliver_only: Whether no agent is asked and the prompt itself is delivered.
        description: For people.
    """

    name: str
    enabled: bool = True
    profile: str = ""
    secret: str = field(default="", repr=False)
    events: tuple[str, ...] = ()
    filters: object = None
    script: str = ""
    prompt: str = ""
    skills: tuple[str, ...] = ()
    deliver: str = LOG
    deliver_extra: Mapping[str, str] = field(default_factory=_nothing)
    deliver_only: bool = False
    description: str = ""

    def secret_or(self, fallback: str) -> str:
        """The secret that senders must know; only an unbound route may use that of all routes."""
        return self.secret or ("" if self.profile else fallback)


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """The webhook platform.

    Attributes:
        enabled: Whether any route is served.
        host: Address of a listener of its own; empty for all addresses.
        port: Port of a listener of its own.
        own_listener: Whether one is wanted: host or port is given.
        secret: The secret of unbound routes without one of their own.
        rate_limit: Most deliveries of one route in 60 s.
        max_body_bytes: Size of a delivery.
        script_timeout_seconds: How long a route's script may take.
        routes: By name.
    """

    enabled: bool = False
    host: str = ""
    port: int = WEBHOOK_PORT
    own_listener: bool = False
    secret: str = field(default="", repr=False)
    rate_limit: int = 30
    max_body_bytes: int = 1_048_576
    script_timeout_seconds: float = 30.0
    routes: Mapping[str, WebhookRoute] = field(default_factory=_no_routes)
