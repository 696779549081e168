"""One profile's connection to one MCP server: opened, watched, opened again, and truthful about how it is doing."""

from __future__ import annotations

import enum
import math
import os
import pwd
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.home.child_environment import BASE_NAMES, USUAL_PATH, choose_home
from hermes_trio.home.secret_names import looks_secret
from hermes_trio.io.child_process import ChildCommand
from hermes_trio.io.log_redaction import make_redactor
from hermes_trio.io.supervise import RestartPolicy, keep_running
from hermes_trio.tools.mcp_errors import McpError
from hermes_trio.tools.mcp_media import keep_media
from hermes_trio.tools.mcp_sdk import load_link
from hermes_trio.tools.mcp_tools import make_tools
from hermes_trio.tools.tool import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractAsyncContextManager

    from hermes_trio.errors import HermesTrioError
    from hermes_trio.home.agent_config import McpServerConfig
    from hermes_trio.io.supervise import Setback
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.mcp_link import McpLink
    from hermes_trio.tools.mcp_tools import ListedTool
    from hermes_trio.tools.tool import Arguments, Tool

POLICY: Final = RestartPolicy(base=1.0, cap=60.0, max_failures=2, window=0.0, healthy_after=60.0)
"""Never given up: an outage of an hour ends within a minute of the server's return."""

LOOK_SECONDS: Final = 180.0
"""A server on the network is asked for its tools this often: that shows an outage and keeps the session young. So is a
process that does not say when they change. ``keepalive_interval`` of a server's settings says otherwise."""

SHORTEST_LOOK: Final = 1.0

REFRESH_SECONDS: Final = 30.0
PAUSE_SECONDS: Final = 0.25
"""Between two refreshes, whatever the server sends."""

RETRY_SECONDS: Final = 5.0
"""A call during an outage has the server tried again at once, unless that was done within this time."""


