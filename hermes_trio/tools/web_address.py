"""Which places in the network a model's URLs may lead to. Judged by the address a name was resolved to, never by how
the name is written. Pure, but for the resolution itself."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.tools.tool import ToolError

if TYPE_CHECKING:
    import httpx

LONGEST_URL: Final = 4096
RESOLVE_SECONDS: Final = 10.0
_REFUSED: Final = "url_refused"

_HOST: Final = re.compile(rb"[a-z0-9._:-]{1,253}")
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Where clouds hand out credentials to whoever asks from within; closed even where private addresses are open.
_METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, GCP, Azure, DigitalOcean, Oracle and others
        "169.254.170.2",  # AWS ECS
        "169.254.170.23",  # AWS EKS
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure's wire server: a public address
        "192.0.0.192",  # Oracle
        "fd00:ec2::254",  # AWS
        "fd00:ec2::23",  # AWS EKS
        "fd20:ce::254",  # GCP
    )
)
_METADATA_NAMES: Final = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "instance-data"})
_PRIVATE_ENDINGS: Final = (".localhost", ".local", ".internal", ".home.arpa", ".lan")
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_CLOSED_6: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("64:ff9b:1::/48", "2001::/32", "5f00::/16", "fec0::/10", "::/96", "100::/64", "2001:db8::/32")
)
_CLOSED_4: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "240.0.0.0/4")
)


def parse_url(text: str) -> httpx.URL:
    """Read a model's URL with the very parser that the connection will use.

    Raises:
        ToolError: Not an http or https URL, or one with a user name in it, which is there to deceive.
    """
    import httpx

    try:
        url = httpx.URL(text.strip()) if len(text) <= LONGEST_URL else None
    except (httpx.InvalidURL, ValueError):
        url = None
    if (
        url is None
        or url.scheme not in ("http", "https")
        or not _HOST.fullmatch(url.raw_host)
        or not _is_port(url.port)
    ):
        raise ToolError("not a usable URL", code=_REFUSED, found=repr(text[:120]), expected="http:// or https://")
    if url.userinfo:
        raise ToolError("URLs with a user name are not fetched", code=_REFUSED, where=url.host)
    return url


def _is_port(port: int | None) -> bool:
    return port is None or 0 < port < 65536


def name_refusal(host: str, *, allow_private: bool) -> str | None:
    """Why a name is refused before it is resolved, or None; a proxy might know it although we do not."""
    name = host.lower().rstrip(".")
    if name in _METADATA_NAMES:
        return "is a cloud's metadata service"
    if not allow_private and (name == "localhost" or name.endswith(_PRIVATE_ENDINGS)):
        return "is a private name"
    return None


def address_refusal(text: str, *, allow_private: bool) -> str | None:
    """Why an address is refused, or None.

    Args:
        text: As a resolver gives it.
        allow_private: Whether private addresses are open.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "is no address"
    meant = _really(address)
    if address in _METADATA or meant in _METADATA:
        return "is a cloud's metadata service"
    if allow_private or (_is_public(address) and _is_public(meant)):
        return None
    return "is a private address"


def _really(address: IPAddress) -> IPAddress:
    """The IPv4 address inside an IPv6 one, where it leads there."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or int(address) >> 32 == 0:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: IPAddress) -> bool:
    """Stricter than ``is_global``, whose idea of some ranges changed between versions of Python."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return _is_public(address.ipv4_mapped)
    if isinstance(address, ipaddress.IPv6Address) and address in _NAT64:
        return True  # what is inside is judged as well
    closed = _CLOSED_4 if isinstance(address, ipaddress.IPv4Address) else _CLOSED_6
    if any(address in network for network in closed):
        return False
    special = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )
    return address.is_global and not special


async def resolve(host: str, port: int) -> tuple[str, ...]:
    """The addresses of a host, IPv4 first, each once; empty when there is none.

    Raises:
        ToolError: No answer within `RESOLVE_SECONDS`.
    """
    with trio.move_on_after(RESOLVE_SECONDS):
        try:
            found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return ()
        ordered = sorted(found, key=lambda entry: entry[0] != socket.AF_INET)
        return tuple(dict.fromkeys(str(entry[4][0]) for entry in ordered))
    raise ToolError(f"the name was not resolved within {RESOLVE_SECONDS:g} s", where=host)
