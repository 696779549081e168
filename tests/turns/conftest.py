from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from hermes_trio.home.settings import load_profile_settings
from hermes_trio.io.clock import FixedClock
from hermes_trio.io.log import open_log_writer
from hermes_trio.io.workers import InlineWorkers
from hermes_trio.models.events import ReasoningDelta, TextDelta
from hermes_trio.scope import ProfileScope, make_shared, open_scope
from hermes_trio.store.schema import prepare
from hermes_trio.testing.home import ProfileFiles, write_home
from hermes_trio.turns.agent import Agent as TurnAgent
from hermes_trio.turns.agent import open_agent as open_turn_agent
from hermes_trio.turns.turn import TurnRequest, TurnResult, run_turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from hermes_trio.turns.events import TurnEvent


@dataclass
class Agent:
    """A profile on ``builtin/echo`` with everything real but its clock and its threads."""

    scope: ProfileScope
    agent: TurnAgent

    @property
    def home(self) -> Path:
        return self.scope.home.root

    async def ask(self, text: object, **changes: object) -> TurnResult:
        """Run one turn of the stored session ``s``, unless ``changes`` say otherwise."""
        request = TurnRequest(turn_id="4f1c", session_id="s", user_message=text)
        return await run_turn(self.scope, self.agent, replace(request, **changes), ignore)

    async def prompt(self, **changes: object) -> str:
        """The system prompt as the model gets it."""
        return (await self.ask("!system text", **changes)).text

    async def rows(self, sql: str) -> list[tuple[object, ...]]:
        return await self.scope.db.read(lambda connection: connection.execute(sql).fetchall())

    def log_lines(self, name: str = "agent.log") -> list[str]:
        file = self.scope.home.logs / name
        return file.read_text().splitlines() if file.exists() else []


async def ignore(events: object) -> None:
    """A reader who does not care."""


class Reader:
    """Remembers what it was shown."""

    def __init__(self) -> None:
        self.text = ""
        self.reasoning = ""
        self.events: list[TurnEvent] = []

    async def __call__(self, events: object) -> None:
        for event in events:
            self.events.append(event)
            if isinstance(event, TextDelta):
                self.text += event.text
            elif isinstance(event, ReasoningDelta):
                self.reasoning += event.text


@pytest.fixture
def open_agent(tmp_path) -> Callable[..., AbstractAsyncContextManager[Agent]]:
    @asynccontextmanager
    async def open_agent(
        name: str = "ada",
        soul: str = "You are Ada.",
        config: dict[str, object] | None = None,
        env: dict[str, str] | None = None,
        clock: FixedClock | None = None,
    ) -> AsyncIterator[Agent]:
        files = ProfileFiles(
            soul=soul,
            config={"model": "builtin/echo", "platform_toolsets": {"api_server": []}, **(config or {})},
            env=env or {},
        )
        home = write_home(tmp_path, {name: files})
        workers, clock = InlineWorkers(), clock or FixedClock()
        async with open_log_writer(workers, clock) as writer:
            shared = make_shared(writer, workers=workers, clock=clock, jitter=lambda: 0.5)
            async with (
                open_scope(load_profile_settings(home, name, {}), 1, shared, prepare) as scope,
                open_turn_agent(scope) as agent,
            ):
                yield Agent(scope, agent)

    return open_agent


@pytest.fixture
def reader() -> Reader:
    return Reader()
