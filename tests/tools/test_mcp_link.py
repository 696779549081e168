"""Sessions with servers of the SDK, in memory."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import mcp_types as wire
import pytest
import trio
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError as ServerToolError
from mcp.shared.exceptions import MCPError

from hermes_trio.io.groups import lone_error_raised
from hermes_trio.tools.mcp_errors import McpError
from hermes_trio.tools.mcp_link import MOST_PAGES
from hermes_trio.tools.tool import ToolError
from tests.tools.mcp_rig import Refusal, peer_in_memory, server_in_memory

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server


async def keep(mime_type: str, _data: str) -> str:
    return f"/kept/{mime_type}"


class Demo:
    """A server with tools of every kind."""

    def __init__(self) -> None:
        self.cancelled: list[str] = []
        self.refusals: list[str] = []
        self.server = MCPServer("demo")
        for tool in (self.echo, self.add, self.picture, self.fail, self.hang, self.ask, self.grow):
            self.server.add_tool(tool)

    @property
    def lowlevel(self) -> Server[object]:
        return self.server._lowlevel_server

    def echo(self, text: str) -> str:
        """Says it again."""
        return text

    def add(self, a: int, b: int) -> dict[str, int]:
        """Adds."""
        return {"sum": a + b}

    def picture(self) -> Image:
        return Image(data=b"a picture", format="png")

    def fail(self) -> str:
        raise ServerToolError("no luck")

    async def hang(self) -> str:
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            self.cancelled.append("hang")
            raise
        return ""

    async def ask(self, ctx: Context) -> str:
        message = wire.SamplingMessage(role="user", content=wire.TextContent(type="text", text="hi"))
        for question in (
            partial(ctx.session.create_message, [message], max_tokens=1),
            partial(ctx.elicit_url, "sure?", "https://x.test", "1"),
            ctx.session.list_roots,
        ):
            try:
                await question()
            except MCPError as error:
                self.refusals.append(error.error.message)
        return "asked"

    async def grow(self, ctx: Context) -> str:
        self.server.add_tool(lambda: "late", name="late")
        await ctx.session.send_tool_list_changed()
        return "grown"


async def test_a_servers_tools_are_listed_with_description_and_schema():
    async with server_in_memory(Demo().lowlevel) as there:
        echo, *_ = await there.link.list_tools()
    assert (echo.name, echo.description) == ("echo", "Says it again.")
    assert echo.parameters["properties"]["text"]["type"] == "string"


async def test_a_call_returns_text():
    async with server_in_memory(Demo().lowlevel) as there:
        assert await there.link.call("echo", {"text": "hi"}, keep) == "hi"


async def test_a_call_returns_structured_content_once():
    async with server_in_memory(Demo().lowlevel) as there:
        assert (await there.link.call("add", {"a": 1, "b": 2}, keep)).count("sum") == 1


async def test_a_call_returns_where_an_image_was_kept():
    async with server_in_memory(Demo().lowlevel) as there:
        assert "kept as /kept/image/png" in await there.link.call("picture", {}, keep)


async def test_a_tools_failure_is_a_tool_error():
    async with server_in_memory(Demo().lowlevel) as there:
        with pytest.raises(ToolError, match="no luck"):
            await there.link.call("fail", {}, keep)


async def test_an_unknown_tool_is_a_tool_error():
    async with server_in_memory(Demo().lowlevel) as there:
        with pytest.raises(ToolError, match="nonsense"):
            await there.link.call("nonsense", {}, keep)


async def test_a_cancelled_call_is_cancelled_on_the_server_and_the_session_goes_on(autojump_clock):
    demo = Demo()
    async with server_in_memory(demo.lowlevel) as there:
        with trio.move_on_after(1) as patience:
            await there.link.call("hang", {}, keep)
        assert patience.cancelled_caught
        assert await there.link.call("echo", {"text": "still here"}, keep) == "still here"
    assert demo.cancelled == ["hang"]


async def test_calls_run_side_by_side(autojump_clock):
    async with server_in_memory(Demo().lowlevel) as there, trio.open_nursery() as nursery:
        nursery.start_soon(there.link.call, "hang", {}, keep)
        await trio.testing.wait_all_tasks_blocked()
        assert await there.link.call("echo", {"text": "beside"}, keep) == "beside"
        nursery.cancel_scope.cancel()


@pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
async def test_a_server_may_ask_neither_model_nor_user_nor_for_folders():
    demo = Demo()
    async with server_in_memory(demo.lowlevel) as there:
        assert await there.link.call("ask", {}, keep) == "asked"
    assert ["not supported" in refusal for refusal in demo.refusals] == [True] * 3


async def test_a_changed_tool_list_is_news():
    async with server_in_memory(Demo().lowlevel) as there:
        assert there.link.announces
        assert there.news == []
        await there.link.call("grow", {}, keep)
        await trio.testing.wait_all_tasks_blocked()
        assert there.news == [None]
        assert "late" in [tool.name for tool in await there.link.list_tools()]


async def test_the_end_of_the_connection_is_news():
    async with server_in_memory(Demo().lowlevel) as there:
        there.scope.cancel()
        with trio.fail_after(1):
            await there.link.ended.wait()
        assert there.news == [None]
        with pytest.raises(ToolError, match="Connection closed"):
            await there.link.call("echo", {"text": "hi"}, keep)
        with pytest.raises(McpError, match="Connection closed"):
            await there.link.list_tools()


HANDSHAKE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "scripted", "version": "1"},
}
ONE_TOOL = {"name": "one", "inputSchema": {"type": "object"}}


async def test_a_list_of_tools_that_never_ends_is_cut():
    pages = []

    def answer(method: str, params: dict[str, object]) -> object:
        if method == "tools/list":
            pages.append(params.get("cursor"))
            return {"tools": [ONE_TOOL], "nextCursor": str(len(pages))}
        return HANDSHAKE

    async with peer_in_memory(answer) as link:
        assert len(await link.list_tools()) == MOST_PAGES
    assert pages[:3] == [None, "1", "2"]


async def test_a_server_without_tools_is_asked_for_none():
    asked = []

    def answer(method: str, _params: object) -> object:
        asked.append(method)
        return {} if method == "ping" else {**HANDSHAKE, "capabilities": {}}

    async with peer_in_memory(answer) as link:
        assert await link.list_tools() == ()
    assert asked == ["initialize", "notifications/initialized", "ping"]


async def test_a_refused_handshake_is_an_error_with_the_servers_words():
    def answer(method: str, _params: object) -> object:
        return Refusal(-32603, f"no {method} today")

    with pytest.raises(McpError, match="no initialize today"), lone_error_raised():
        async with peer_in_memory(answer):
            pass


async def test_an_unknown_version_of_the_protocol_is_an_error():
    with pytest.raises(McpError, match="1999"), lone_error_raised():
        async with peer_in_memory(lambda *_: {**HANDSHAKE, "protocolVersion": "1999-01-01"}):
            pass


async def test_an_answer_that_breaks_the_protocol_is_an_error_that_does_not_quote_it():
    def answer(method: str, _params: object) -> object:
        return {"tools": "CANARY"} if method == "tools/list" else {"content": 7, **HANDSHAKE}

    async with peer_in_memory(answer) as link:
        with pytest.raises(McpError) as caught:
            await link.list_tools()
        assert "CANARY" not in str(caught.value)
        with pytest.raises(ToolError, match="does not follow the protocol"):
            await link.call("one", {}, keep)


class Modern:
    """A server of 2026, which knows no handshake."""

    def __init__(self, *results: dict[str, object]) -> None:
        self.results = list(results)
        self.states: list[object] = []

    def __call__(self, method: str, params: dict[str, object]) -> object:
        cacheable = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
        if method == "server/discover":
            return {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, **cacheable}
        if method == "tools/list":
            return {"tools": [ONE_TOOL], **cacheable}
        if method == "tools/call":
            self.states.append(params.get("requestState"))
            return self.results.pop(0)
        return Refusal(-32022, "unsupported version", {"supported": ["2026-07-28"], "requested": "2025-11-25"})


DONE = {"resultType": "complete", "content": [{"type": "text", "text": "done"}]}


async def test_a_server_of_2026_is_spoken_to_in_its_own_way():
    async with peer_in_memory(Modern(DONE)) as link:
        assert [tool.name for tool in await link.list_tools()] == ["one"]
        assert await link.call("one", {}, keep) == "done"
        assert not link.announces


async def test_a_server_that_needs_more_rounds_gets_them(autojump_clock):
    server = Modern({"resultType": "input_required", "requestState": "half"}, DONE)
    async with peer_in_memory(server) as link:
        assert await link.call("one", {}, keep) == "done"
    assert server.states == [None, "half"]


async def test_a_server_that_wants_to_ask_somebody_is_refused():
    question = {"method": "elicitation/create", "params": {"message": "sure?", "requestedSchema": {"type": "object"}}}
    question["params"]["requestedSchema"]["properties"] = {}
    server = Modern({"resultType": "input_required", "inputRequests": {"a": question}, "requestState": "x"})
    async with peer_in_memory(server) as link:
        with pytest.raises(ToolError, match="refused"):
            await link.call("one", {}, keep)
