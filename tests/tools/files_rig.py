"""Profiles whose agents work with files; everything real but the threads and the clock."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import fastjsonschema

from hermes_trio.home.settings import load_profile_settings
from hermes_trio.io.clock import FixedClock
from hermes_trio.io.log import open_log_writer
from hermes_trio.io.workers import InlineWorkers, Workers
from hermes_trio.scope import ProfileScope, make_shared, open_scope
from hermes_trio.store.schema import prepare
from hermes_trio.testing.home import ProfileFiles, write_home
from hermes_trio.tools import files_patch, files_read, files_search, files_write, memory, todo
from hermes_trio.tools.todo_list import TodoList
from hermes_trio.tools.tool_turn import ToolTurn, TurnMemo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from hermes_trio.tools.tool import Tool

FAMILIES = (files_read, files_write, files_patch, files_search, memory, todo)
TOOLS: Mapping[str, Tool] = {tool.name: tool for family in FAMILIES for tool in family.TOOLS}
CHECKS = {name: fastjsonschema.compile(dict(tool.parameters)) for name, tool in TOOLS.items()}


@dataclass
class Agent:
    """A profile, and one turn of it."""

    scope: ProfileScope
    memo: TurnMemo = field(default_factory=TurnMemo)
    todo: TodoList = field(default_factory=TodoList)

    @property
    def home(self) -> Path:
        return self.scope.home.root

    @property
    def workspace(self) -> Path:
        return self.scope.home.workspace

    def put(self, name: str, content: str | bytes) -> Path:
        """Put a file into the workspace."""
        path = self.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    async def call(self, name: str, **arguments: object) -> dict[str, object]:
        """Call a tool as the loop does: the arguments fit its schema, the reply is JSON."""
        CHECKS[name](arguments)
        notes = {"memo": self.memo, "todo": self.todo}
        turn = ToolTurn("t", "s", "", "api_server", "", None, approve=None, ask_model=None, **notes)
        reply = await TOOLS[name].run(self.scope, turn, arguments)
        return json.loads(json.dumps(reply))

    def new_turn(self) -> None:
        self.memo = TurnMemo()


@asynccontextmanager
async def open_agents(
    root: Path,
    *names: str,
    config: Mapping[str, object] = MappingProxyType({}),
    base: Mapping[str, str] | None = None,
    workers: Workers | None = None,
    clock: FixedClock | None = None,
) -> AsyncIterator[tuple[Agent, ...]]:
    """Open several profiles of one home, each with a workspace."""
    files = ProfileFiles(config={"model": "builtin/echo", **config})
    home = write_home(root, dict.fromkeys(names, files))
    clock, workers = clock or FixedClock(), workers or InlineWorkers()
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(open_log_writer(workers, clock))
        environment = MappingProxyType({"PATH": "/no/programs", **(base or {})})
        shared = make_shared(writer, workers=workers, clock=clock, base_environment=environment)
        agents = []
        for name in names:
            settings = load_profile_settings(home, name, {})
            agents.append(Agent(await stack.enter_async_context(open_scope(settings, 1, shared, prepare))))
            agents[-1].workspace.mkdir()
        yield tuple(agents)


def everything_below(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder, with contents."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
