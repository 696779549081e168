"""A conversation over the API leaves the same history whatever wire format the profile's model speaks."""

from __future__ import annotations

import json
import sqlite3
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING

import trio

from hermes_trio.models.events import Usage
from hermes_trio.models.request import ToolCall
from hermes_trio.testing import ProfileFiles, open_gateway
from tests.io.fake_upstream import ServerSide, Upstream
from tests.models.speakers import MODES, Answer, Asked, listen, speak

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hermes_trio.testing import GatewayFixture

NOTES = '{"path":"notes.txt","content":"one two"}'
SCRIPT = (
    Answer(
        ("Hello ", "Grace."),
    ),
    Answer(("Let me ", "write."), (ToolCall("call_a", "write_file", NOTES), ToolCall("call_b", "todo", "{}"))),
    Answer((), (ToolCall("call_c", "read_file", '{"path":"notes.txt"}'),), usage=Usage(60, 7, 32)),
    Answer(("It says: ", "one two."), usage=Usage(80, 6, 64)),
    Answer((), (ToolCall("call_d", "nonsense", "{}"),)),
    Answer(("That cannot", " be done"), reason="length"),
)
SAID = ("I am Grace.", "Write it down and read it.", "Do something odd.")
ROWS = (
    "SELECT role, content, tool_name, tool_call_id, tool_calls, finish_reason, token_count, reasoning FROM messages "
    "ORDER BY id"
)
COUNTS = "SELECT api_call_count, input_tokens, output_tokens, cache_read_tokens, tool_call_count FROM sessions"


class Provider:
    """Says what the script says, in one wire format, and remembers what it was asked."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.asked: list[Asked] = []
        self._answers = iter(SCRIPT)

    async def serve(self, side: ServerSide) -> None:
        """One connection."""
        while (request := await side.request()) is not None:
            self.asked.append(listen(self.mode, json.loads(request.body)))
            answer = speak(self.mode, next(self._answers))
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {len(answer)}\r\n\r\n"
            await side.send(head.encode() + answer)


@asynccontextmanager
async def open_profile(provider: Provider, root: Path) -> AsyncIterator[GatewayFixture]:
    """The profile ``ada``, whose model is the provider's."""
    model = {"default": "gpt-5.2", "base_url": "https://models.test/v1", "api_mode": provider.mode}
    config = {"model": model, "platform_toolsets": {"api_server": ["file", "todo"]}, "timezone": "UTC"}
    files = ProfileFiles("You are Ada.", config, {"OPENAI_API_KEY": "sk-test"})
    async with trio.open_nursery() as nursery:
        upstream = Upstream(nursery, (provider.serve,))
        async with open_gateway({"ada": files}, root=root, connect=upstream.connect) as gateway:
            yield gateway
        nursery.cancel_scope.cancel()


async def talk(mode: str, root: Path) -> tuple[Provider, list[str], dict[str, list[tuple[object, ...]]]]:
    """Hold the whole conversation: what the provider was asked, what the client got, what was stored."""
    provider = Provider(mode)
    async with open_profile(provider, root) as gateway:
        answers = [await gateway.ask("ada", text, session="s") for text in SAID]
        assert gateway.request_errors == []
    with closing(sqlite3.connect(gateway.home.profile("ada").state_db)) as connection:
        stored = {sql: connection.execute(sql).fetchall() for sql in (ROWS, COUNTS)}
    return provider, answers, stored


async def test_the_same_session_yields_the_same_history_in_all_wire_formats(tmp_path, autojump_clock):
    root = tmp_path / "home"  # the same one after the other: paths are part of what tools say
    outcomes = []
    for mode in MODES:
        root.mkdir()
        provider, answers, stored = await talk(mode, root)
        outcomes.append((provider.asked, answers, stored))
        root.rename(tmp_path / mode)
    first, *others = outcomes
    assert all(other == first for other in others)
    asked, answers, stored = first
    assert answers == ["Hello Grace.", "It says: one two.", "That cannot be done"]
    roles = [row[0] for row in stored[ROWS]]
    written = ["user", "assistant", "tool", "tool", "assistant", "tool", "assistant"]
    assert roles == ["user", "assistant", *written, "user", "assistant", "tool", "assistant"]
    assert stored[ROWS][-1][5] == "length"
    assert stored[COUNTS] == [(6, 220, 33, 128, 4)]
    assert len(asked) == len(SCRIPT)
    assert [text for role, text in asked[-1].said if role == "user"] == list(SAID)
    assert [name for name, _ in asked[-1].calls] == ["write_file", "todo", "read_file", "nonsense"]
