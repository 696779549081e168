"""Stand-ins for the tests of MCP: a scope, servers in memory, and a link that does as it is told."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import mcp_types as wire
import trio
from mcp.shared.memory import create_client_server_memory_streams
from mcp.shared.message import SessionMessage

from hermes_trio.home.agent_config import McpServerConfig
from hermes_trio.home.config import ProfileConfig
from hermes_trio.home.paths import ProfilePaths
from hermes_trio.home.secrets import Secrets
from hermes_trio.io.clock import FixedClock
from hermes_trio.io.workers import InlineWorkers
from hermes_trio.tools.mcp_errors import McpError
from hermes_trio.tools.mcp_link import McpLink, open_link
from hermes_trio.tools.mcp_tools import ListedTool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from mcp.server.lowlevel import Server
    from mcp.shared._stream_protocols import ReadStream, WriteStream

    from hermes_trio.scope import ProfileScope

PLAIN_SERVER = Path(__file__).with_name("mcp_plain_server.py")
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}}
ECHO = ListedTool("echo", "Says it again.", SCHEMA)
LATE = ListedTool("late", "Comes later.", SCHEMA)


@dataclass
class Journal:
    """Log lines of a scope."""

    lines: list[str] = field(default_factory=list)

    def bind(self, **_fields: object) -> Journal:
        return self

    def note(self, message: str, **_extra: object) -> None:
        self.lines.append(message)

    debug = info = warning = error = note


def plain_server(*mode: str, name: str = "plain", **changes: object) -> McpServerConfig:
    """Settings of the plain server as a child process."""
    args = ("-S", "-E", str(PLAIN_SERVER), *mode)
    return McpServerConfig(name, command=sys.executable, args=args, **changes)


def make_scope(
    root: Path,
    *servers: McpServerConfig,
    name: str = "ada",
    env: Mapping[str, str] | None = None,
    http: object = None,
    raw: Mapping[str, object] | None = None,
    base: Mapping[str, str] | None = None,
) -> ProfileScope:
    """As much of a scope as MCP needs."""
    threads = trio.CapacityLimiter(2)

    async def run_blocking(fn: Callable[..., object], *args: object) -> object:
        return await InlineWorkers().run(fn, *args, limiter=threads)

    scope = SimpleNamespace(
        name=name,
        generation=1,
        home=ProfilePaths(root),
        config=ProfileConfig(mcp_servers=servers, raw=raw or {}),
        secrets=Secrets(env or {}),
        http=http,
        log=Journal(),
        clock=FixedClock(),
        shared=SimpleNamespace(jitter=lambda: 0.5, base_environment=base or {}),
        run_blocking=run_blocking,
        check_open=lambda: None,
    )
    return cast("ProfileScope", scope)


@dataclass
class ServerInMemory:
    """The link to a server of the SDK that runs in this process.

    Attributes:
        link: Our side.
        news: How often we were told of news.
        scope: Cancel it and the server is gone.
    """

    link: McpLink
    news: list[None]
    scope: trio.CancelScope


@asynccontextmanager
async def server_in_memory(server: Server[object]) -> AsyncIterator[ServerInMemory]:
    """A session with a server in this process."""
    news: list[None] = []

    async with create_client_server_memory_streams() as (ours, theirs), trio.open_nursery() as nursery:
        scope = trio.CancelScope()

        async def serve() -> None:
            with scope:
                await server.run(*theirs, server.create_initialization_options())

        nursery.start_soon(serve)
        async with open_link(*ours, lambda: news.append(None)) as link:
            yield ServerInMemory(link, news, scope)
        nursery.cancel_scope.cancel()


@dataclass(frozen=True)
class Refusal:
    """An error answer."""

    code: int
    message: str
    data: object = None


@asynccontextmanager
async def peer_in_memory(answer: Callable[[str, dict[str, object]], object]) -> AsyncIterator[McpLink]:
    """A session with a server that is a function of method and parameters."""
    async with create_client_server_memory_streams() as (ours, theirs), trio.open_nursery() as nursery:
        nursery.start_soon(_answer_all, answer, *theirs)
        async with open_link(*ours, lambda: None) as link:
            yield link
        nursery.cancel_scope.cancel()


async def _answer_all(
    answer: Callable[[str, dict[str, object]], object], incoming: ReadStream[object], outgoing: WriteStream[object]
) -> None:
    async for item in incoming:
        message = item.message.model_dump(by_alias=True, exclude_unset=True)
        result = answer(message["method"], message.get("params") or {})
        reply = {"jsonrpc": "2.0", "id": message.get("id"), "result": result}
        if isinstance(result, Refusal):
            del reply["result"]
            reply["error"] = {"code": result.code, "message": result.message, "data": result.data}
        if "id" in message:
            await outgoing.send(SessionMessage(wire.jsonrpc_message_adapter.validate_python(reply, by_name=False)))


class FakeLink:
    """A link whose server does as the test says.

    Attributes:
        listed: Its tools.
        opened: How often it was opened.
        refusals: Raised by the next attempts to open it, in order.
        answers: What calls return, by tool; a number is slept for, an error raised.
    """

    def __init__(self, *listed: ListedTool) -> None:
        self.listed = listed or (ECHO,)
        self.opened = 0
        self.closed = 0
        self.refusals: list[BaseException | float] = []
        self.answers: dict[str, object] = {}
        self.cancelled: list[str] = []
        self.list_seconds = 0.0
        self.announces = True
        self.news: Callable[[], None] = lambda: None
        self.ended = trio.Event()

    @asynccontextmanager
    async def over_stdio(self, *_: object, news: Callable[[], None], **_more: object) -> AsyncIterator[FakeLink]:
        self.opened += 1
        self.news, self.ended = news, trio.Event()
        if self.refusals:
            refusal = self.refusals.pop(0)
            if isinstance(refusal, BaseException):
                raise refusal
            await trio.sleep(refusal)
        try:
            yield self
        finally:
            self.closed += 1

    over_http = over_stdio

    def lose(self) -> None:
        """The server goes away."""
        self.ended.set()
        self.news()

    async def list_tools(self) -> tuple[ListedTool, ...]:
        await trio.sleep(self.list_seconds)
        if self.ended.is_set():
            raise McpError("gone")
        return tuple(self.listed)

    async def call(self, tool: str, arguments: Mapping[str, object], _keep: object) -> str:
        answer = self.answers.get(tool, arguments.get("text", ""))
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, float):
            try:
                await trio.sleep(answer)
            except trio.Cancelled:
                self.cancelled.append(tool)
                raise
        return str(answer)
