"""The egress policy in front of every transport of a profile's HTTP client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from hermes_trio.io.egress import EgressGate

_DEFAULT_PORTS = (("https", 443), ("http", 80))


class EgressTransport(httpx.AsyncBaseTransport):
    """Asks the gate before it hands a request on.

    Args:
        gate: Decides.
        inner: Sends.
    """

    def __init__(self, gate: EgressGate, inner: httpx.AsyncBaseTransport) -> None:
        self._gate = gate
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; errors are the transport's.

        Raises:
            EgressDenied: Before any connection is made.
        """
        self._gate.check(*place_of_request(request))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the transport."""
        await self._inner.aclose()


def place_of_request(request: httpx.Request) -> tuple[str, int]:
    """Host and port that a request goes to."""
    url = request.url
    return url.raw_host.decode("ascii"), url.port or dict(_DEFAULT_PORTS).get(url.scheme, 0)
