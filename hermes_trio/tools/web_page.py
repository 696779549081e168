"""Fetches what a model's URL leads to: every hop is checked, and connected to at the address that was checked."""

from __future__ import annotations

import codecs
import re
import zlib
from contextlib import aclosing
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

import trio

from hermes_trio.tools.tool import ToolError
from hermes_trio.tools.web_address import address_refusal, name_refusal, parse_url, resolve

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Mapping

    import httpx

    from hermes_trio.scope import ProfileScope

LARGEST_PAGE: Final = 5 * 1024 * 1024
MOST_REDIRECTS: Final = 5
PAGE_SECONDS: Final = 45.0
CONNECT_SECONDS: Final = 8.0
MOST_LOOKUPS: Final = 4
_MOST_ADDRESSES: Final = 3
_REFUSED: Final = "url_refused"
_GZIP_OR_ZLIB: Final = 47
PACKED_HOW: Final[Mapping[str, str]] = MappingProxyType({"Accept-Encoding": "gzip, deflate"})
"""The ways of packing that `read_body` knows."""

_HEADERS: Final[Mapping[str, str]] = {
    "User-Agent": "Mozilla/5.0 (compatible; hermes-trio)",
    "Accept-Language": "en, *;q=0.5",
}
_DECLARED: Final = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([a-zA-Z0-9_:.-]{2,40})""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page:
    """What came from the network.

    Attributes:
        url: Where it came from in the end.
        media_type: ``text/html`` and the like, lower case; empty when the server does not say.
        charset: As the server says, or empty.
        data: The content, decompressed.
        truncated: Whether there was more.
    """

    url: str
    media_type: str
    charset: str
    data: bytes
    truncated: bool

    def text(self) -> str:
        """The content as text, by what the server, a byte-order mark or the page says; else UTF-8 or Windows' Latin."""
        for name in (self.charset, _marked(self.data), _declared(self.data)):
            if name:
                return self.data.decode(name, "replace")
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError as error:
            cut_off = self.truncated and error.start > len(self.data) - 4
            return self.data.decode("utf-8" if cut_off else "cp1252", "replace")


async def fetch_page(scope: ProfileScope, url: str, *, accept: str = "*/*", most: int = LARGEST_PAGE) -> Page:
    """Fetch a URL within `PAGE_SECONDS`, following at most `MOST_REDIRECTS` redirects.

    Args:
        scope: Whose way out is used.
        url: As the model wrote it.
        accept: The media types that are wanted.
        most: Bytes to take; what comes after them is left.

    Raises:
        ToolError: It leads to a place that is closed, nobody answers, or the answer is an error.
        EgressDenied: The profile's egress policy does not allow the host.
    """
    import httpx

    with trio.move_on_after(PAGE_SECONDS):
        try:
            return await _follow(scope, url, accept, most)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ToolError(f"cannot be fetched: {error}", where=_shown(url)) from error
    raise ToolError(f"not fetched within {PAGE_SECONDS:g} s", where=_shown(url))


async def _follow(scope: ProfileScope, text: str, accept: str, most: int) -> Page:
    url = parse_url(text)
    for _ in range(MOST_REDIRECTS + 1):
        response = await _open(scope, url, accept)
        try:
            if not response.has_redirect_location:
                return await _receive(response, url, most)
            url = parse_url(str(url.join(response.headers["location"])))
        finally:
            await response.aclose()
    raise ToolError(f"more than {MOST_REDIRECTS} redirects", where=_shown(text))


async def _open(scope: ProfileScope, url: httpx.URL, accept: str) -> httpx.Response:
    """Check where a URL leads, and connect to just that."""
    import httpx

    host, port = url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80)
    if scope.http.egress is not None:
        scope.http.egress.check(host, port)  # before the name is resolved: a question to a name server goes out too
    addresses = await _checked_addresses(scope, host, port)
    client = scope.http.client()
    timeout = httpx.Timeout(PAGE_SECONDS, connect=CONNECT_SECONDS)
    for number, address in enumerate(addresses[:_MOST_ADDRESSES], 1):
        request = client.build_request(
            "GET",
            url,
            headers={**_HEADERS, **PACKED_HOW, "Accept": accept},
            timeout=timeout,
            extensions={"address": address} if address else {},
        )
        try:
            return await client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            if number == len(addresses[:_MOST_ADDRESSES]):
                raise
    raise AssertionError("there is at least one address")


