"""Public helpers for tests: a whole gateway in process, on a mock clock, without a network; fakes of chat platforms."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.testing.gateway import GatewayFixture, open_gateway
    from hermes_trio.testing.home import ProfileFiles, test_key, write_home, write_profile
    from hermes_trio.testing.hosts import connect_by_host

__all__ = [
    "GatewayFixture",
    "ProfileFiles",
    "connect_by_host",
    "open_gateway",
    "test_key",
    "write_home",
    "write_profile",
]

_MODULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "GatewayFixture": "hermes_trio.testing.gateway",
        "open_gateway": "hermes_trio.testing.gateway",
        "ProfileFiles": "hermes_trio.testing.home",
        "test_key": "hermes_trio.testing.home",
        "connect_by_host": "hermes_trio.testing.hosts",
        "write_home": "hermes_trio.testing.home",
        "write_profile": "hermes_trio.testing.home",
    }
)


def __getattr__(name: str) -> object:
    # A fake of a platform, maybe in a process of its own, should not have to load the whole gateway.
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(module), name)
