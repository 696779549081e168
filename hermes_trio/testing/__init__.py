"""Public helpers for tests: a whole gateway in process, on a mock clock, without a network."""

from hermes_trio.testing.gateway import GatewayFixture, open_gateway
from hermes_trio.testing.home import ProfileFiles, test_key, write_home, write_profile

__all__ = ["GatewayFixture", "ProfileFiles", "open_gateway", "test_key", "write_home", "write_profile"]
