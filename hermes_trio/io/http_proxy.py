"""The way out through a proxy: httpx's own transport, for all that ``no_proxy`` does not name."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import trio

from hermes_trio.errors import ConfigError, ScopeClosed
from hermes_trio.io.http_transport import CLOSE_SECONDS, IDLE_SECONDS
from hermes_trio.io.tls import PUBLIC_AUTHORITIES, SharedTls, TlsChoice

if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT_CONNECTIONS = 64


class ProxyTransport(httpx.AsyncBaseTransport):
    """Sends requests through a proxy, over one httpx transport for each `TlsChoice`, built at its first request.

    Args:
        tls: Contexts for ``https``.
        proxy: URL of the proxy; may hold a user and a password, which never show in errors.
    """

    def __init__(self, tls: SharedTls, proxy: str) -> None:
        self._tls = tls
        self._proxy = proxy
        self._transports: dict[TlsChoice, httpx.AsyncHTTPTransport] = {}
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; errors are httpx's.

        Raises:
            ScopeClosed: The transport is closed.
        """
        choice: TlsChoice = request.extensions.get("tls", PUBLIC_AUTHORITIES)
        try:
            context = await self._tls.context(choice)
        except OSError as exc:
            raise httpx.ConnectError(f"cannot use the authorities in {choice.ca_file!r}: {exc}") from exc
        if self._closed:
            raise ScopeClosed("the HTTP client was used after its profile's scope was closed")
        transport = self._transports.get(choice)
        if transport is None:
            # httpcore closes a connection after its response when more than the kept ones are open.
            limits = httpx.Limits(
                max_connections=None, max_keepalive_connections=KEPT_CONNECTIONS, keepalive_expiry=IDLE_SECONDS
            )
            transport = httpx.AsyncHTTPTransport(proxy=self._proxy, verify=context, trust_env=False, limits=limits)
            self._transports[choice] = transport
        return await transport.handle_async_request(_with_target_in_url(request))

    async def aclose(self) -> None:
        """Close every connection, idle or not; takes at most 2 s, cancelled or not."""
        self._closed = True
        with trio.move_on_after(CLOSE_SECONDS, shield=True):
            for transport in self._transports.values():
                await transport.aclose()


def _with_target_in_url(request: httpx.Request) -> httpx.Request:
    """The request with its target, if it has one, in its URL: httpcore would put it into what it asks the proxy for.

    Nobody logs the URL here any more.
    """
    target = request.extensions.get("target")
    if target is None:
        return request
    return httpx.Request(
        request.method,
        request.url.copy_with(raw_path=target),
        headers=request.headers.raw,
        stream=request.stream,
        extensions={name: value for name, value in request.extensions.items() if name != "target"},
    )


def check_proxy(proxy: str) -> str:
    """The proxy's URL, ``http://`` added where no scheme is given.

    Raises:
        ConfigError: Not the URL of an HTTP proxy.
    """
    url = proxy.strip()
    url = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(
            "the proxy cannot be used",
            where="network.proxy",
            found=f"scheme {url.partition('://')[0]!r}" if "://" in proxy else "no URL",
            expected="http://host:port or https://host:port",
            mend="correct network.proxy (or https_proxy in .env), or remove it",
        )
    return url


def direct_mounts(no_proxy: str) -> Mapping[str, None] | None:
    """The patterns of httpx for what ``no_proxy`` names, or None when it names everything.

    Args:
        no_proxy: Hosts separated by commas: a name stands for itself and all below it, ``*`` for everything.
    """
    mounts: dict[str, None] = {}
    for entry in (part.strip().lower() for part in no_proxy.split(",")):
        if entry == "*":
            return None
        if entry:
            mounts[_pattern(entry)] = None
    return mounts


def _pattern(entry: str) -> str:
    if "://" in entry:
        return entry
    bare = entry.strip("[]")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return f"all://{entry}" if entry == "localhost" else f"all://*{entry.removeprefix('*')}"
    return f"all://[{address}]" if address.version == 6 else f"all://{address}"
