"""How much a provider says that its models take."""

from __future__ import annotations

import httpx
import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.models.model_list import ask_context_length, find_length, read_ollama
from hermes_trio.models.target import ModelTarget
from tests.models.rig import Pieces, make_scope


def listing(**entry: object) -> bytes:
    return msgspec.json.encode({"object": "list", "data": [{"id": "other", "context_length": 1}, {"id": "m", **entry}]})


@pytest.mark.parametrize(
    "entry",
    [
        {"context_length": 8192, "top_provider": {"context_length": 4096}},
        {"max_model_len": 8192},
        {"context_window": 8192},
        {"max_context_length": 32768, "loaded_context_length": 8192},
        {"max_input_tokens": 8192},
        {"meta": {"n_ctx": 8192, "n_ctx_train": 131072}},
    ],
)
def test_every_server_has_its_own_name_for_it(entry):
    assert find_length(listing(**entry), "M") == 8192


@pytest.mark.parametrize("entry", [{}, {"context_length": None}, {"context_length": "many"}, {"context_length": 0}])
def test_a_server_may_not_say_it(entry):
    assert find_length(listing(**entry), "m") is None


def test_another_model_s_length_does_not_count():
    assert find_length(listing(context_length=1), "unlisted") is None


def test_lists_come_in_other_shapes_too():
    assert find_length(b'{"models": [{"name": "m", "context_length": 5}]}', "m") == 5
    assert find_length(b'[{"id": "m", "context_length": 5}]', "m") == 5


@given(st.binary(max_size=50))
def test_whatever_comes_is_read_or_not_known(answer):
    assert find_length(answer, "m") is None or read_ollama(answer) is None


def test_ollama_s_own_description():
    shown = {"parameters": 'stop "x"\nnum_ctx    16384\n', "model_info": {"llama.context_length": 131072}}
    assert read_ollama(msgspec.json.encode(shown)) == 16384
    assert read_ollama(b'{"parameters": "", "model_info": {"a.b": 1, "qwen3.context_length": 40960}}') == 40960
    assert read_ollama(b'{"error": "no such model"}') is None


async def ask(handler, target: ModelTarget) -> int | None:
    return await ask_context_length(make_scope(handler=handler), target)


@pytest.mark.parametrize(
    ("api_mode", "base_url", "address"),
    [
        ("chat_completions", "https://x.test/v1", "https://x.test/v1/models"),
        ("chat_completions", "https://x.test/v1/chat/completions", "https://x.test/v1/models"),
        ("codex_responses", "https://x.test/v1", "https://x.test/v1/models"),
        ("anthropic_messages", "https://x.test/anthropic", "https://x.test/anthropic/v1/models"),
        ("anthropic_messages", "https://x.test/v1", "https://x.test/v1/models"),
    ],
)
async def test_the_list_is_asked_for_beside_the_answers(api_mode, base_url, address):
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=listing(context_length=77))

    assert await ask(answer, ModelTarget("custom", "m", base_url, "key-1", api_mode)) == 77
    assert [(request.method, str(request.url)) for request in asked] == [("GET", address)]
    assert "key-1" in str(asked[0].headers.raw)


async def test_ollama_is_asked_about_the_model():
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.path}")
        if request.method == "GET":
            return httpx.Response(200, content=listing())
        return httpx.Response(200, json={"model_info": {"llama.context_length": 99}})

    assert await ask(answer, ModelTarget("custom", "m", "http://127.0.0.1:11434/v1")) == 99
    assert asked == ["GET /v1/models", "POST /api/show"]


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(404, json={"error": "no"}),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, content=b" " * 17_000_000),
        httpx.ConnectError("refused"),
    ],
)
async def test_a_provider_that_does_not_say_it_is_no_failure(response):
    def answer(_request: httpx.Request) -> httpx.Response:
        if isinstance(response, Exception):
            raise response
        return response

    assert await ask(answer, ModelTarget("custom", "m", "https://x.test/v1")) is None


async def test_a_provider_that_is_slow_is_not_waited_for(autojump_clock):
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Pieces([3600.0]))

    assert await ask(answer, ModelTarget("custom", "m", "https://x.test/v1")) is None
    assert trio.current_time() == 10


async def test_the_model_in_this_process_asks_nobody():
    assert await ask_context_length(make_scope(), ModelTarget("builtin", "echo")) is None
