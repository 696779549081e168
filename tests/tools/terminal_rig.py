"""Profiles that run real commands: real threads, real time, a launcher's environment full of canaries."""

from __future__ import annotations

import dataclasses
import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING

from hermes_trio.home.settings import load_profile_settings
from hermes_trio.io.clock import FixedClock
from hermes_trio.io.log import open_log_writer
from hermes_trio.io.workers import ThreadWorkers
from hermes_trio.scope import ProfileScope, SharedResources, make_shared, open_scope
from hermes_trio.store.schema import prepare
from hermes_trio.testing.home import ProfileFiles, write_home
from hermes_trio.tools import execute_code, process, terminal
from hermes_trio.tools.approval import ApprovalAnswer, ApprovalQuestion
from hermes_trio.tools.background import BackgroundProcesses, open_background_processes
from hermes_trio.tools.tool_turn import ToolTurn
from tests.rig import canary
from tests.tools.scripted_hooks import ScriptedHooks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from hermes_trio.tools.background_watch import ProcessNotice

LAUNCHER: Mapping[str, str] = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/home/launcher",
    "LANG": "C.UTF-8",
    "SERVICE_PASSWORD": canary("launcher", "PASSWORD"),
    "OPENAI_API_KEY": canary("launcher", "OPENAI"),
    "UNDECLARED": canary("launcher", "UNDECLARED"),
}
TOOLS = {tool.name: tool for family in (terminal, process, execute_code) for tool in family.TOOLS}


@dataclass(frozen=True, slots=True)
class SharedWithBase(SharedResources):
    """What a gateway shares, with the environment of its launcher."""

    base_environment: Mapping[str, str] = field(default_factory=dict)


def with_base(shared: SharedResources, base: Mapping[str, str]) -> SharedWithBase:
    values = {item.name: getattr(shared, item.name) for item in dataclasses.fields(shared)}
    return SharedWithBase(**{**values, "base_environment": base})


@dataclass
class Profile:
    """One profile, and one conversation with it."""

    scope: ProfileScope
    processes: BackgroundProcesses
    answer: ApprovalAnswer = field(default_factory=lambda: ApprovalAnswer(allowed=True))
    questions: list[ApprovalQuestion] = field(default_factory=list)
    notices: list[ProcessNotice] = field(default_factory=list)
    hooks: ScriptedHooks = field(default_factory=ScriptedHooks)

    @property
    def home(self) -> Path:
        return self.scope.home.root

    @property
    def turn(self) -> ToolTurn:
        workplace = SimpleNamespace(processes=self.processes, hooks=self.hooks)
        key = f"agent:{self.scope.name}:telegram:dm:7"
        return ToolTurn("t1", "s1", key, "telegram", "7", workplace, self.approve, ask_model=None)

    async def approve(self, question: ApprovalQuestion) -> ApprovalAnswer:
        self.questions.append(question)
        return self.answer

    async def call(self, name: str, **arguments: object) -> dict[str, object]:
        """Call a tool as the loop does; its reply must be JSON."""
        reply = await TOOLS[name].run(self.scope, self.turn, arguments)
        return json.loads(json.dumps(reply))

    async def run(self, command: str, **arguments: object) -> str:
        """Run a command in the foreground and return its output."""
        reply = await self.call("terminal", command=command, **arguments)
        assert reply["error"] is None
        return str(reply["output"])

    async def environment(self) -> dict[str, str]:
        """What a command finds in its environment."""
        return parse_environment(await self.run("env -0 | tr '\\0' '\\1'"))

    async def background(self, command: str, **arguments: object) -> str:
        """Start a command in the background and return its name."""
        reply = await self.call("terminal", command=command, background=True, **arguments)
        return str(reply["session_id"])


def parse_environment(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split("\1") if "=" in part)
    return {name.strip(): value for name, _, value in pairs}


@asynccontextmanager
async def open_profiles(
    root: Path, profiles: Mapping[str, ProfileFiles], *, base: Mapping[str, str] = LAUNCHER
) -> AsyncIterator[dict[str, Profile]]:
    """Open several profiles of one home, as a gateway does."""
    home = write_home(root, profiles)
    clock = FixedClock()
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(open_log_writer(ThreadWorkers(), clock))
        shared = with_base(make_shared(writer, clock=clock), base)
        opened = {}
        for name in profiles:
            settings = load_profile_settings(home, name, base if name == "default" else {})
            scope = await stack.enter_async_context(open_scope(settings, 1, shared, prepare))
            notices: list[ProcessNotice] = []
            processes = await stack.enter_async_context(open_background_processes(scope, notices.append))
            opened[name] = Profile(scope, processes, notices=notices)
        yield opened


@asynccontextmanager
async def open_profile(
    root: Path, *, terminal: Mapping[str, object] | None = None, env: Mapping[str, str] | None = None, **config: object
) -> AsyncIterator[Profile]:
    """Open one profile with these ``terminal`` settings."""
    settings = {
        "model": "builtin/echo",
        "terminal": {"daemon_term_grace_seconds": 0.2, **(terminal or {})},
        **config,
    }
    async with open_profiles(root, {"bob": ProfileFiles(config=settings, env=env or {})}) as profiles:
        yield profiles["bob"]
