"""`ProfileHttp`: a profile's only way out to the network. httpx is imported at its first use: 95 ms and 7 MB."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import trio

from hermes_trio.errors import ScopeClosed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from hermes_trio.io.egress import EgressGate
    from hermes_trio.io.http_transport import Connect, Spawn
    from hermes_trio.io.tls import SharedTls

CONNECT_SECONDS = 10.0
READ_SECONDS = 120.0
WRITE_SECONDS = 30.0
POOL_SECONDS = 5.0


class NetworkLike(Protocol):
    """The network settings of a profile."""

    @property
    def proxy(self) -> str:
        """URL of the proxy, or nothing."""
        ...

    @property
    def no_proxy(self) -> str:
        """Hosts that are reached directly, separated by commas."""
        ...


class ProfileHttp:
    """Builds the profile's `httpx.AsyncClient` when it is first wanted: one, and one for each proxy asked for by name.

    Args:
        network: Proxy settings.
        tls: Contexts for ``https``.
        connect: Opens streams instead of real sockets; then no proxy is used.
        spawn: Starts a task that ends when this is closed.
        egress: Every request passes it; None lets everything out.

    Attributes:
        egress: The same, for who has to know before a request is made, as a name's resolution goes out too.
    """

    def __init__(
        self,
        network: NetworkLike,
        tls: SharedTls,
        connect: Connect | None,
        spawn: Spawn,
        egress: EgressGate | None = None,
    ) -> None:
        self._network = network
        self._tls = tls
        self._connect = connect
        self._spawn = spawn
        self.egress = egress
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._transports: list[httpx.AsyncBaseTransport] = []
        self._closed = False

    def client(self, proxy: str = "") -> httpx.AsyncClient:
        """The client: no redirects, no cookies kept, nothing from the environment.

        It has 10 s to connect, 120 s for a read and 30 s for a write. A request may choose how its server is verified
        with ``extensions={"tls": TlsChoice(...)}``, and to which address its host's name was resolved with
        ``{"address": "192.0.2.1"}``; a proxy resolves names itself. One whose kept connection turns out dead goes out
        again on a new one, although the server may have read it; ``{"once": True}`` forbids that. What
        ``{"target": b"/path"}`` says is asked for in place of the URL's path, where that is secret: httpx logs URLs.

        Args:
            proxy: A proxy in place of the network settings' one, for who has one of their own; ``no_proxy`` does not
                concern it. Empty for the usual client.

        Raises:
            ScopeClosed: The profile's scope is closed.
            ConfigError: The proxy's URL is unusable.
        """
        if self._closed:
            raise ScopeClosed("the HTTP client was used after its profile's scope was closed")
        client = self._clients.get(proxy)
        if client is None:
            client = self._clients[proxy] = self._build(proxy)
        return client

    async def aclose(self) -> None:
        """Close every connection; from then on all requests raise `ScopeClosed`."""
        self._closed = True
        for transport in self._transports:
            await transport.aclose()

    def _build(self, proxy: str) -> httpx.AsyncClient:
        from http.cookiejar import DefaultCookiePolicy

        import httpx

        from hermes_trio.io.http_transport import TrioTransport

        mounts = self._proxy_mounts(proxy)
        direct = TrioTransport(self._tls, connect=self._connect, spawn=self._spawn)
        self._transports += [direct, *(transport for transport in mounts.values() if transport is not None)]
        guarded = {pattern: transport and self._guarded(transport) for pattern, transport in mounts.items()}
        timeout = httpx.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS, write=WRITE_SECONDS, pool=POOL_SECONDS)
        client = httpx.AsyncClient(
            transport=self._guarded(direct), mounts=guarded, trust_env=False, follow_redirects=False, timeout=timeout
        )
        # What one page or provider sets must not be sent with later requests of other turns.
        client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
        return client

    def _guarded(self, transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        if self.egress is None:
            return transport
        from hermes_trio.io.egress_transport import EgressTransport

        return EgressTransport(self.egress, transport)

    def _proxy_mounts(self, own_proxy: str) -> dict[str, httpx.AsyncBaseTransport | None]:
        if not (own_proxy or self._network.proxy) or self._connect is not None:
            return {}
        from hermes_trio.io.http_proxy import ProxyTransport, check_proxy, direct_mounts

        if own_proxy:
            return {"all://": ProxyTransport(self._tls, check_proxy(own_proxy))}
        proxy = check_proxy(self._network.proxy)
        direct = direct_mounts(self._network.no_proxy)
        return {} if direct is None else {"all://": ProxyTransport(self._tls, proxy), **direct}


@asynccontextmanager
async def open_http(
    network: NetworkLike, tls: SharedTls, *, connect: Connect | None = None, egress: EgressGate | None = None
) -> AsyncIterator[ProfileHttp]:
    """Open a profile's way out and close it at the end, with every connection.

    Args:
        network: Proxy settings.
        tls: Contexts for ``https``.
        connect: Opens streams instead of real sockets.
        egress: The profile's egress policy, or None when it has none.
    """
    raised: BaseException | None = None
    try:
        # Only for the task that closes idle connections: while none is idle the nursery is empty.
        async with trio.open_nursery() as nursery:
            http = ProfileHttp(network, tls, connect, nursery.start_soon, egress)
            try:
                yield http
            finally:
                await http.aclose()
                nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        raised = group.exceptions[0] if len(group.exceptions) == 1 else group
    if raised is not None:
        raise raised  # what the body raised, as it raised it, without the nursery's group around it
