"""What can be told from a provider's address: wire format, whether it is local, whose key it may get. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from hermes_trio.models.providers import (
    CHAT_COMPLETIONS,
    KNOWN_PROVIDERS,
    MESSAGES,
    RESPONSES,
    KnownProvider,
    host_belongs,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_TELLING_PATHS: Final = (
    ("/chat/completions", CHAT_COMPLETIONS),
    ("/responses", RESPONSES),
    ("/v1/messages", MESSAGES),
    ("/anthropic", MESSAGES),
    ("/anthropic/v1", MESSAGES),
)
_TELLING_HOSTS: Final[Mapping[str, str]] = {
    "api.openai.com": RESPONSES,
    "api.x.ai": RESPONSES,
    "api.anthropic.com": MESSAGES,
}
_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "net", "org"})


def host_of(base_url: str) -> str | None:
    """The host of an http or https address, lower case, or None when it is not such an address."""
    try:
        parts = urlsplit(base_url)
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        return None
    return parts.hostname if parts.scheme in ("http", "https") else None


def detect_api_mode(base_url: str) -> str | None:
    """The wire format that an address tells, in the way of Hermes, or None when it tells nothing.

    An address that names the very path of a format says more than its host.
    """
    path = urlsplit(base_url).path.rstrip("/")
    for end, mode in _TELLING_PATHS:
        if path.endswith(end):
            return mode
    return _TELLING_HOSTS.get(host_of(base_url) or "")


def is_local(host: str) -> bool:
    """Whether a host is this machine or in a private network, where models are slow to begin and need no key."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan"))
    return address.is_private or address.is_loopback


def known_by_host(host: str) -> KnownProvider | None:
    """The well-known provider that answers at this host, or None."""
    return next((known for known in KNOWN_PROVIDERS if host_belongs(host, known.domains)), None)


def key_variables(host: str) -> tuple[str, ...]:
    """Variables of ``.env`` whose value may be sent to this host.

    A well-known provider's variables for its own domains. For any other host the variable that carries its domain's
    name, unless that is one of a well-known provider: ``api.groq.com`` gives ``GROQ_API_KEY``, ``openai.example.org``
    gives ``EXAMPLE_API_KEY``, and ``openai.example`` gives nothing.
    """
    known = known_by_host(host)
    if known is not None:
        return known.key_variables
    vendor = _vendor_label(host)
    if not vendor:
        return ()
    derived = re.sub(r"[^A-Z0-9]", "_", vendor.upper()) + "_API_KEY"
    return () if any(derived in other.key_variables for other in KNOWN_PROVIDERS) else (derived,)


def _vendor_label(host: str) -> str:
    """The label of a host name that carries the vendor's name; empty for addresses and local names."""
    labels = host.split(".")
    if len(labels) < 2 or is_local(host) or labels[-1].isdigit() or ":" in host:
        return ""
    if len(labels) > 2 and labels[-2] in _SECOND_LEVEL and len(labels[-1]) == 2:
        return labels[-3]
    return labels[-2]
