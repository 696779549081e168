"""A request to a path that an adapter serves: run in its profile's nursery, answered as the adapter says."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from hermes_trio.adapter_api.adapter import WebRequest

if TYPE_CHECKING:
    from hermes_trio.adapter_api.adapter import WebAnswer, WebHandler
    from hermes_trio.gateway.runtime import ProfileRuntime
    from hermes_trio.http.types import Request, Responder
    from hermes_trio.scope import ProfileScope


async def serve_mounted(runtime: ProfileRuntime, handler: WebHandler, request: Request, responder: Responder) -> None:
    """Hand a request to an adapter; who may ask is the adapter's to check.

    Raises:
        ProfileUnavailable: The profile has no time for it.
        ClientGone: The client went away.
    """
    headers = MappingProxyType({name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.raw})
    given = WebRequest(request.method, request.path, request.query, headers, request.body)

    async def handle(_scope: ProfileScope) -> WebAnswer:
        return await handler(given)

    answer = await runtime.call(handle)
    named = {name.lower(): value for name, value in answer.headers.items()}
    content_type = named.pop("content-type", "text/plain; charset=utf-8" if answer.body else None)
    await responder.send(answer.status, answer.body, tuple(named.items()), content_type)
