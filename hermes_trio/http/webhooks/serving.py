"""From a signed request to a message in a profile's inbox, in hermes-agent's order of steps."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.adapter_api.errors import AdapterError
from hermes_trio.errors import HermesTrioError
from hermes_trio.gateway.destinations import DestinationUnavailable, find_destination, say_now
from hermes_trio.gateway.errand import Errand
from hermes_trio.gateway.webhook_intake import (
    END_REASON,
    WebhookDelivery,
    accept_delivery,
    remember_delivery,
    was_seen,
)
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.webhook_config import GITHUB_COMMENT, LOG, NO_AUTHENTICATION
from hermes_trio.http.webhooks.answers import (
    WebhookAnswer,
    failed,
    ignored,
    refused,
    undeliverable,
    unknown_route,
)
from hermes_trio.http.webhooks.events import Unparsable, delivery_id_of, event_of, parse_payload
from hermes_trio.http.webhooks.screening import ScreenBroken, Screened, screen
from hermes_trio.http.webhooks.signatures import check_signature
from hermes_trio.http.webhooks.templates import render, render_each
from hermes_trio.io.addresses import is_loopback
from hermes_trio.io.log_format import one_line

if TYPE_CHECKING:
    from hermes_trio.gateway.errand import Destination
    from hermes_trio.gateway.gateway import Gateway
    from hermes_trio.gateway.runtime import ProfileRuntime
    from hermes_trio.home.webhook_config import WebhookConfig, WebhookRoute
    from hermes_trio.http.endpoint import PublicCall
    from hermes_trio.http.types import Request
    from hermes_trio.io.log import ProfileLogger
    from hermes_trio.scope import ProfileScope

_LOGGED: Final = 2000


async def serve_webhook(call: PublicCall) -> None:
    """Take a delivery that came over the gateway's own listener."""
    await serve_webhook_at(call, call.gateway.settings.host)


async def serve_webhook_at(call: PublicCall, host: str) -> None:
    """Take a delivery.

    The signature is the authentication; whoever may not know of a route learns nothing about it. What is accepted is
    committed to the inbox of the route's profile before the sender is told so.

    Args:
        call: The request.
        host: The address that the listener is bound to; empty for all addresses.
    """
    try:
        answer = await _answer(call, host)
    except HermesTrioError as error:
        call.gateway.webhooks.remark("", f"a delivery cannot be taken ({error.code}): {error}")
        answer = failed(error)
    await call.responder.send(answer.status, answer.body, answer.headers)


async def _answer(call: PublicCall, host: str) -> WebhookAnswer:
    gateway, name = call.gateway, call.parameters["route"]
    config, route = gateway.webhooks.config(), await gateway.webhooks.find(name)
    if route is None or (route.profile or DEFAULT_PROFILE) != (call.profile or DEFAULT_PROFILE):
        return unknown_route(name)
    problem = _authenticate(gateway, config, route, call.request, host)
    if problem is not None:
        return problem
    wait = gateway.webhooks.wait_for_rate(name, config.rate_limit)
    if wait is not None:
        headers = (("Retry-After", str(max(1, round(wait)))),)
        return WebhookAnswer(429, {"error": "Rate limit exceeded"}, headers)
    try:
        payload = parse_payload(call.request.body, call.request.headers.get("content-type") or "")
    except Unparsable:
        return refused(400, "Cannot parse body")
    event = event_of(call.request.headers, payload)
    if route.events and event not in route.events:
        return WebhookAnswer(200, {"status": "ignored", "event": event})
    runtime = await gateway.table[call.profile or DEFAULT_PROFILE].ready_runtime()
    arrival = _Arrival(
        gateway, runtime, config, route, event, delivery_id_of(call.request.headers, gateway.shared.clock.now())
    )
    # In the profile's nursery: when it ends, so does what was begun for it here.
    return await runtime.call(arrival.take, payload)