class McpState(enum.StrEnum):
    """Where a connection is in its life."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    """Out of order; tried again before long."""
    FAILED = "failed"
    """Out of order until somebody mends it."""


@dataclass(frozen=True, slots=True)
class McpStatus:
    """How a connection is doing.

    Attributes:
        server: The server's name in the settings.
        state: Where it is in its life.
        tools: How many tools it offers to the agent.
        since: Wall time of the last change of state, seconds since the epoch.
        connects: How often it was connected.
        reason: Stable code of what is wrong, or empty.
        detail: The last error for people, redacted; kept while connected, too.
    """

    server: str
    state: McpState
    tools: int
    since: float
    connects: int
    reason: str
    detail: str


class McpConnection:
    """Keeps one server connected.

    Args:
        scope: The profile whose connection it is; nobody else can call its tools.
        server: The server's settings.

    Attributes:
        server: As above.
        tools: What it offers to the agent; kept during an outage.
        revision: Grows with every change of ``tools``.
        settled: Set when it was tried once.
    """

    def __init__(self, scope: ProfileScope, server: McpServerConfig) -> None:
        self.server = server
        self.tools: tuple[Tool, ...] = ()
        self.revision = 0
        self.settled = trio.Event()
        self._scope = scope
        self._log = scope.log.bind(component=f"tools.mcp.{server.name}")
        self._redact = make_redactor((*scope.secrets.values_to_redact(), *_secrets_of(server)))
        self._link: McpLink | None = None
        self._listed: tuple[ListedTool, ...] = ()
        self._news = trio.Event()
        self._retry = trio.Event()
        self._tried_at = -math.inf
        self._state = McpState.CONNECTING
        self._since = scope.clock.now()
        self._connects = 0
        self._reason = ""
        self._detail = ""
        self._complaint = ""

    @property
    def status(self) -> McpStatus:
        """How it is doing now."""
        return McpStatus(
            self.server.name, self._state, len(self.tools), self._since, self._connects, self._reason, self._detail
        )

    async def run(self) -> None:
        """Stay connected until cancelled; no failure of the server leaves this function."""
        await keep_running(
            self._connect,
            POLICY,
            jitter=self._scope.shared.jitter,
            on_setback=self._set_back,
            mended=self._wanted,
        )

    def fail(self, problem: HermesTrioError) -> None:
        """Say that there will be no connection."""
        self._reason, self._detail = problem.code, str(problem)
        self._enter(McpState.FAILED)
        self.settled.set()

    async def call(self, scope: ProfileScope, tool: str, arguments: Arguments) -> str:
        """Call a tool by the server's name for it.

        Raises:
            ToolError: The tool failed, took longer than the server's ``timeout``, or the server is out of order.

        Cancellation: the call is cancelled on the server as well, which takes at most 5 s; the session stays usable.
        """
        if scope is not self._scope:
            raise ToolError("this tool belongs to another profile", code="mcp_foreign_scope")
        link = self._link
        if link is None:
            raise self._out_of_order()
        with trio.move_on_after(self.server.timeout):
            return await link.call(tool, arguments, partial(keep_media, scope))
        raise ToolError(
            f"{self.server.name} did not answer within {self.server.timeout:g} s, the call was cancelled",
            code="mcp_timeout",
        )

    def _out_of_order(self) -> ToolError:
        if trio.current_time() - self._tried_at >= RETRY_SECONDS:
            self._retry.set()
        why = f": {self._detail}" if self._detail else ""
        return ToolError(
            f"the MCP server {self.server.name} is {self._state} and cannot be used now{why}", code="mcp_down"
        )

    async def _connect(self) -> None:
        """One connection, from its opening to its loss."""
        self._tried_at = trio.current_time()
        self._complaint = ""
        self._enter(McpState.CONNECTING)
        with trio.CancelScope() as patience:
            patience.deadline = trio.current_time() + self.server.connect_timeout
            async with await self._open() as link:
                self._news = trio.Event()
                listed = await link.list_tools()
                patience.deadline = math.inf
                await self._serve(link, listed)
        raise McpError(
            "the server did not answer in time",
            code="mcp_connect_timeout",
            expected=f"within {self.server.connect_timeout:g} s",
        )

    async def _open(self) -> AbstractAsyncContextManager[McpLink]:
        scope, server = self._scope, self.server
        link_type = await load_link(scope)
        if server.transport != "stdio":
            return link_type.over_http(scope.http, server, news=self._have_news)
        environment = await scope.run_blocking(server_environment, scope, server)
        program = server.command.replace("~", environment["HOME"], 1) if server.command[:2] == "~/" else server.command
        command = ChildCommand((program, *server.args), environment, scope.home.root, interactive=True)
        return link_type.over_stdio(command, news=self._have_news, complain=self._hear)

    async def _serve(self, link: McpLink, listed: tuple[ListedTool, ...]) -> None:
        """Be of use until the connection is lost.

        Raises:
            McpError: It was lost.
        """
        self._link = link
        self._connects += 1
        self._reason = ""
        self._offer(listed)
        self._enter(McpState.CONNECTED)
        self._log.info(f"MCP server {self.server.name} is connected", tools=len(self.tools))
        self.settled.set()
        look = self._look_seconds(link)
        try:
            while True:
                with trio.move_on_after(look):
                    await self._news.wait()
                self._news = trio.Event()
                if link.ended.is_set():
                    raise McpError("the server closed the connection", code="mcp_connection_lost")
                self._offer(await self._refresh(link))
                await trio.sleep(PAUSE_SECONDS)
        finally:
            self._link = None
            self._enter(McpState.WAITING)

    def _look_seconds(self, link: McpLink) -> float:
        if self.server.keepalive_interval is not None:
            return max(self.server.keepalive_interval, SHORTEST_LOOK)
        return math.inf if self.server.transport == "stdio" and link.announces else LOOK_SECONDS

    async def _refresh(self, link: McpLink) -> tuple[ListedTool, ...]:
        with trio.move_on_after(REFRESH_SECONDS):
            return await link.list_tools()
        raise McpError("the server does not answer any more", code="mcp_connection_lost")

    def _offer(self, listed: tuple[ListedTool, ...]) -> None:
        if listed != self._listed:
            self._listed = listed
            self.tools = make_tools(self.server, listed, self.call)
            self.revision += 1

    def _have_news(self) -> None:
        self._news.set()

    def _hear(self, line: str) -> None:
        self._complaint = self._redact(line)
        self._log.debug(f"MCP server {self.server.name}: {self._complaint}")

    def _set_back(self, setback: Setback) -> None:
        crashed = setback.reason == "crashed"
        self._reason = McpError.default_code if crashed else setback.reason
        detail = self._redact(setback.detail)
        self._detail = f"{detail}; its last words: {self._complaint}" if self._complaint else detail
        self._enter(McpState.FAILED if setback.delay is None else McpState.WAITING)
        wait = "" if setback.delay is None else f", next try in {setback.delay:.0f} s"
        self._log.warning(f"MCP server {self.server.name} {self._state} ({self._reason}){wait}: {self._detail}")
        self.settled.set()

    def _enter(self, state: McpState) -> None:
        self._state = state
        self._since = self._scope.clock.now()

    async def _wanted(self) -> None:
        self._retry = trio.Event()
        await self._retry.wait()


def _secrets_of(server: McpServerConfig) -> Iterator[str]:
    """What stands in the server's settings and must not show: all of its headers, and variables named like secrets."""
    for value in server.headers.values():
        yield from (value, *value.split())
    for name, value in server.env.items():
        if looks_secret(name):
            yield value


def server_environment(scope: ProfileScope, server: McpServerConfig) -> Mapping[str, str]:
    """All variables of a server's process: where programs are, language, time zone, a home, and its own ``env``.

    None of the profile's other variables: a server is somebody else's program. Blocking.
    """
    base = scope.shared.base_environment
    basic = {name: value for name, value in base.items() if name in BASE_NAMES or name.startswith("LC_")}
    own = scope.home.terminal_home
    user = Path(base.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir)
    home = choose_home(scope.config.terminal.home_mode, own, user, own_exists=own.is_dir())
    return {"PATH": USUAL_PATH, **basic, "HOME": str(home), **server.env}
