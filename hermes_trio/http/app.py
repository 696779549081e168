"""From a request to its endpoint: web origin, profile prefix, path, the profile's state, its key."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from hermes_trio.errors import HermesTrioError, ProfileUnavailable
from hermes_trio.gateway.states import ProfileState
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.http.api_state import ApiState
from hermes_trio.http.auth import authorize
from hermes_trio.http.call import Call
from hermes_trio.http.choose_profile import profile_by_headers, profile_by_model, source_of_headers
from hermes_trio.http.endpoint import Endpoint, EndpointTable, Found, PublicCall
from hermes_trio.http.endpoints import ENDPOINTS
from hermes_trio.http.errors import error_answer
from hermes_trio.http.model_names import offered_profiles
from hermes_trio.http.mounted import serve_mounted
from hermes_trio.http.origins import BrowserSafeResponder, allows_origin, origin_headers, serve_preflight
from hermes_trio.http.webhooks.answers import UNKNOWN_PROFILE, refused
from hermes_trio.http.webhooks.endpoints import is_webhook_path

if TYPE_CHECKING:
    from hermes_trio.gateway.gateway import Gateway
    from hermes_trio.http.types import Request, Responder

_PLAIN = "text/plain; charset=utf-8"
_PASSING = (ProfileState.STARTING, ProfileState.DRAINING, ProfileState.BACKOFF)


class App:
    """Serves the HTTP API of every profile of a gateway.

    Args:
        gateway: All profiles.
        table: What is served; everything by default.
        with_mounts: Whether the paths of adapters are served too.
    """

    def __init__(self, gateway: Gateway, table: EndpointTable | None = None, *, with_mounts: bool = True) -> None:
        self._gateway = gateway
        self._table = table or EndpointTable(ENDPOINTS)
        self._with_mounts = with_mounts
        self._origins = gateway.settings.cors_origins
        self._states: defaultdict[str, ApiState] = defaultdict(ApiState)

    async def __call__(self, request: Request, responder: Responder) -> None:
        """Answer one request; an error of ours becomes a typed answer, whatever else goes wrong is the connection's."""
        responder = BrowserSafeResponder(responder, origin_headers(self._origins, request.headers))
        try:
            await self._dispatch(request, responder)
        except HermesTrioError as error:
            if responder.started:
                raise
            answer = error_answer(error)
            await responder.send(answer.status, answer.body, answer.headers)

    async def _dispatch(self, request: Request, responder: Responder) -> None:
        if not allows_origin(self._origins, request.headers):
            await responder.send(403, content_type=None)
            return
        if request.method == "OPTIONS":
            await serve_preflight(self._origins, responder)
            return
        name, path = split_prefix(request.path)
        if name is not None and name not in self._gateway.table and is_webhook_path(request.path):
            unknown = refused(404, UNKNOWN_PROFILE)
            await responder.send(unknown.status, unknown.body)
            return
        slot = None if name is None else self._gateway.table[name]
        mounted = self._gateway.mounts.find(name or DEFAULT_PROFILE, path) if self._with_mounts else None
        if mounted is not None:
            owner = slot or self._gateway.table[DEFAULT_PROFILE]
            await serve_mounted(owner.require_runtime(), mounted, request, responder)
            return
        found = self._table.find(path, request.segments if name is None else request.segments[2:])
        await self._serve_found(found, name, request, responder)

    async def _serve_found(self, found: Found | None, name: str | None, request: Request, responder: Responder) -> None:
        endpoint = None if found is None else found.endpoint(request.method)
        if found is None:
            await responder.send(404, b"404: Not Found", (), _PLAIN)
        elif endpoint is None:
            await responder.send(405, b"405: Method Not Allowed", (("Allow", found.allow),), _PLAIN)
        elif isinstance(endpoint, Endpoint):
            await self._serve_endpoint(endpoint, found, name, request, responder)
        elif name is not None and not endpoint.profiled:
            await responder.send(404, b"404: Not Found", (), _PLAIN)
        else:
            call = PublicCall(self._gateway, request, responder, name, found.parameters, self._table)
            await endpoint.serve(call)

    async def _serve_endpoint(
        self, endpoint: Endpoint, found: Found, name: str | None, request: Request, responder: Responder
    ) -> None:
        """Answer for the profile in the path, or the one that the holder of the default profile's key chooses."""
        call = await self._call(name or DEFAULT_PROFILE, found, request, responder)
        authorize(call.runtime.scope, request)
        if name is None:
            call = await self._choose(endpoint, replace(call, is_operator=True), found)
        await endpoint.serve(call.runtime.scope, call)

    async def _choose(self, endpoint: Endpoint, call: Call, found: Found) -> Call:
        operator = call.runtime.scope
        if endpoint.by_model:
            name = profile_by_model(self._gateway, operator, call.request)
            if name is None and call.source is not None:
                name = profile_by_headers(self._gateway, call.source)
            if name not in (None, DEFAULT_PROFILE):
                chosen = await self._call(name, found, call.request, call.responder)
                return replace(chosen, is_operator=True)
        elif endpoint.owns is not None and not await endpoint.owns(operator, call):
            return await self._owner(endpoint, call, found)
        return call

    async def _owner(self, endpoint: Endpoint, call: Call, found: Found) -> Call:
        """Where an id is known among the profiles that may be chosen; else the default profile says that it is not.

        Raises:
            ProfileUnavailable: A profile that may know it is about to be there again.
        """
        owns, passing = endpoint.owns, None
        for name in self._choosable(call):
            try:
                self._gateway.table[name].require_runtime()  # or a few that start would be waited for one by one
                other = await self._call(name, found, call.request, call.responder)
            except ProfileUnavailable as error:
                passing = error if self._gateway.table[name].state in _PASSING else passing
                continue
            if owns is not None and await owns(other.runtime.scope, other):
                return replace(other, is_operator=True)
        if passing is not None:
            raise passing
        return call

    def _choosable(self, call: Call) -> tuple[str, ...]:
        """The profiles that the request may choose: those that are offered, and the one its headers lead to."""
        names = dict.fromkeys(offered_profiles(self._gateway, call.runtime.scope))
        if call.source is not None:
            names[profile_by_headers(self._gateway, call.source)] = None
        return tuple(name for name in names if name != DEFAULT_PROFILE)

    async def _call(self, name: str, found: Found, request: Request, responder: Responder) -> Call:
        runtime = await self._gateway.table[name].ready_runtime()
        state, source = self._states[name], source_of_headers(request)
        return Call(self._gateway, runtime, state, request, responder, found.parameters, self._table, source)


def split_prefix(path: str) -> tuple[str | None, str]:
    """Split ``/p/<profile>/rest`` into the profile's name and ``/rest``; no name where there is no prefix."""
    if not path.startswith("/p/"):
        return None, path
    name, slash, rest = path[3:].partition("/")
    return name, slash + rest
