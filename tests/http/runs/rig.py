"""A client of runs over the in-memory gateway."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from hermes_trio.io.groups import lone_error_raised
from hermes_trio.testing import ProfileFiles, open_gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from hermes_trio.testing.gateway import GatewayFixture

CLOSED = ": stream closed"
ASKING = {
    "model": "builtin/echo",
    "platform_toolsets": {"api_server": ["clarify", "terminal", "delegation"]},
    "approvals": {"mode": "manual", "timeout": 60},
    "agent": {"clarify_timeout": 100},
}


def call(tool: str, **arguments: object) -> str:
    """A line that makes the scripted model call a tool."""
    return f"!tool {tool} {json.dumps(arguments)}"


def also(tool: str, **arguments: object) -> str:
    """A line that adds a call to the one before."""
    return f"!also {tool} {json.dumps(arguments)}"


CLARIFY = call("clarify", question="Which?", choices=["one", "two"])
DELETE = call("terminal", command="rm -rf build")


class Runs:
    """The runs of one profile, as a client of its API sees them."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def start(self, text: str, **body: object) -> str:
        """Start a run; returns its id."""
        answer = await self.client.post("runs", json={"input": text, **body})
        assert answer.status_code == 202, answer.text
        started = answer.json()
        assert started == {"run_id": started["run_id"], "status": "started"}
        return started["run_id"]

    async def view(self, run_id: str) -> dict:
        answer = await self.client.get(f"runs/{run_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def until(self, run_id: str, *statuses: str, seconds: float = 60) -> dict:
        """Look until the run has one of these statuses."""
        with trio.fail_after(seconds):
            while (view := await self.view(run_id))["status"] not in statuses:
                await trio.sleep(0.05)
        return view

    async def end(self, run_id: str, seconds: float = 600) -> dict:
        """Look until the run has ended."""
        return await self.until(run_id, "completed", "failed", "cancelled", seconds=seconds)

    async def post(self, run_id: str, verb: str, **body: object) -> httpx.Response:
        return await self.client.post(f"runs/{run_id}/{verb}", json=body)

    async def events(self, run_id: str) -> list[dict]:
        """All events that nobody has read, to the end of the run."""
        async with self.stream(run_id) as stream:
            return [event async for event in stream]

    @asynccontextmanager
    async def stream(self, run_id: str) -> AsyncIterator[trio.MemoryReceiveChannel[dict]]:
        """Read the events as they come; they end with the stream, which must say that it is closed."""
        async with self.client.stream("GET", f"runs/{run_id}/events") as answer:
            assert answer.status_code == 200, await answer.aread()
            send, receive = trio.open_memory_channel[dict](10_000)
            with receive, lone_error_raised():
                async with trio.open_nursery() as nursery:
                    # In a task, because the iterators within httpx are only left in order when they are cancelled.
                    nursery.start_soon(_read_events, answer, send)
                    yield receive
                    nursery.cancel_scope.cancel()


async def _read_events(answer: httpx.Response, send: trio.MemorySendChannel[dict]) -> None:
    last = ""
    with send:
        async for line in answer.aiter_lines():
            last = line or last
            if line.startswith("data: "):
                send.send_nowait(json.loads(line.removeprefix("data: ")))
    assert last == CLOSED


@asynccontextmanager
async def open_runs(root: Path, config: dict | None = None, **options) -> AsyncIterator[tuple[GatewayFixture, Runs]]:
    """A gateway with Ada, whose runs these are."""
    files = ProfileFiles("You are Ada.", config or ASKING)
    async with open_gateway({"ada": files}, root=root, **options) as gateway, gateway.client("ada") as client:
        yield gateway, Runs(client)


def names(events: list[dict]) -> list[str]:
    """The names of events; text that came in pieces counts once."""
    found: list[str] = []
    for event in events:
        if event["event"] != "message.delta" or found[-1:] != ["message.delta"]:
            found.append(event["event"])
    return found


def text(events: list[dict]) -> str:
    """What the agent has said."""
    return "".join(event.get("delta", "") for event in events)
