from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.tools.files_rig import Agent


@pytest.fixture
async def agents(tmp_path) -> AsyncIterator[tuple[Agent, ...]]:
    """Two agents of one home, with what the file tools need."""
    from tests.tools.files_rig import open_agents

    async with open_agents(tmp_path, "ada", "bob") as opened:
        yield opened


@pytest.fixture
async def ada(agents) -> Agent:
    return agents[0]


@pytest.fixture
async def bob(agents) -> Agent:
    return agents[1]
