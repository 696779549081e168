"""The control socket: what an operator on this machine may ask of the running gateway, over HTTP on a unix socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from hermes_trio.errors import HermesTrioError, RequestError
from hermes_trio.gateway.route_explanation import explain_route, explain_routed
from hermes_trio.gateway.route_report import report_routes
from hermes_trio.gateway.take_up import take_up_replayed
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.http.errors import error_answer
from hermes_trio.routing.source import read_source

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hermes_trio.gateway.gateway import Gateway
    from hermes_trio.http.types import Request, Responder

T = TypeVar("T")


class _Profile(msgspec.Struct, frozen=True):
    profile: str


class _Turn(msgspec.Struct, frozen=True):
    turn: str


class ControlApp:
    """Serves the control socket; who may open the socket file may ask.

    ``GET /control/status``; ``GET /control/routes``; ``GET /control/route/explain`` with the fields of a message, or
    the id of one that has come, as query parameters; ``POST /control/inbox-changed {"profile"}`` after messages were
    replayed; ``POST /control/cancel-turn {"turn"}``.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._verbs: dict[tuple[str, str], Callable[[Request], Awaitable[object]]] = {
            ("GET", "/control/status"): self._status,
            ("GET", "/control/routes"): self._show_routes,
            ("GET", "/control/route/explain"): self._explain_route,
            ("POST", "/control/inbox-changed"): self._inbox_changed,
            ("POST", "/control/cancel-turn"): self._cancel_turn,
        }

    async def __call__(self, request: Request, responder: Responder) -> None:
        """Answer one request."""
        verb = self._verbs.get((request.method, request.path))
        if verb is None:
            await responder.send(404, b"404: Not Found", (), "text/plain; charset=utf-8")
            return
        try:
            answer = await verb(request)
        except HermesTrioError as error:
            failure = error_answer(error)
            await responder.send(failure.status, failure.body, failure.headers)
        else:
            await responder.send(200, msgspec.json.encode(answer))

    async def _status(self, _request: Request) -> object:
        return self._gateway.status()

    async def _show_routes(self, _request: Request) -> object:
        router = self._gateway.router
        return report_routes(router.routes, router.unavailable, holds=router.holds)

    async def _explain_route(self, request: Request) -> object:
        router, query = self._gateway.router, request.query
        if message_id := query.get("message"):
            found = [routed for routed in router.recent if routed.message_id == message_id]
            return [await explain_routed(router, routed) for routed in found]
        source = read_source(query)
        return [await explain_route(router, query.get("bot") or DEFAULT_PROFILE, source)]

    async def _inbox_changed(self, request: Request) -> object:
        slot = self._gateway.table[_read(request, _Profile).profile]
        runtime = slot.require_runtime()
        chats = runtime.chats
        if chats is not None:
            await runtime.call(lambda _scope: take_up_replayed(chats))
        return {"told": chats is not None}

    async def _cancel_turn(self, request: Request) -> object:
        wanted = _read(request, _Turn).turn
        for slot in self._gateway.table:
            chats = slot.runtime.chats if slot.runtime is not None else None
            if chats is not None and chats.cancel_turn(wanted):
                return {"cancelled": wanted, "profile": slot.name}
        raise RequestError(
            f"no turn {wanted} runs", status=404, code="turn_unknown", mend="hermes-trio turns shows all"
        )


def _read(request: Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(request.body, type=kind)
    except msgspec.DecodeError as error:
        raise RequestError(f"the body is not as expected: {error}") from error
