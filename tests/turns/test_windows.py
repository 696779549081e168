"""How much a model takes, where only its provider knows."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from hermes_trio.models.target import ModelTarget
from hermes_trio.testing import ProfileFiles, open_gateway
from hermes_trio.turns import windows as windows_module
from hermes_trio.turns.windows import MOST_ASKED, open_windows
from tests.io.fake_upstream import ServerSide, Upstream
from tests.models.speakers import Answer, speak

LOCAL = ModelTarget("custom", "qwen", "http://127.0.0.1:8000/v1", api_mode="chat_completions")


class Provider:
    """Stands in for the question itself; answers when it may."""

    def __init__(self, length: int | None = 40_960) -> None:
        self.length, self.asked, self.may_answer = length, [], trio.Event()

    async def __call__(self, _scope, target) -> int | None:
        self.asked.append(target.model)
        await self.may_answer.wait()
        return self.length


@pytest.fixture
def provider(monkeypatch) -> Provider:
    provider = Provider()
    monkeypatch.setattr(windows_module, "ask_context_length", provider)
    return provider


async def test_a_provider_is_asked_once_and_nobody_waits_for_it(open_agent, provider, autojump_clock):
    async with open_agent() as agent, open_windows(agent.scope) as windows:
        windows.learn(LOCAL)
        windows.learn(LOCAL)
        assert windows.length(LOCAL) is None
        provider.may_answer.set()
        await trio.testing.wait_all_tasks_blocked()
        windows.learn(LOCAL)
        assert windows.length(LOCAL) == 40_960
    assert provider.asked == ["qwen"]


async def test_one_that_does_not_say_it_is_not_asked_again(open_agent, provider, autojump_clock):
    provider.length = None
    provider.may_answer.set()
    async with open_agent() as agent, open_windows(agent.scope) as windows:
        for _ in range(3):
            windows.learn(LOCAL)
            await trio.testing.wait_all_tasks_blocked()
        assert windows.length(LOCAL) is None
    assert provider.asked == ["qwen"]


@pytest.mark.parametrize(
    "target",
    [
        ModelTarget("custom", "qwen", "http://127.0.0.1:8000/v1", context_length=8192),
        ModelTarget("custom", "m", "https://x.test/anthropic", api_mode="anthropic_messages"),
        ModelTarget("builtin", "echo", api_mode="builtin"),
    ],
)
async def test_whoever_is_known_or_speaks_another_format_is_not_asked(open_agent, provider, autojump_clock, target):
    async with open_agent() as agent, open_windows(agent.scope) as windows:
        windows.learn(target)
        await trio.testing.wait_all_tasks_blocked()
        assert windows.length(target) == target.context_length
    assert provider.asked == []


async def test_what_is_asked_has_a_bound(open_agent, provider, autojump_clock):
    async with open_agent() as agent, open_windows(agent.scope) as windows:
        for number in range(MOST_ASKED + 5):
            windows.learn(ModelTarget("custom", f"m{number}", "http://127.0.0.1:8000/v1"))
        await trio.testing.wait_all_tasks_blocked()
    assert len(provider.asked) == MOST_ASKED


async def test_the_end_of_the_profile_waits_for_no_answer(open_agent, provider, autojump_clock):
    async with open_agent() as agent, open_windows(agent.scope) as windows:
        windows.learn(LOCAL)
        await trio.testing.wait_all_tasks_blocked()
    assert trio.current_time() < 1


class Server:
    """A model server that knows how much its model takes."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def serve(self, side: ServerSide) -> None:
        """One connection."""
        while (request := await side.request()) is not None:
            self.asked.append(f"{request.method} {request.target}")
            body = b'{"data": [{"id": "homemade", "max_model_len": 3000}]}'
            if request.method == "POST":
                body = speak("chat_completions", Answer(("I see.",)))
            await side.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


async def test_a_conversation_is_compressed_to_what_the_provider_says(tmp_path, autojump_clock):
    server = Server()
    config = {
        "model": {"default": "homemade", "base_url": "http://models.test/v1", "api_key": "k"},
        "platform_toolsets": {"api_server": []},
        "compression": {"protect_first_n": 1, "protect_last_n": 2},
    }
    async with trio.open_nursery() as nursery:
        upstream = Upstream(nursery, (server.serve,))
        async with open_gateway({"ada": ProfileFiles("", config)}, root=tmp_path, connect=upstream.connect) as gateway:
            for number in range(6):
                await gateway.ask("ada", f"{number} " + "word " * 400, session="s")
        nursery.cancel_scope.cancel()
    assert server.asked[:2] == ["POST /v1/chat/completions", "GET /v1/models"]
    assert server.asked.count("GET /v1/models") == 1
    assert len(server.asked) > 6 + 1, "summaries are asked for as well"
