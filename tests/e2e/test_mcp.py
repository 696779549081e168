"""MCP servers that are not ours, over real pipes and sockets, with scopes as a gateway opens them."""

from __future__ import annotations

import os
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio

from hermes_trio.home.agent_config import McpServerConfig
from hermes_trio.home.paths import HomePaths
from hermes_trio.home.settings import load_profile_settings
from hermes_trio.io.clock import SystemClock
from hermes_trio.io.groups import lone_error_raised
from hermes_trio.io.log import open_log_writer
from hermes_trio.io.workers import ThreadWorkers
from hermes_trio.scope import make_shared, open_scope
from hermes_trio.store.schema import prepare
from hermes_trio.tools.mcp import McpConnections, McpState, open_mcp_connections
from hermes_trio.tools.tool import ToolError
from tests.e2e.mcp import install_everything, running_http_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from hermes_trio.scope import ProfileScope

pytestmark = [
    pytest.mark.slow,
    # The SDK drops the generators through which it reads events; trio closes them.
    pytest.mark.filterwarnings("ignore:Async generator 'httpx2:ResourceWarning"),
]


@dataclass
class Profile:
    """A profile with its connections."""

    scope: ProfileScope
    mcp: McpConnections

    async def call(self, name: str, **arguments: object) -> str:
        (tool,) = (tool for tool in self.mcp.tools() if tool.name == name)
        return str(await tool.run(self.scope, None, arguments))

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await trio.sleep(0.01)

    async def connected(self) -> None:
        await self.until(lambda: all(status.state == McpState.CONNECTED for status in self.mcp.status()))

    def status(self) -> object:
        return self.mcp.status()[0]


@asynccontextmanager
async def open_profile(root: Path, name: str, server: McpServerConfig) -> AsyncIterator[Profile]:
    """A scope with everything real and the profile's connections."""
    folder = root if name == "default" else root / "profiles" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text("model: builtin/echo\n")
    settings = load_profile_settings(HomePaths(root), name, {})
    settings = replace(settings, config=replace(settings.config, mcp_servers=(server,)))
    workers, base = ThreadWorkers(), {"PATH": os.environ["PATH"]}
    with lone_error_raised(), trio.fail_after(60):
        async with (
            open_log_writer(workers, SystemClock(), console=None) as writer,
            open_scope(settings, 1, make_shared(writer, workers=workers, base_environment=base), prepare) as scope,
            open_mcp_connections(scope) as connections,
        ):
            yield Profile(scope, connections)


def over_http(url: str, owner: str, transport: str = "http", **changes: object) -> McpServerConfig:
    headers = {"Authorization": f"Bearer token-{owner}"}
    return McpServerConfig("notion", url=url, transport=transport, headers=headers, connect_timeout=10.0, **changes)


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def sockets() -> frozenset[str]:
    """Every socket and pipe of this process, by what the kernel calls it: what others close meanwhile hides no leak."""
    links = (str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink())
    return frozenset(link for link in links if link.startswith(("socket:", "pipe:")))


@pytest.fixture(scope="module")
def everything() -> McpServerConfig:
    command, *args = install_everything()
    return McpServerConfig("everything", command=command, args=tuple(args), timeout=20.0)


async def test_the_reference_servers_tools_are_used(tmp_path, everything):
    async with open_profile(tmp_path, "default", everything) as profile:
        await profile.connected()
        assert len(profile.mcp.tools()) >= 10
        assert "hello" in await profile.call("mcp__everything__echo", message="hello")
        assert "5" in await profile.call("mcp__everything__get_sum", a=2, b=3)
        picture = await profile.call("mcp__everything__get_tiny_image")
        assert "image of type image/png" in picture
        kept = next((profile.scope.home.root / "cache" / "images").iterdir())
        assert kept.read_bytes().startswith(b"\x89PNG")
        assert "temperature" in await profile.call("mcp__everything__get_structured_content", location="Chicago")
    assert children() == []


async def test_the_reference_servers_long_operation_is_stopped_at_its_deadline(tmp_path, everything):
    async with open_profile(tmp_path, "default", replace(everything, timeout=0.5)) as profile:
        await profile.connected()
        with pytest.raises(ToolError, match=r"did not answer within 0\.5 s"):
            await profile.call("mcp__everything__trigger_long_running_operation", duration=30, steps=3)
        assert "again" in await profile.call("mcp__everything__echo", message="again")
        assert profile.status().connects == 1


async def test_a_wrapped_reference_server_leaves_no_process(tmp_path, everything):
    shell = shutil.which("sh") or "/bin/sh"
    wrapped = replace(everything, command=shell, args=("-c", '"$@"; true', "sh", everything.command, *everything.args))
    before = sockets()
    async with open_profile(tmp_path, "default", wrapped) as profile:
        await profile.connected()
        assert "hi" in await profile.call("mcp__everything__echo", message="hi")
    assert children() == []
    assert sockets() - before == frozenset()


@pytest.mark.parametrize("mode", ["http", "stateless", "sse"])
async def test_a_server_over_http_is_used(tmp_path, mode):
    with running_http_server(tmp_path, mode) as server:
        url = server.url.replace("/mcp", "/sse") if mode == "sse" else server.url
        async with open_profile(tmp_path, "default", over_http(url, "ada", "sse" if mode == "sse" else "http")) as ada:
            await ada.connected()
            assert await ada.call("mcp__notion__whoami") == "Bearer token-ada"
            assert await ada.call("mcp__notion__sleep", seconds=0.01) == "slept"


