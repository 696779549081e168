"""What the webhook commands know: the routes of a home, where they are served, and how a delivery is sent there."""

from __future__ import annotations

import http.client
import uuid
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hermes_trio.cli.banner import client_url
from hermes_trio.cli.control import fetch_status
from hermes_trio.errors import HermesTrioError
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.settings import load_profile_settings
from hermes_trio.home.webhook_config import NO_AUTHENTICATION
from hermes_trio.home.webhook_subscriptions import SubscriptionsError, parse_subscriptions
from hermes_trio.http.webhooks.signatures import sign_for_test

if TYPE_CHECKING:
    from hermes_trio.cli.invocation import Invocation
    from hermes_trio.home.webhook_config import WebhookConfig, WebhookRoute

SECONDS = 60.0


class WebhookError(HermesTrioError):
    """A webhook command cannot be done."""

    default_code = "webhook_failed"


@dataclass(frozen=True, slots=True)
class KnownRoute:
    """A route of a home.

    Attributes:
        route: The route.
        is_static: Whether it stands in ``config.yaml``; else it is a subscription.
    """

    route: WebhookRoute
    is_static: bool


@dataclass(frozen=True, slots=True)
class WebhookHome:
    """The webhook platform of a home.

    Attributes:
        config: Its settings.
        address: Where it is served, as a client on this machine reaches it.
        routes: All routes, by name; those of ``config.yaml`` go first.
    """

    config: WebhookConfig
    address: str
    routes: dict[str, KnownRoute]

    def url(self, route: WebhookRoute) -> str:
        """The address of a route."""
        prefix = f"/p/{route.profile}" if route.profile else ""
        return f"{self.address}{prefix}/webhooks/{route.name}"


def read_webhook_home(invocation: Invocation) -> WebhookHome:
    """Read settings and subscriptions, and ask the running gateway, if there is one, where it listens.

    Raises:
        HermesTrioError: A file cannot be read.
    """
    home = invocation.home()
    config = load_profile_settings(home, DEFAULT_PROFILE, invocation.environ).config
    path = home.profile(DEFAULT_PROFILE).webhook_subscriptions
    try:
        content = path.read_bytes() if path.exists() else None
    except OSError as error:
        raise SubscriptionsError("cannot be read", where=str(path), found=error.strerror) from error
    routes = {
        name: KnownRoute(route, is_static=False) for name, route in parse_subscriptions(content, path).routes.items()
    }
    routes.update({name: KnownRoute(route, is_static=True) for name, route in config.webhook.routes.items()})
    found = fetch_status(home)
    address = f"http://{config.api_server.host}:{config.api_server.port}"
    if found is not None:
        address = found[0].webhook_address or found[0].address
    elif config.webhook.own_listener:
        address = f"http://{config.webhook.host or '127.0.0.1'}:{config.webhook.port}"
    return WebhookHome(config.webhook, client_url(address), routes)


def send_test(home: WebhookHome, route: WebhookRoute, event: str, body: bytes) -> tuple[int, str]:
    """Send a signed delivery to the running gateway; status and body of its answer.

    Raises:
        WebhookError: Nothing answers.
    """
    secret = route.secret_or(home.config.secret)
    signature = {} if secret in ("", NO_AUTHENTICATION) else sign_for_test(body, secret)
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": f"test-{uuid.uuid4()}",
        **signature,
    }
    where = urlsplit(home.url(route))
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=SECONDS)
    with closing(connection):
        try:
            connection.request("POST", where.path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(65536).decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise WebhookError(
                "the gateway does not answer",
                where=home.url(route),
                found=f"{type(error).__name__}: {error}",
                mend="start it with `hermes-trio run`",
            ) from error
