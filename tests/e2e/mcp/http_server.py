"""An MCP server of the Python SDK over streamable HTTP, which notes who asks what. Run it as a program.

Arguments: port, file for the notes, and ``sse`` for the transport of 2024 or ``stateless`` for one without sessions.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import anyio
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from starlette.responses import PlainTextResponse

PORT, JOURNAL, MODE = int(sys.argv[1]), Path(sys.argv[2]), (sys.argv[3:] or ["http"])[0]

server = MCPServer("recorder")


def note(**entry: str) -> None:
    with JOURNAL.open("a") as file:
        file.write(json.dumps(entry) + "\n")


@server.tool()
def whoami(ctx: Context) -> str:
    """Says whose token came with the call."""
    return (ctx.headers or {}).get("authorization", "nobody")


@server.tool()
async def sleep(seconds: float) -> str:
    """Takes its time."""
    try:
        await anyio.sleep(seconds)
    except anyio.get_cancelled_exc_class():
        note(method="cancelled", bearer="", session="", tool="sleep")
        raise
    return "slept"


@server.tool()
async def grow(ctx: Context) -> str:
    """Brings another tool."""
    server.add_tool(lambda: "late", name="late")
    await ctx.session.send_tool_list_changed()
    return "grown"


class Recorder:
    """Notes each request and refuses those without a token."""

    def __init__(self, app) -> None:
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        if not headers.get("authorization", "").startswith("Bearer token-"):
            await PlainTextResponse("who are you?", 401)(scope, receive, send)
            return
        messages, body, more = [], b"", True
        while more:
            messages.append(await receive())
            body += messages[-1].get("body", b"")
            more = messages[-1].get("more_body", False)

        async def again():
            return messages.pop(0) if messages else await receive()

        asked = json.loads(body) if body else {"method": scope["method"]}
        note(
            method=asked.get("method", "answer"),
            bearer=headers["authorization"],
            session=headers.get("mcp-session-id", ""),
            tool=(asked.get("params") or {}).get("name", ""),
        )
        await self.app(scope, again, send)


app = server.sse_app() if MODE == "sse" else server.streamable_http_app(stateless_http=MODE == "stateless")
app.add_middleware(Recorder)
uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning")
