"""The endpoints of the webhook platform: on the gateway's listener, and on one of its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.http.endpoint import Answer, AnyEndpoint, PublicEndpoint
from hermes_trio.http.webhooks.serving import serve_webhook, serve_webhook_at

if TYPE_CHECKING:
    from hermes_trio.http.endpoint import PublicCall

_PATH: Final = "/webhooks/"
_HEALTHY: Final = msgspec.json.encode({"status": "ok", "platform": "webhook"})


class WebhookNews(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a delivery.

    Attributes:
        status: ``accepted``, ``ignored``, ``duplicate`` or ``delivered``.
    """

    status: str
    route: str = ""
    event: str = ""
    reason: str = ""
    target: str = ""
    delivery_id: str = ""


class WebhookProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a delivery was not taken.

    Attributes:
        error: For people.
        status: ``error`` where something could not be delivered.
    """

    error: str
    status: str = ""
    delivery_id: str = ""


_ANSWERS: Final = (
    Answer(200, "Ignored, seen before, or delivered at once", WebhookNews),
    Answer(202, "Accepted: it is in the profile's inbox", WebhookNews),
    Answer(400, "The body is neither JSON nor a form", WebhookProblem),
    Answer(401, "The signature is wrong or missing", WebhookProblem),
    Answer(403, "The route is disabled or has no secret", WebhookProblem),
    Answer(404, "There is no such route here", WebhookProblem),
    Answer(413, "The body is too large", WebhookProblem),
    Answer(429, "Too many deliveries", WebhookProblem),
    Answer(500, "The route's filter or script cannot be used", WebhookProblem),
    Answer(502, "The result cannot be delivered where it is to go", WebhookProblem),
    Answer(503, "The profile does not serve", WebhookProblem),
)

#: For the table of everything that the gateway serves.
WEBHOOK_ENDPOINT: Final = PublicEndpoint(
    "POST", "/webhooks/{route}", serve_webhook, "Take a signed delivery", profiled=True, answers=_ANSWERS
)


def own_endpoints(host: str) -> tuple[AnyEndpoint, ...]:
    """What a listener of the webhooks' own serves.

    Args:
        host: The address that it is bound to; empty for all addresses.
    """
    take = partial(serve_webhook_at, host=host)
    return (
        PublicEndpoint("POST", "/webhooks/{route}", take, "Take a signed delivery", profiled=True, answers=_ANSWERS),
        PublicEndpoint("GET", "/health", _serve_health, "Whether the process lives", answers=(Answer(200, "It does"),)),
    )


def is_webhook_path(path: str) -> bool:
    """Whether a path, with or without a profile's prefix, is one of the webhook platform."""
    if path.startswith("/p/"):
        path = "/" + path[3:].partition("/")[2]
    return path.startswith(_PATH)


async def _serve_health(call: PublicCall) -> None:
    await call.responder.send(200, _HEALTHY)
