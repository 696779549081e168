"""A profile in front of a small web: names, addresses and pages, all in memory."""

from __future__ import annotations

import json
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import fastjsonschema
import trio

from hermes_trio.home.settings import load_profile_settings
from hermes_trio.io.clock import FixedClock
from hermes_trio.io.log import open_log_writer
from hermes_trio.io.workers import InlineWorkers
from hermes_trio.scope import ProfileScope, make_shared, open_scope
from hermes_trio.store.schema import prepare
from hermes_trio.testing.home import ProfileFiles, write_home
from hermes_trio.tools import clarify, session_search, skills, skills_manage, vision, web_extract, web_search
from hermes_trio.tools.tool_turn import ToolTurn
from tests.io.fake_upstream import Received, ServerSide, Upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from hermes_trio.tools.tool import Tool

FAMILIES = (clarify, session_search, skills, skills_manage, vision, web_extract, web_search)
TOOLS: Mapping[str, Tool] = {tool.name: tool for family in FAMILIES for tool in family.TOOLS}
CHECKS = {name: fastjsonschema.compile(dict(tool.parameters)) for name, tool in TOOLS.items()}

PUBLIC = "93.184.215.14"
OTHER = "151.101.1.69"


@dataclass
class Site:
    """An answer of the web."""

    body: bytes | str = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/html"})

    def encode(self) -> bytes:
        body = self.body.encode() if isinstance(self.body, str) else self.body
        headers = {"Content-Length": str(len(body)), **self.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} Reason\r\n{lines}\r\n".encode() + body


def moved(to: str) -> Site:
    return Site(status=302, headers={"Location": to})


@dataclass
class Web:
    """What there is: pages by host and path, addresses by name; and what was asked for."""

    pages: dict[str, Site] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    requests: list[Received] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    places: list[tuple[str, str, int]] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    silent: bool = False

    async def serve(self, side: ServerSide) -> None:
        while (request := await side.request()) is not None:
            self.requests.append(request)
            if self.silent:
                await trio.sleep_forever()
            site = self.pages.get(request.headers["host"] + request.target, Site("nothing here", 404))
            await side.send(site.encode())

    async def getaddrinfo(self, host, port, family=0, type=0, proto=0, flags=0):  # noqa: A002  trio's names
        await trio.lowlevel.checkpoint()
        name = host.decode() if isinstance(host, bytes) else host
        self.resolved.append(name)
        if name not in self.names:
            raise socket.gaierror(-2, "Name or service not known")
        kinds = [(socket.AF_INET6 if ":" in address else socket.AF_INET, address) for address in self.names[name]]
        return [(kind, socket.SOCK_STREAM, 6, "", (address, port)) for kind, address in kinds]

    async def getnameinfo(self, sockaddr, flags):
        raise NotImplementedError


class Resolver(trio.abc.HostnameResolver):
    """Trio's seam for name servers."""

    def __init__(self, web: Web) -> None:
        self._web = web

    async def getaddrinfo(self, *args, **options):
        return await self._web.getaddrinfo(*args, **options)

    async def getnameinfo(self, *args):
        return await self._web.getnameinfo(*args)


@dataclass
class Person:
    """A profile's agent, and whoever it asks."""

    scope: ProfileScope
    web: Web
    questions: list[object] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    ask_user: Callable | None = None

    @property
    def home(self) -> Path:
        return self.scope.home.root

    async def ask_model(self, question) -> str:
        self.questions.append(question)
        return "a lighthouse at dusk"

    def turn(self) -> ToolTurn:
        return ToolTurn("t", "now", "", "api_server", "", None, None, self.ask_model, ask_user=self.ask_user)

    async def call(self, tool: str, /, **arguments: object) -> dict[str, object]:
        """Call a tool as the loop does: the arguments fit its schema, the reply is JSON."""
        CHECKS[tool](arguments)
        return json.loads(json.dumps(await TOOLS[tool].run(self.scope, self.turn(), arguments)))

    def log_lines(self) -> list[str]:
        file = self.scope.home.logs / "agent.log"
        return file.read_text().splitlines() if file.exists() else []


@asynccontextmanager
async def open_person(
    root: Path, config: Mapping[str, object] | None = None, env: Mapping[str, str] | None = None, name: str = "ada"
) -> AsyncIterator[Person]:
    """Open a profile in front of an empty web."""
    files = ProfileFiles(config={"model": "builtin/echo", "timezone": "UTC", **(config or {})}, env=env or {})
    home = write_home(root, {name: files, "bob": "You are Bob."})
    clock, workers, web = FixedClock(), InlineWorkers(), Web()
    trio.socket.set_custom_hostname_resolver(Resolver(web))
    async with trio.open_nursery() as nursery, open_log_writer(workers, clock) as writer:
        upstream = Upstream(nursery, (web.serve,))

        async def connect(scheme, host, port):
            web.places.append((scheme, host, port))
            if host in web.closed:
                raise ConnectionRefusedError(111, "Connection refused")
            return await upstream.connect(scheme, host, port)

        shared = make_shared(writer, workers=workers, clock=clock, connect=connect)
        async with open_scope(load_profile_settings(home, name, {}), 1, shared, prepare) as scope:
            yield Person(scope, web)
        nursery.cancel_scope.cancel()
