"""The MCP servers of a profile, opened and closed with it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import trio

from hermes_trio.home.agent_config import McpServerConfig
from hermes_trio.home.config import ProfileConfig
from hermes_trio.tools import mcp_connection, mcp_sdk
from hermes_trio.tools.mcp import McpConnections, McpError, McpState, mcp_problem, open_mcp_connections
from hermes_trio.tools.tool import ToolError
from tests.tools.mcp_rig import LATE, FakeLink, make_scope, plain_server

ABSENT = McpServerConfig("absent", command="serve", enabled=False)


@pytest.fixture
def links(monkeypatch) -> dict[str, FakeLink]:
    """The servers at the other ends, by profile."""
    links = {"ada": FakeLink(), "bob": FakeLink()}

    async def load_link(scope: object) -> FakeLink:
        return links[scope.name]

    monkeypatch.setattr(mcp_connection, "load_link", load_link)
    return links


@pytest.fixture
def no_sdk(monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)


def fake_server(name: str) -> McpServerConfig:
    return McpServerConfig(name, command="serve")


async def call(connections: McpConnections, scope: object, name: str, **arguments: object) -> str:
    (tool,) = (tool for tool in connections.tools() if tool.name == name)
    return str(await tool.run(scope, None, arguments))


async def test_a_profile_without_servers_starts_nothing(tmp_path):
    async with open_mcp_connections(make_scope(tmp_path, ABSENT)) as connections:
        await connections.discovered()
        assert (connections.tools(), connections.status(), connections.problem) == ((), (), None)


async def test_the_start_waits_for_no_server_and_the_first_turn_not_long(tmp_path, links, autojump_clock):
    links["ada"].list_seconds = 5.0
    async with open_mcp_connections(make_scope(tmp_path, fake_server("slow"))) as connections:
        assert trio.current_time() == 0
        await connections.discovered()
        assert (trio.current_time(), connections.tools()) == (1.5, ())
        await connections.discovered()
        assert trio.current_time() == 1.5
        await trio.sleep(5)
        assert [tool.name for tool in connections.tools()] == ["mcp__slow__echo"]


async def test_the_first_turn_waits_no_longer_than_it_must(tmp_path, links, autojump_clock):
    links["ada"].list_seconds = 0.2
    async with open_mcp_connections(make_scope(tmp_path, fake_server("quick"))) as connections:
        await connections.discovered()
        assert (trio.current_time(), len(connections.tools())) == (0.2, 1)


async def test_the_settings_say_how_long_the_first_turn_waits(tmp_path, links, autojump_clock):
    links["ada"].list_seconds = 50.0
    scope = make_scope(tmp_path, fake_server("slow"), raw={"mcp_discovery_timeout": 4})
    async with open_mcp_connections(scope) as connections:
        await connections.discovered()
        assert trio.current_time() == 4


async def test_tools_are_given_by_server(tmp_path, links, autojump_clock):
    async with open_mcp_connections(make_scope(tmp_path, fake_server("one"), fake_server("two"))) as connections:
        await connections.discovered()
        assert [tool.name for tool in connections.tools()] == ["mcp__one__echo", "mcp__two__echo"]
        assert [tool.name for tool in connections.tools({"two"})] == ["mcp__two__echo"]


async def test_the_revision_tells_of_changed_tools(tmp_path, links, autojump_clock):
    async with open_mcp_connections(make_scope(tmp_path, fake_server("one"))) as connections:
        await connections.discovered()
        before = connections.revision
        links["ada"].listed = (LATE,)
        links["ada"].news()
        await trio.sleep(1)
        assert connections.revision > before


async def test_one_servers_failure_is_its_own(tmp_path, links, autojump_clock):
    links["ada"].refusals = [McpError("down")]
    async with open_mcp_connections(make_scope(tmp_path, fake_server("one"), fake_server("two"))) as connections:
        await connections.discovered()
        states = {status.server: status.state for status in connections.status()}
        assert sorted(states.values()) == [McpState.CONNECTED, McpState.WAITING]
        assert len(connections.tools()) == 1


async def test_stopping_a_profile_leaves_anothers_connection_untouched(tmp_path, links, autojump_clock):
    ada, bob = (make_scope(tmp_path, fake_server("notion"), name=name) for name in ("ada", "bob"))
    async with open_mcp_connections(bob) as of_bob:
        async with open_mcp_connections(ada) as of_ada:
            await of_ada.discovered()
            await of_bob.discovered()
        assert (links["ada"].closed, links["bob"].closed) == (1, 0)
        before = of_bob.status()
        assert await call(of_bob, bob, "mcp__notion__echo", text="hi") == "hi"
        assert of_bob.status() == before


async def test_an_error_of_the_body_comes_out_as_it_is(tmp_path, links):
    with pytest.raises(KeyError):
        async with open_mcp_connections(make_scope(tmp_path, fake_server("one"))):
            raise KeyError


def test_without_the_sdk_a_profile_with_servers_has_a_problem(no_sdk):
    problem = mcp_problem(ProfileConfig(mcp_servers=(fake_server("notion"),)))
    assert problem is not None
    assert problem.code == "mcp_not_installed"
    assert "pip install 'hermes-trio[mcp]'" in str(problem)
    assert "notion" in str(problem)


def test_without_the_sdk_a_profile_without_servers_has_none(no_sdk):
    assert mcp_problem(ProfileConfig(mcp_servers=(ABSENT,))) is None


def test_with_the_sdk_there_is_no_problem():
    assert mcp_problem(ProfileConfig(mcp_servers=(fake_server("notion"),))) is None


async def test_without_the_sdk_the_servers_are_out_of_order_and_the_profile_goes_on(tmp_path, no_sdk):
    async with open_mcp_connections(make_scope(tmp_path, fake_server("notion"))) as connections:
        await connections.discovered()
        (status,) = connections.status()
        assert (status.state, status.reason) == (McpState.FAILED, "mcp_not_installed")
        assert connections.tools() == ()
        assert connections.problem is not None


async def test_an_sdk_that_does_not_fit_is_said_to_be_so(tmp_path, monkeypatch, autojump_clock):
    def import_module(_name: str) -> object:
        raise ImportError("cannot import name 'MCPError' from 'mcp'")

    monkeypatch.setattr(mcp_sdk.importlib, "import_module", import_module)
    async with open_mcp_connections(make_scope(tmp_path, fake_server("notion"))) as connections:
        await connections.discovered()
        (status,) = connections.status()
    assert status.reason == "mcp_not_installed"
    assert "MCPError" in status.detail


@pytest.mark.slow
def test_whoever_has_no_servers_does_not_pay_for_the_sdk():
    program = "import sys, hermes_trio.tools.mcp; print({'mcp', 'pydantic', 'httpx2'} & set(sys.modules))"
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.strip() == "set()"


@pytest.mark.slow
async def test_a_real_server_serves_and_is_gone_with_its_profile(tmp_path):
    scope = make_scope(tmp_path, plain_server(timeout=0.3))
    with trio.fail_after(20):
        async with open_mcp_connections(scope) as connections:
            await connections.discovered()
            assert await call(connections, scope, "mcp__plain__echo", text="hi") == "hi"
            with pytest.raises(ToolError, match="did not answer"):
                await call(connections, scope, "mcp__plain__hang")
            assert await call(connections, scope, "mcp__plain__cancelled") != "[]"
            pid = int(await call(connections, scope, "mcp__plain__pid"))
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.slow
async def test_a_killed_server_comes_back(tmp_path):
    scope = make_scope(tmp_path, plain_server())
    with trio.fail_after(20):
        async with open_mcp_connections(scope) as connections:
            await connections.discovered()
            pid = int(await call(connections, scope, "mcp__plain__pid"))
            os.kill(pid, 9)
            while connections.status()[0].state == McpState.CONNECTED:
                await trio.sleep(0.01)
            with pytest.raises(ToolError, match="cannot be used now"):
                await call(connections, scope, "mcp__plain__echo", text="hi")
            while connections.status()[0].state != McpState.CONNECTED:
                await trio.sleep(0.01)
            assert await call(connections, scope, "mcp__plain__echo", text="back") == "back"
            assert int(await call(connections, scope, "mcp__plain__pid")) != pid


@pytest.mark.slow
async def test_a_tool_that_appears_later_is_offered(tmp_path):
    scope = make_scope(tmp_path, plain_server())
    with trio.fail_after(20):
        async with open_mcp_connections(scope) as connections:
            await connections.discovered()
            await call(connections, scope, "mcp__plain__grow")
            while "mcp__plain__late" not in [tool.name for tool in connections.tools()]:
                await trio.sleep(0.01)


@pytest.mark.slow
async def test_a_broken_server_says_why_without_its_secrets(tmp_path):
    scope = make_scope(tmp_path, plain_server("broken", env={"TOKEN": "CANARY-0123456789"}))
    with trio.fail_after(20):
        async with open_mcp_connections(scope) as connections:
            await connections.discovered()
            (status,) = connections.status()
    assert "its last words: no such thing: [redacted]" in status.detail


@pytest.mark.slow
async def test_two_profiles_with_a_server_of_one_name_have_two_processes(tmp_path):
    """R9 and R4: each has its own token, and neither the gateway's nor the other's."""
    scopes = [
        make_scope(
            tmp_path,
            plain_server(name="notion", env={"TOKEN": f"of {name}"}),
            name=name,
            env={"KEY": "CANARY"},
            base={"PATH": os.defpath, "SERVICE_PASSWORD": "CANARY"},
        )
        for name in ("ada", "bob")
    ]
    found = []
    with trio.fail_after(20):
        async with open_mcp_connections(scopes[0]) as ada, open_mcp_connections(scopes[1]) as bob:
            for connections, scope in zip((ada, bob), scopes, strict=True):
                await connections.discovered()
                found.append(await call(connections, scope, "mcp__notion__environment"))
    assert [msgspec.json.decode(text)["TOKEN"] for text in found] == ["of ada", "of bob"]
    assert "CANARY" not in "".join(found)
