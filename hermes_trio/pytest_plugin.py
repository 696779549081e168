"""The pytest plugin: the fixture ``hermes_gateway``. Imports nothing heavy until the fixture is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from hermes_trio.testing.gateway import GatewayFixture

    OpenGateway = Callable[..., AbstractAsyncContextManager[GatewayFixture]]


@pytest.fixture
def hermes_gateway(tmp_path: Path) -> OpenGateway:
    """`hermes_trio.testing.open_gateway` with its home in the test's own folder.

    For async tests on trio, e.g. with pytest-trio::

        async def test_ada(hermes_gateway):
            async with hermes_gateway({"ada": "You are Ada."}) as gateway:
                assert "Ada" in await gateway.ask("ada", "hello")
    """
    from functools import partial

    from hermes_trio.testing.gateway import open_gateway

    return partial(open_gateway, root=tmp_path / "hermes-home")
