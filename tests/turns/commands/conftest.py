from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.turns.commands.rig import SOURCE, Chat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager


@pytest.fixture
def open_chat(open_agent) -> Callable[..., AbstractAsyncContextManager[Chat]]:
    """Open a profile and a chat with its bot."""

    @asynccontextmanager
    async def open_chat(source=SOURCE, platform=None, **profile: object) -> AsyncIterator[Chat]:
        async with open_agent(**profile) as opened:
            yield Chat(opened, source, platform)

    return open_chat


@pytest.fixture
async def chat(open_chat) -> AsyncIterator[Chat]:
    """A chat with a profile whose settings are the usual ones."""
    async with open_chat() as opened:
        yield opened
