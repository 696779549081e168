"""How the loopback platform says no, on its own account or because a test has ordered it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from hermes_trio.http.types import ClientGone
from hermes_trio.testing.faults import Fault, FaultKind

if TYPE_CHECKING:
    from hermes_trio.http.types import Responder
    from hermes_trio.testing.loopback.state import Json


class ApiRefusal(Exception):
    """An answer that says no."""

    def __init__(self, status: int, error: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"error": error, "message": message}
        if retry_after is not None:
            self.body["retry_after"] = retry_after


async def strike(fault: Fault, responder: Responder) -> bool:
    """Let a fault happen; whether the request is over with it.

    Raises:
        ApiRefusal: The fault is an answer.
        ClientGone: The fault is a dropped connection.
    """
    refusals = {
        FaultKind.TOO_MANY_REQUESTS: ApiRefusal(429, "rate_limited", "too many requests", fault.seconds),
        FaultKind.SERVER_ERROR: ApiRefusal(500, "internal", "something broke"),
        FaultKind.UNAUTHORIZED: ApiRefusal(401, "bad_token", "no bot has this token"),
        FaultKind.CONFLICT: ApiRefusal(409, "conflict", "somebody else asks for this bot's events"),
        FaultKind.ERROR: ApiRefusal(fault.status, fault.description, "as the test ordered"),
    }
    if fault.kind in refusals:
        raise refusals[fault.kind]
    if fault.kind is FaultKind.DROP_BEFORE:
        raise ClientGone
    if fault.kind is FaultKind.HANG:
        await responder.wait_client_gone()
        raise ClientGone
    if fault.kind is FaultKind.BAD_GATEWAY:
        await responder.send(502, b"<html>Bad Gateway</html>", (), "text/html")
        return True
    if fault.kind is FaultKind.MALFORMED:
        await responder.send(200, b'{"events": [')
        return True
    if fault.kind is FaultKind.SLOW:
        await trio.sleep(fault.seconds)
    return False