def _authenticate(
    gateway: Gateway, config: WebhookConfig, route: WebhookRoute, request: Request, host: str
) -> WebhookAnswer | None:
    """Why a request is not let in, or None."""
    if not route.enabled:
        return refused(403, "Route disabled")
    if len(request.body) > config.max_body_bytes:
        return refused(413, "Payload too large")
    secret = route.secret_or(config.secret)
    if not secret:
        return refused(403, "No secret configured for this route")
    if secret == NO_AUTHENTICATION:
        return None if is_loopback(host) else refused(403, "Unauthenticated routes are served on loopback only")
    verdict = check_signature(request.headers, request.body, secret, gateway.shared.clock.now())
    if not verdict.valid:
        gateway.webhooks.remark(
            route.name, f"a delivery was refused: {verdict.scheme or 'signature'}: {verdict.reason}"
        )
        return refused(401, "Invalid signature")
    if verdict.may_be_replayed:
        gateway.webhooks.remark(
            route.name,
            f"{verdict.scheme} does not say when: who has seen a delivery can send it again; -v2 is safer",
        )
    return None


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A delivery that has shown whose it is."""

    gateway: Gateway
    runtime: ProfileRuntime
    config: WebhookConfig
    route: WebhookRoute
    event: str
    delivery_id: str

    async def take(self, scope: ProfileScope, payload: object) -> WebhookAnswer:
        """Filter, script, duplicates; then deliver it at once or hand it to the agent."""
        log = scope.log.bind(component="gateway.webhooks")
        try:
            screened = await self._screen(scope, payload)
        except ScreenBroken as error:
            log.error(f"{self.route.name}: {error}", code=error.code)  # noqa: TRY400  ours has no such method
            return refused(500, "Route misconfigured")
        if screened.reason:
            log.info(f"{self.route.name}: {self.delivery_id} is ignored: {screened.detail or screened.reason}")
            return ignored(self.route.name, screened.reason)
        delivery = WebhookDelivery(self.route.name, self.delivery_id, self._text(screened))
        if not delivery.text.strip() and (self.route.deliver_only or not self.route.skills):
            log.info(f"{self.route.name}: {self.delivery_id} is ignored: its prompt is empty")
            return ignored(self.route.name, "empty")
        try:
            if self.route.deliver_only:
                return await self._say(scope, log, delivery, screened.payload)
            return await self._hand_over(scope, log, delivery, screened.payload)
        except (AdapterError, DestinationUnavailable) as error:
            log.warning(f"{self.route.name}: {self.delivery_id} cannot be delivered: {error}", code=error.code)
            return undeliverable(self.delivery_id)

    async def _screen(self, scope: ProfileScope, payload: object) -> Screened:
        operator, seconds = self.gateway.home.profile(DEFAULT_PROFILE), self.config.script_timeout_seconds
        variables = {
            "HERMES_WEBHOOK_ROUTE": self.route.name,
            "HERMES_WEBHOOK_EVENT": self.event,
            "HERMES_WEBHOOK_DELIVERY": self.delivery_id,
        }
        async with self.gateway.webhooks.script_seat(scope.name) if self.route.script else nullcontext():
            return await screen(scope, operator, self.route, variables, payload, seconds)

    async def _hand_over(
        self, scope: ProfileScope, log: ProfileLogger, delivery: WebhookDelivery, payload: object
    ) -> WebhookAnswer:
        if await was_seen(scope, delivery):
            return self._duplicate()
        chats = await self.runtime.ready_chats()
        destination = await self._destination(scope, payload)
        errand = Errand(f"webhook {self.route.name}", END_REASON, destination, self.route.skills)
        if not await accept_delivery(scope, chats, delivery, errand):
            return self._duplicate()
        log.info(f"{self.route.name}: accepted", webhook_event=self.event, delivery=self.delivery_id)
        content = {"status": "accepted", "route": self.route.name, "event": self.event}
        return WebhookAnswer(202, {**content, "delivery_id": self.delivery_id})

    async def _say(
        self, scope: ProfileScope, log: ProfileLogger, delivery: WebhookDelivery, payload: object
    ) -> WebhookAnswer:
        key = f"webhook:{scope.name}:{self.route.name}:{self.delivery_id}"
        async with self.gateway.webhooks.in_progress.turn_of(key):
            if await was_seen(scope, delivery):
                return self._duplicate()
            place = await self._destination(scope, payload)
            if place is None:
                log.info(f"{self.route.name}: {one_line(scope.log.redact(delivery.text))[:_LOGGED]}")
            else:
                await say_now(scope, self.gateway.senders, place, delivery.text, key)
            await remember_delivery(scope, delivery)
        content = {"status": "delivered", "route": self.route.name, "target": self.route.deliver or LOG}
        return WebhookAnswer(200, {**content, "delivery_id": self.delivery_id})

    def _text(self, screened: Screened) -> str:
        return screened.text or render(self.route.prompt, screened.payload, self.event)

    async def _destination(self, scope: ProfileScope, payload: object) -> Destination | None:
        """Where to deliver. Only the pull request may come from the payload: chats are the operator's choice alone."""
        extra, deliver = dict(self.route.deliver_extra), self.route.deliver
        if deliver.lower() == GITHUB_COMMENT:
            extra = render_each(extra, payload, self.event)
        return await find_destination(scope, self.gateway.router, self.gateway.senders, deliver, extra)

    def _duplicate(self) -> WebhookAnswer:
        return WebhookAnswer(200, {"status": "duplicate", "delivery_id": self.delivery_id})