async def test_two_profiles_with_a_server_of_one_name_act_as_themselves(tmp_path):
    """R9."""
    with running_http_server(tmp_path) as server:
        async with open_profile(tmp_path, "bob", over_http(server.url, "bob")) as bob:
            async with open_profile(tmp_path, "ada", over_http(server.url, "ada")) as ada:
                await ada.connected()
                await bob.connected()
                async with trio.open_nursery() as nursery:
                    for _ in range(10):
                        nursery.start_soon(ada.call, "mcp__notion__whoami")
                        nursery.start_soon(bob.call, "mcp__notion__whoami")
                asked = server.asked()
                with pytest.raises(ToolError, match="another profile"):
                    await ada.mcp.tools()[0].run(bob.scope, None, {})
            before, listed = bob.status(), bob.mcp.tools()
            (ended,) = server.asked("DELETE")
            assert await bob.call("mcp__notion__whoami") == "Bearer token-bob"
            assert (bob.status(), bob.mcp.tools()) == (before, listed)
            last = server.asked()[-1]
    sessions = {(entry["bearer"], entry["session"]) for entry in asked}
    assert {bearer for bearer, _ in sessions} == {"Bearer token-ada", "Bearer token-bob"}
    assert len(sessions) == 2
    assert sorted(entry["bearer"] for entry in asked) == ["Bearer token-ada"] * 10 + ["Bearer token-bob"] * 10
    assert ended["bearer"] == "Bearer token-ada"
    assert (last["bearer"], last["session"]) in sessions


async def test_a_wrong_token_is_said_to_be_wrong(tmp_path):
    server_config = over_http("", "x")
    with running_http_server(tmp_path) as server:
        wrong = replace(server_config, url=server.url, headers={"Authorization": "Bearer CANARY-0123456789"})
        async with open_profile(tmp_path, "default", wrong) as profile:
            await profile.until(lambda: profile.status().state == McpState.WAITING)
            assert "HTTP 401 Unauthorized" in profile.status().detail
            assert "CANARY" not in profile.status().detail


async def test_a_call_over_http_that_hangs_is_cancelled_on_the_server(tmp_path):
    with running_http_server(tmp_path) as server:
        async with open_profile(tmp_path, "default", over_http(server.url, "ada", timeout=0.5)) as ada:
            await ada.connected()
            with pytest.raises(ToolError, match="did not answer"):
                await ada.call("mcp__notion__sleep", seconds=30)
            await ada.until(lambda: bool(server.asked("cancelled")))
            assert await ada.call("mcp__notion__whoami") == "Bearer token-ada"
            assert ada.status().connects == 1


async def test_a_server_over_http_that_restarts_is_found_again(tmp_path):
    with running_http_server(tmp_path) as server:
        async with open_profile(tmp_path, "default", over_http(server.url, "ada")) as ada:
            await ada.connected()
            server.child.kill()
            server.child.wait(5)
            with pytest.raises(ToolError, match=r"cannot connect|Connection|ReadError"):
                await ada.call("mcp__notion__whoami")
            await ada.until(lambda: ada.status().state == McpState.WAITING)
            with pytest.raises(ToolError, match="cannot be used now"):
                await ada.call("mcp__notion__whoami")
            with running_http_server(tmp_path, port=server.port):
                await ada.connected()
                assert await ada.call("mcp__notion__whoami") == "Bearer token-ada"


async def test_a_forgotten_session_is_opened_anew(tmp_path):
    with running_http_server(tmp_path) as server:
        async with open_profile(tmp_path, "default", over_http(server.url, "ada")) as ada:
            await ada.connected()
            server.child.kill()
            server.child.wait(5)
            with running_http_server(tmp_path, port=server.port):
                with pytest.raises(ToolError):
                    await ada.call("mcp__notion__whoami")
                await ada.until(lambda: ada.status().connects == 2)
                assert await ada.call("mcp__notion__whoami") == "Bearer token-ada"


async def test_tools_that_change_over_http_are_seen(tmp_path):
    with running_http_server(tmp_path) as server:
        async with open_profile(tmp_path, "default", over_http(server.url, "ada")) as ada:
            await ada.connected()
            await ada.until(lambda: bool(server.asked("GET")))
            await trio.sleep(0.2)
            await ada.call("mcp__notion__grow")
            await ada.until(lambda: "mcp__notion__late" in [tool.name for tool in ada.mcp.tools()])


async def test_cancellation_over_http_leaves_no_connection(tmp_path):
    with running_http_server(tmp_path) as server:
        before = sockets()
        async with open_profile(tmp_path, "default", over_http(server.url, "ada")) as ada:
            await ada.connected()
            for number in range(20):
                with trio.move_on_after(0.003 * number):
                    await ada.call("mcp__notion__sleep", seconds=30)
            assert await ada.call("mcp__notion__whoami") == "Bearer token-ada"
            await trio.sleep(0.3)
            assert len(sockets() - before) < 12
        assert sockets() - before == frozenset()
