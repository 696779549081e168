"""What senders of webhooks are answered; the words are hermes-agent's, which senders' tools may know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from hermes_trio.http.errors import error_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.errors import HermesTrioError

UNKNOWN_PROFILE = "Unknown or unconfigured profile"


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """An answer.

    Attributes:
        status: Its status.
        content: Its JSON.
        headers: Further headers.
    """

    status: int
    content: Mapping[str, str]
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def body(self) -> bytes:
        """The content as JSON."""
        return msgspec.json.encode(self.content)


def refused(status: int, error: str) -> WebhookAnswer:
    """A delivery is not taken."""
    return WebhookAnswer(status, {"error": error})


def unknown_route(name: str) -> WebhookAnswer:
    """There is no such route, or it is not served at this path; which of the two is nobody's business."""
    return refused(404, f"Unknown route: {name[:64]}")


def ignored(route: str, reason: str) -> WebhookAnswer:
    """The route does not want this delivery."""
    return WebhookAnswer(200, {"status": "ignored", "reason": reason, "route": route})


def undeliverable(delivery_id: str) -> WebhookAnswer:
    """What the route is to say cannot be said where it is to be said."""
    return WebhookAnswer(502, {"status": "error", "error": "Delivery failed", "delivery_id": delivery_id})


def failed(error: HermesTrioError) -> WebhookAnswer:
    """Something of ours does not work; the sender, a stranger to this machine, learns no more than its code."""
    answer = error_answer(error)
    return WebhookAnswer(answer.status, {"status": "error", "error": error.code}, answer.headers)
