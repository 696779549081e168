"""The control socket: what an operator on this machine may ask of the running gateway, over HTTP on a unix socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from hermes_trio.gateway.gateway import Gateway
    from hermes_trio.http.types import Request, Responder


class ControlApp:
    """Serves ``GET /control/status``; who may open the socket file may ask."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, request: Request, responder: Responder) -> None:
        """Answer one request."""
        if (request.method, request.path) == ("GET", "/control/status"):
            await responder.send(200, msgspec.json.encode(self._gateway.status()))
        else:
            await responder.send(404, b"404: Not Found", (), "text/plain; charset=utf-8")
