"""How a connection is kept, with a server that does as the test says and a clock that jumps."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from hermes_trio.home.agent_config import McpServerConfig
from hermes_trio.io.child_process import ChildError
from hermes_trio.tools import mcp_connection
from hermes_trio.tools.mcp_connection import LOOK_SECONDS, McpConnection, McpState, server_environment
from hermes_trio.tools.mcp_errors import McpError
from hermes_trio.tools.tool import ToolError
from tests.tools.mcp_rig import ECHO, LATE, FakeLink, make_scope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SERVER = McpServerConfig("notion", command="serve", timeout=30.0, connect_timeout=10.0)
REMOTE = McpServerConfig("notion", url="https://mcp.test", transport="http", timeout=30.0, connect_timeout=10.0)


@pytest.fixture
def link(monkeypatch) -> FakeLink:
    """The server at the other end."""
    link = FakeLink()

    async def load_link(_scope: object) -> FakeLink:
        return link

    monkeypatch.setattr(mcp_connection, "load_link", load_link)
    return link


@asynccontextmanager
async def kept(tmp_path, server: McpServerConfig = SERVER) -> AsyncIterator[McpConnection]:
    connection = McpConnection(make_scope(tmp_path, server, env={"API_KEY": "CANARY-0123456789"}), server)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        await trio.testing.wait_all_tasks_blocked()
        yield connection
        nursery.cancel_scope.cancel()


async def call(connection: McpConnection, name: str = "echo", **arguments: object) -> object:
    (tool,) = (tool for tool in connection.tools if tool.name == f"mcp__notion__{name}")
    return await tool.run(connection._scope, None, arguments)


async def test_a_connected_server_offers_its_tools(tmp_path, link, autojump_clock):
    async with kept(tmp_path) as connection:
        assert [tool.name for tool in connection.tools] == ["mcp__notion__echo"]
        assert await call(connection, text="hi") == "hi"
        status = connection.status
    assert (status.state, status.tools, status.connects, status.reason) == (McpState.CONNECTED, 1, 1, "")


async def test_a_server_that_cannot_be_reached_is_tried_again_later_and_later(tmp_path, link, autojump_clock):
    link.refusals = [McpError("no route")] * 9
    async with kept(tmp_path) as connection:
        assert connection.status.state == McpState.WAITING
        assert (connection.status.reason, connection.status.detail) == ("mcp_connection_failed", "no route")
        assert connection.settled.is_set()
        await trio.sleep(1 + 2 + 4 + 8 + 16 + 32 + 60 + 60 - 1)
        assert link.opened == 8
        await trio.sleep(62)
        assert (link.opened, connection.status.state) == (10, McpState.CONNECTED)


async def test_a_foreign_error_is_a_failed_connection(tmp_path, link, autojump_clock):
    link.refusals = [ExceptionGroup("of a nursery", [OSError("odd")])]
    async with kept(tmp_path) as connection:
        assert connection.status.reason == "mcp_connection_failed"
        assert "odd" in connection.status.detail


async def test_a_program_that_is_missing_is_named(tmp_path, link, autojump_clock):
    link.refusals = [ChildError("serve cannot be started: No such file or directory", code="child_not_started")]
    async with kept(tmp_path) as connection:
        assert connection.status.reason == "child_not_started"
        assert "serve cannot be started" in connection.status.detail


async def test_a_server_that_does_not_answer_in_time_is_tried_again(tmp_path, link, autojump_clock):
    link.refusals = [100.0]
    async with kept(tmp_path) as connection:
        await trio.sleep(10.5)
        assert connection.status.reason == "mcp_connect_timeout"
        await trio.sleep(1)
        assert connection.status.state == McpState.CONNECTED


async def test_the_time_for_connecting_does_not_limit_the_connection(tmp_path, link, autojump_clock):
    async with kept(tmp_path) as connection:
        await trio.sleep(1000)
        assert connection.status.connects == 1


async def test_a_lost_server_keeps_its_tools_and_its_calls_fail_at_once(tmp_path, link, autojump_clock):
    async with kept(tmp_path) as connection:
        link.lose()
        await trio.testing.wait_all_tasks_blocked()
        started = trio.current_time()
        with pytest.raises(ToolError, match=r"notion is waiting .* the server closed the connection"):
            await call(connection)
        assert trio.current_time() == started
        assert connection.status.reason == "mcp_connection_lost"
        await trio.sleep(1.5)
        assert await call(connection, text="back") == "back"
        assert connection.status.connects == 2
        assert connection.revision == 1


async def test_a_call_during_an_outage_has_the_server_tried_again_at_once(tmp_path, link, autojump_clock):
    link.refusals = [McpError("down")] * 7
    async with kept(tmp_path) as connection:
        await trio.sleep(1 + 2 + 4 + 8 + 16 + 32 + 10)
        assert (link.opened, connection.status.state) == (7, McpState.WAITING)
        with pytest.raises(ToolError, match="down"):
            await connection.call(connection._scope, "echo", {})
        await trio.testing.wait_all_tasks_blocked()
        assert connection.status.state == McpState.CONNECTED


async def test_calls_during_an_outage_do_not_hammer_the_server(tmp_path, link, autojump_clock):
    link.refusals = [McpError("down")] * 100
    async with kept(tmp_path) as connection:
        await trio.sleep(200)
        before = link.opened
        for _ in range(100):
            await trio.sleep(0.1)
            with pytest.raises(ToolError, match="down"):
                await connection.call(connection._scope, "echo", {})
        assert link.opened - before <= 3


async def test_a_call_that_hangs_ends_at_its_deadline_and_the_session_stays_usable(tmp_path, link, autojump_clock):
    link.answers["echo"] = 1000.0
    async with kept(tmp_path) as connection:
        with pytest.raises(ToolError, match="did not answer within 30 s") as caught:
            await call(connection)
        assert caught.value.code == "mcp_timeout"
        assert (trio.current_time(), link.cancelled) == (30.0, ["echo"])
        link.answers.clear()
        assert await call(connection, text="again") == "again"
        assert connection.status.connects == 1


async def test_a_cancelled_turn_cancels_its_call(tmp_path, link, autojump_clock):
    link.answers["echo"] = 1000.0
    async with kept(tmp_path) as connection:
        with trio.move_on_after(1):
            await call(connection)
        assert link.cancelled == ["echo"]


async def test_a_tools_own_failure_does_not_touch_the_connection(tmp_path, link, autojump_clock):
    link.answers["echo"] = ToolError("no such page")
    async with kept(tmp_path) as connection:
        with pytest.raises(ToolError, match="no such page"):
            await call(connection)
        assert connection.status.state == McpState.CONNECTED


async def test_another_profiles_turn_cannot_use_the_connection(tmp_path, link, autojump_clock):
    async with kept(tmp_path) as connection:
        (tool,) = connection.tools
        with pytest.raises(ToolError, match="another profile"):
            await tool.run(make_scope(tmp_path, name="bob"), None, {"text": "hi"})


async def test_news_of_changed_tools_are_looked_at(tmp_path, link, autojump_clock):
    async with kept(tmp_path) as connection:
        link.listed = (ECHO, LATE)
        link.news()
        await trio.testing.wait_all_tasks_blocked()
        assert [tool.name for tool in connection.tools] == ["mcp__notion__echo", "mcp__notion__late"]
        assert connection.revision == 2


async def test_news_that_change_nothing_leave_the_tools_as_they_are(tmp_path, link, autojump_clock):
    async with kept(tmp_path) as connection:
        before = connection.tools
        link.news()
        await trio.sleep(1)
        assert connection.tools is before
        assert connection.revision == 1


async def test_a_flood_of_news_is_looked_at_now_and_then(tmp_path, link, autojump_clock):
    looks = []
    list_tools = link.list_tools

    async def counted() -> object:
        looks.append(trio.current_time())
        return await list_tools()

    link.list_tools = counted
    async with kept(tmp_path):
        for _ in range(100):
            await trio.sleep(0.01)
            link.news()
    assert len(looks) <= 6


async def test_a_server_on_the_network_is_looked_after(tmp_path, link, autojump_clock):
    async with kept(tmp_path, REMOTE) as connection:
        link.ended.set()  # without a word
        await trio.sleep(LOOK_SECONDS - 1)
        assert connection.status.connects == 1
        await trio.sleep(3)
        assert connection.status.connects == 2


@pytest.mark.parametrize(("wanted", "seconds"), [(20.0, 20), (0.001, 1)])
async def test_the_user_says_how_often_a_server_is_looked_after(tmp_path, link, autojump_clock, wanted, seconds):
    async with kept(tmp_path, replace(REMOTE, keepalive_interval=wanted)) as connection:
        link.ended.set()  # without a word
        await trio.sleep(seconds - 0.5)
        assert connection.status.connects == 1
        await trio.sleep(3)
        assert connection.status.connects == 2


async def test_a_process_is_left_in_peace_unless_it_keeps_changes_to_itself(tmp_path, link, autojump_clock):
    async with kept(tmp_path) as connection:
        link.listed = (ECHO, LATE)
        await trio.sleep(LOOK_SECONDS + 1)
        assert len(connection.tools) == 1
    link.listed, link.announces = (ECHO,), False
    async with kept(tmp_path) as connection:
        link.listed = (ECHO, LATE)
        await trio.sleep(LOOK_SECONDS + 1)
        assert len(connection.tools) == 2


async def test_a_server_that_stops_answering_is_connected_anew(tmp_path, link, autojump_clock):
    async with kept(tmp_path, REMOTE) as connection:
        link.list_seconds = 1000.0
        link.news()
        await trio.sleep(30.5)
        assert connection.status.reason == "mcp_connection_lost"
        link.list_seconds = 0.0
        await trio.sleep(2)
        assert connection.status.connects == 2


async def test_every_opened_connection_is_closed(tmp_path, link, autojump_clock):
    link.refusals = [McpError("down"), 100.0]
    async with kept(tmp_path):
        await trio.sleep(100)
        link.lose()
        await trio.sleep(5)
    assert link.opened == link.closed + 2  # two never came to be


async def test_secrets_do_not_show_in_an_error(tmp_path, link, autojump_clock):
    headers = {"Authorization": "Bearer LITERAL-header-123"}
    server = replace(SERVER, headers=headers, env={"TOKEN": "LITERAL-env-123", "FOLDER": "/srv/notes"})
    link.refusals = [McpError("bad CANARY-0123456789, LITERAL-header-123, LITERAL-env-123 in /srv/notes")]
    async with kept(tmp_path, server) as connection:
        told = "\n".join([connection.status.detail, *connection._scope.log.lines])
    assert "CANARY" not in told
    assert "LITERAL" not in told
    assert "/srv/notes" in told


def test_a_servers_process_gets_a_constructed_environment(tmp_path):
    base = {"PATH": "/opt/bin", "LC_ALL": "C", "SERVICE_PASSWORD": "CANARY", "HOME": "/home/user"}
    scope = make_scope(tmp_path, env={"OPENAI_API_KEY": "CANARY", "PLAIN": "CANARY"}, base=base)
    server = replace(SERVER, env={"TOKEN": "own", "LANG": "de"})
    found = server_environment(scope, server)
    assert found == {"PATH": "/opt/bin", "LC_ALL": "C", "HOME": "/home/user", "TOKEN": "own", "LANG": "de"}


def test_a_servers_process_lives_in_the_profiles_own_home_where_there_is_one(tmp_path):
    (tmp_path / "home").mkdir()
    assert server_environment(make_scope(tmp_path), SERVER)["HOME"] == str(tmp_path / "home")