async def _checked_addresses(scope: ProfileScope, host: str, port: int) -> tuple[str, ...]:
    """The addresses to connect to; one empty one where a proxy resolves what we cannot.

    Raises:
        ToolError: One of them is closed, or there is none.
    """
    allow_private = scope.config.security.allow_private_urls
    refused = name_refusal(host, allow_private=allow_private)
    if refused:
        addresses: tuple[str, ...] = ()
    else:
        async with _lookups_of(scope):
            addresses = await resolve(host, port)
    for address in addresses:
        refused = refused or address_refusal(address, allow_private=allow_private)
    if refused:
        mend = None if "metadata" in refused else "the user can open these with security.allow_private_urls"
        raise ToolError(f"this host {refused} and is not fetched", code=_REFUSED, where=host, mend=mend)
    if not addresses and not scope.config.network.proxy:
        raise ToolError("there is no such host", where=host)
    return addresses or ("",)


def _lookups_of(scope: ProfileScope) -> trio.CapacityLimiter:
    """Bounds the names a profile looks up at once.

    A lookup takes a thread of those that all profiles have in common, and keeps it for a while when it is given up.
    """
    return scope.files.derive("name lookups", (), lambda: trio.CapacityLimiter(MOST_LOOKUPS))


async def _receive(response: httpx.Response, url: httpx.URL, most: int) -> Page:
    if response.status_code >= 400:
        raise ToolError(f"the server answered {response.status_code} {response.reason_phrase}", where=_shown(str(url)))
    media_type, _, parameters = response.headers.get("content-type", "").partition(";")
    data, truncated = await read_body(response, most)
    charset = re.search(r"charset\s*=\s*[\"']?([\w:.-]+)", parameters, re.IGNORECASE)
    return Page(str(url), media_type.strip().lower(), _known(charset[1]) if charset else "", data, truncated)


async def read_body(response: httpx.Response, most: int) -> tuple[bytes, bool]:
    """The body of a streamed response, unpacked, up to ``most`` bytes, and whether there was more.

    A small body that unpacks to a huge one fills no memory.

    Raises:
        ToolError: It is packed in a way we did not ask for, or wrongly.
        httpx.HTTPError: The connection broke.
    """
    unpacker = _unpacker(response.headers.get("content-encoding", ""))
    received = bytearray()
    # As it comes from the network: `aiter_raw` would wrap it in another generator that nobody can close.
    async with aclosing(_pieces(response)) as pieces:
        async for piece in pieces:
            received += piece if unpacker is None else _unpack(unpacker, piece, most + 1 - len(received))
            if len(received) > most:
                return bytes(received[:most]), True
            if unpacker is not None and unpacker.eof:
                break
    return bytes(received), False


def _pieces(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    pieces = cast("AsyncIterable[bytes]", response.stream).__aiter__()
    return cast("AsyncGenerator[bytes, None]", pieces)


def _unpacker(encoding: str) -> zlib._Decompress | None:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name not in ("gzip", "x-gzip", "deflate"):
        raise ToolError(f"the server packs its answer in a way we did not ask for: {name[:40]}")
    return zlib.decompressobj(_GZIP_OR_ZLIB)


def _unpack(unpacker: zlib._Decompress, piece: bytes, most: int) -> bytes:
    try:
        return unpacker.decompress(unpacker.unconsumed_tail + piece, most)
    except zlib.error as error:
        raise ToolError(f"the answer is packed wrongly: {error}") from error


def _marked(data: bytes) -> str:
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    return "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ""


def _declared(data: bytes) -> str:
    found = _DECLARED.search(data[:4096])
    return _known(found[1].decode("ascii")) if found else ""


def _known(charset: str) -> str:
    """The name of a text encoding Python knows, or nothing."""
    try:
        found = codecs.lookup(charset)
        "".encode(charset)
    except (LookupError, ValueError):
        return ""
    return "cp1252" if found.name in ("iso8859-1", "ascii") else found.name  # as browsers do


def _shown(url: str) -> str:
    return url if len(url) <= 200 else f"{url[:197]}..."
