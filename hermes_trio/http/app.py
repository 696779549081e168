"""From a request to its handler: web origin, profile prefix, route, the profile's state, its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.errors import HermesTrioError
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.http.auth import authorize
from hermes_trio.http.chat_completions import serve_chat_completions
from hermes_trio.http.errors import error_answer
from hermes_trio.http.health import serve_detailed_health, serve_health
from hermes_trio.http.idempotency import IdempotencyCache
from hermes_trio.http.model_list import serve_model_list
from hermes_trio.http.mounted import serve_mounted
from hermes_trio.http.origins import BrowserSafeResponder, allows_origin, origin_headers, serve_preflight

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.gateway.gateway import Gateway
    from hermes_trio.gateway.table import ProfileSlot
    from hermes_trio.http.types import Request, Responder

_METHODS: Mapping[str, str] = {
    "/health": "GET",
    "/v1/health": "GET",
    "/health/detailed": "GET",
    "/v1/models": "GET",
    "/v1/chat/completions": "POST",
}


class App:
    """Serves the HTTP API of every profile of a gateway, each route also under ``/p/<profile>/``."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._origins = gateway.settings.cors_origins
        self._caches: dict[str, IdempotencyCache] = {slot.name: IdempotencyCache() for slot in gateway.table}

    async def __call__(self, request: Request, responder: Responder) -> None:
        """Answer one request; an error of ours becomes a typed answer, whatever else goes wrong is the connection's."""
        responder = BrowserSafeResponder(responder, origin_headers(self._origins, request))
        try:
            await self._dispatch(request, responder)
        except HermesTrioError as error:
            if responder.started:
                raise
            answer = error_answer(error)
            await responder.send(answer.status, answer.body, answer.headers)

    async def _dispatch(self, request: Request, responder: Responder) -> None:
        if not allows_origin(self._origins, request):
            await responder.send(403, content_type=None)
            return
        if request.method == "OPTIONS":
            await serve_preflight(self._origins, responder)
            return
        name, path = split_prefix(request.path)
        if path in ("/health", "/v1/health") and name is None and request.method in ("GET", "HEAD"):
            await serve_health(responder)
            return
        slot = self._gateway.table[DEFAULT_PROFILE if name is None else name]
        mounted = self._gateway.mounts.find(slot.name, path)
        allowed = _METHODS.get(path)
        if mounted is not None:
            await serve_mounted(slot.require_runtime(), mounted, request, responder)
        elif allowed is None:
            await responder.send(404, b"404: Not Found", (), "text/plain; charset=utf-8")
        elif request.method != allowed and (request.method, allowed) != ("HEAD", "GET"):
            await responder.send(405, b"405: Method Not Allowed", (("Allow", allowed),), "text/plain; charset=utf-8")
        else:
            await self._serve_profile(slot, path, request, responder)

    async def _serve_profile(self, slot: ProfileSlot, path: str, request: Request, responder: Responder) -> None:
        runtime = await slot.ready_runtime()
        if path in ("/health", "/v1/health"):
            await serve_health(responder)
            return
        authorize(runtime.scope, request)
        if path == "/v1/chat/completions":
            await serve_chat_completions(runtime, self._caches[slot.name], request, responder)
        elif path == "/v1/models":
            await serve_model_list(runtime, request, responder)
        else:
            await serve_detailed_health(self._gateway, runtime, responder)


def split_prefix(path: str) -> tuple[str | None, str]:
    """Split ``/p/<profile>/rest`` into the profile's name and ``/rest``; no name where there is no prefix."""
    if not path.startswith("/p/"):
        return None, path
    name, slash, rest = path[3:].partition("/")
    return name, slash + rest
