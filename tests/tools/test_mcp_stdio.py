"""Servers that are child processes."""

from __future__ import annotations

import os
import sys
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.io.child_mark import MARK_NAME
from hermes_trio.io.child_process import ChildCommand, ChildError
from hermes_trio.io.groups import lone_error_raised
from hermes_trio.tools.mcp_link import McpLink
from hermes_trio.tools.mcp_stdio import LineBuffer
from hermes_trio.tools.tool import ToolError
from tests.tools.mcp_rig import PLAIN_SERVER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def take_all(lines: LineBuffer) -> list[bytes]:
    found = []
    while (line := await lines.take()) is not None:
        found.append(line)
    return found


@given(st.lists(st.binary(max_size=20)))
def test_lines_come_out_whole_however_they_came_in(pieces):
    lines = LineBuffer(1000)
    for piece in pieces:
        lines.feed(piece)
    lines.end()
    assert trio.run(take_all, lines) == b"".join(pieces).split(b"\n")[:-1]


async def test_a_line_is_waited_for():
    lines, found = LineBuffer(1000), []
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def take() -> None:
            found.append(await lines.take())

        await trio.testing.wait_all_tasks_blocked()
        lines.feed(b"half")
        await trio.testing.wait_all_tasks_blocked()
        assert found == []
        lines.feed(b" and half\nmore")
    assert found == [b"half and half"]


async def test_a_line_without_an_end_is_given_up():
    lines = LineBuffer(100)
    lines.feed(b"one\n" + b"x" * 200)
    lines.feed(b"\n")
    assert await take_all(lines) == [b"one"]


class Server:
    """A session with the plain server."""

    def __init__(self, link: McpLink, news: trio.Event, complaints: list[str]) -> None:
        self.link = link
        self.news = news
        self.complaints = complaints

    async def call(self, tool: str, **arguments: object) -> str:
        return await self.link.call(tool, arguments, lambda *_: None)

    async def number(self, tool: str) -> int:
        return int(await self.call(tool))


@asynccontextmanager
async def running(folder: Path, *mode: str, **environment: str) -> AsyncIterator[Server]:
    news, complaints = trio.Event(), []
    argv = (sys.executable, "-S", "-E", str(PLAIN_SERVER), *mode)
    command = ChildCommand(argv, {"PATH": os.defpath, **environment}, folder, interactive=True)
    with trio.fail_after(20):
        async with McpLink.over_stdio(command, news=news.set, complain=complaints.append) as link:
            yield Server(link, news, complaints)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


@pytest.mark.slow
async def test_a_server_answers(tmp_path):
    async with running(tmp_path) as server:
        assert len(await server.link.list_tools()) > 5
        assert await server.call("echo", text="grüße\n" * 20_000) == "grüße\n" * 20_000


@pytest.mark.slow
async def test_a_server_has_the_environment_it_is_given_and_nothing_else(tmp_path):
    async with running(tmp_path, TOKEN="own") as server:
        found = msgspec.json.decode(await server.call("environment"))
    assert {name for name in found if name != "LC_CTYPE"} == {"PATH", "TOKEN", MARK_NAME}


@pytest.mark.slow
async def test_what_a_server_writes_beside_the_protocol_is_no_harm(tmp_path):
    async with running(tmp_path, TOKEN="own") as server:
        assert await server.call("noise") == "noisy"
        assert await server.call("echo", text="hi") == "hi"
        while not server.complaints:
            await trio.sleep(0.01)
    assert server.complaints == ["a complaint with own"]


@pytest.mark.slow
async def test_a_server_ends_with_its_session_and_so_does_what_it_started(tmp_path):
    before = open_files()
    async with running(tmp_path) as server:
        pids = [await server.number("pid"), await server.number("child")]
        assert all(map(is_running, pids))
    assert not any(map(is_running, pids))
    assert open_files() == before


@pytest.mark.slow
async def test_a_server_that_does_not_want_to_end_is_killed(tmp_path):
    async with running(tmp_path, "stubborn") as server:
        pid = await server.number("pid")
        started = trio.current_time()
    assert not is_running(pid)
    assert trio.current_time() - started < 3


@pytest.mark.slow
async def test_a_cancelled_session_leaves_no_process_and_no_file(tmp_path):
    before = open_files()
    with trio.CancelScope() as scope:
        async with running(tmp_path, "stubborn") as server:
            pids = [await server.number("pid"), await server.number("child")]
            scope.cancel()
            await trio.sleep_forever()
    assert not any(map(is_running, pids))
    assert open_files() == before


@pytest.mark.slow
async def test_cancellation_at_any_moment_leaves_no_process_and_no_file(tmp_path):
    await trio.to_thread.run_sync(int)  # trio keeps descriptors of its own
    before = open_files()
    for number in range(24):
        with trio.move_on_after(0.004 * number):
            async with running(tmp_path) as server, trio.open_nursery() as nursery:
                nursery.start_soon(partial(server.call, "echo", text="x" * 100_000))
                nursery.start_soon(server.call, "hang")
    assert open_files() == before
    assert children() == []


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


@pytest.mark.slow
async def test_a_killed_server_is_noticed_and_a_waiting_call_fails(tmp_path):
    async with running(tmp_path) as server, trio.open_nursery() as nursery:
        pid = await server.number("pid")

        @nursery.start_soon
        async def wait() -> None:
            with pytest.raises(ToolError, match="Connection closed"):
                await server.call("hang")

        await trio.testing.wait_all_tasks_blocked(0.05)
        os.kill(pid, 9)
        await server.link.ended.wait()
        assert server.news.is_set()


@pytest.mark.slow
async def test_a_program_that_does_not_exist_is_an_error(tmp_path):
    command = ChildCommand(("/no/such/server",), {}, tmp_path, interactive=True)
    with pytest.raises(ChildError, match="/no/such/server"), lone_error_raised():
        async with McpLink.over_stdio(command, news=int, complain=print):
            pass


@pytest.mark.slow
async def test_a_server_that_never_answers_can_be_given_up(tmp_path):
    with trio.move_on_after(0.5) as patience:
        async with running(tmp_path, "silent"):
            pass
    assert patience.cancelled_caught
    assert children() == []
