from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tools.files_rig import open_agents

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hermes_trio.scope import ProfileScope


@pytest.fixture
async def scopes(tmp_path) -> AsyncIterator[tuple[ProfileScope, ProfileScope]]:
    """Two profiles of one home, each with a workspace."""
    async with open_agents(tmp_path / "hermes", "ada", "bob") as agents:
        yield agents[0].scope, agents[1].scope


@pytest.fixture
async def ada(scopes) -> ProfileScope:
    return scopes[0]


@pytest.fixture
async def bob(scopes) -> ProfileScope:
    return scopes[1]
