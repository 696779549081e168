"""Which hosts a profile's tools may connect to, by ``security.egress``. Pure: nothing here touches the network.

Rules are compared with the host a connection is really made to, after the URL was parsed and its name turned into
ASCII; so neither user names in URLs nor look-alike spellings of a host are a way round them.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hermes_trio.home.agent_config import EgressConfig
    from hermes_trio.home.config import ProfileConfig

ENFORCE: Final = "enforce"
OFF: Final = "off"

_PORTS: Final = (("https", 443), ("http", 80))
_NAME: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")


@dataclass(frozen=True, slots=True)
class HostRule:
    """One entry of the list.

    Attributes:
        host: The host as `plain_host` gives it; of a wildcard the part behind ``*.``, empty for every host.
        port: The only port, or None for all.
        below: Whether all names below ``host`` are meant, and not ``host`` itself.
    """

    host: str
    port: int | None = None
    below: bool = False

    def allows(self, host: str, port: int) -> bool:
        """Whether it allows a connection; ``host`` as `plain_host` gives it."""
        if self.port is not None and self.port != port:
            return False
        if not self.below:
            return host == self.host
        return not self.host or (host.endswith(f".{self.host}") and not is_address(host))


@dataclass(frozen=True, slots=True)
class EgressRules:
    """Which hosts are allowed.

    Attributes:
        exact: Hosts with their port.
        rules: All others.
    """

    exact: frozenset[tuple[str, int]]
    rules: tuple[HostRule, ...]

    def allows(self, host: str, port: int) -> bool:
        """Whether a connection is allowed.

        Args:
            host: As the connection is made to it: a name in ASCII, or an address with or without brackets.
            port: The port.
        """
        plain = plain_host(host)
        return (plain, port) in self.exact or any(rule.allows(plain, port) for rule in self.rules)


def make_egress_rules(config: EgressConfig, provider_urls: Iterable[str] = ()) -> EgressRules | None:
    """The rules of a profile, or None when it has none (mode ``off``).

    Args:
        config: The profile's settings.
        provider_urls: Addresses of its model providers, always allowed: host and port, nothing beside them.
    """
    if config.mode == OFF:
        return None
    rules = tuple(rule for entry in config.allow if (rule := parse_rule(entry)) is not None)
    return EgressRules(frozenset(place for url in provider_urls if (place := place_of(url)) is not None), rules)


def configured_provider_urls(config: ProfileConfig) -> frozenset[str]:
    """The addresses of model providers that stand in the settings; the well-known ones are the models' to name."""
    urls = {config.model.base_url}
    urls |= {provider.base_url for provider in config.providers if provider.enabled}
    urls |= {fallback.base_url for fallback in config.fallback_providers}
    urls |= {route.base_url for route in config.api_server.model_routes}
    urls |= {auxiliary.base_url for auxiliary in config.auxiliary.values()}
    return frozenset(url for url in urls if url)


def parse_rule(entry: str) -> HostRule | None:
    """Read ``host``, ``*.host``, ``host:port``, ``[address]:port``, ``*`` or an http(s) URL; None when it is none.

    What cannot be read allows nothing.
    """
    text = entry.strip().lower()
    if "://" in text:
        place = place_of(text)
        return None if place is None else HostRule(*place)
    host, port = _split_port(text)
    if port == 0 or not host:
        return None
    if host == "*":
        return HostRule("", port, below=True)
    below = host.startswith("*.")
    plain = plain_host(host.removeprefix("*."))
    if is_address(plain):
        return None if below else HostRule(plain, port)
    return HostRule(plain, port, below) if _NAME.fullmatch(plain) else None


def place_of(url: str) -> tuple[str, int] | None:
    """Host and port an http or https URL leads to, or None when it is not one."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port or dict(_PORTS).get(parts.scheme.lower())
    except ValueError:
        return None
    return (plain_host(parts.hostname), port) if parts.hostname and port else None


def plain_host(host: str) -> str:
    """The one spelling of a host by which it is compared: ASCII, lower case, no brackets, no dot at the end."""
    text = host.strip().lower()
    text = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    text = text.removesuffix(".")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        pass
    if text.isascii():
        return text
    import idna  # 9 ms, for few

    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except idna.IDNAError:
        return text


def is_address(host: str) -> bool:
    """Whether a host is an address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _split_port(text: str) -> tuple[str, int | None]:
    """Host and port; the port is None where there is none, and 0 where it cannot be one."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return (host, None) if not rest else (host, _port(rest.removeprefix(":")) if rest[0] == ":" else 0)
    if text.count(":") != 1:  # none, or an IPv6 address without brackets
        return text, None
    host, _, port = text.partition(":")
    return host, _port(port)


def _port(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    return number if number <= 65535 else 0
