"""A listener for webhooks alone, where the settings ask for one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.http.app import App
from hermes_trio.http.endpoint import EndpointTable
from hermes_trio.http.listener import Listener, open_tcp_listeners, serve_listener
from hermes_trio.http.origins import SECURITY_HEADERS, origin_headers
from hermes_trio.http.types import ListenerLimits
from hermes_trio.http.webhooks.endpoints import is_webhook_path, own_endpoints

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermes_trio.gateway.gateway import Gateway
    from hermes_trio.http.types import Headers

RETRY_SECONDS: Final = 30.0


def listener_limits(gateway: Gateway) -> ListenerLimits:
    """Sizes and times of a listener that serves webhooks, too, and what its own answers tell browsers."""
    usual = ListenerLimits()

    def body_bytes(path: str) -> int:
        return gateway.webhooks.max_body_bytes if is_webhook_path(path) else usual.body_bytes

    def refusal_headers(headers: Headers) -> tuple[tuple[str, str], ...]:
        return (*SECURITY_HEADERS, *origin_headers(gateway.settings.cors_origins, headers))

    return replace(usual, body_bytes_for=body_bytes, refusal_headers=refusal_headers)


async def serve_webhook_listener(gateway: Gateway, on_error: Callable[[BaseException], None]) -> None:
    """Serve ``/webhooks``, ``/p/<profile>/webhooks`` and ``/health`` on a port of their own, until cancelled.

    A port that is taken is tried again every 30 s; meanwhile the gateway's own listener serves the routes, and the
    status says what is wrong.

    Args:
        gateway: All profiles.
        on_error: Told of what handlers raise.
    """
    config = gateway.settings.webhook
    app = App(gateway, EndpointTable(own_endpoints(config.host)), with_mounts=False)
    where = f"{config.host or 'all addresses'}, port {config.port}"
    while True:
        try:
            sockets = await open_tcp_listeners(config.host or None, config.port)
        except OSError as error:
            gateway.webhooks.note_listener_problem(
                f"cannot listen on {where}: {error.strerror or error}; next try in {RETRY_SECONDS:g} s"
            )
            await trio.sleep(RETRY_SECONDS)
            continue
        gateway.webhooks.note_listener_problem("")
        async with trio.open_nursery() as nursery:
            listener: Listener = await nursery.start(
                serve_listener, sockets, app, listener_limits(gateway), on_error, name="webhook listener"
            )
            host, port = listener.address
            gateway.webhooks.address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            gateway.log.info(f"webhooks: listening on {gateway.webhooks.address}")
