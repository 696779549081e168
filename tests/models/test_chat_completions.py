"""What goes to a chat-completions provider, and what comes back of its answers."""

from __future__ import annotations

import gzip
import json
from types import MappingProxyType

import httpx
import msgspec
import pytest

from hermes_trio.errors import ModelError
from hermes_trio.home.config import ModelConfig, ProviderConfig
from hermes_trio.models import http_attempt
from hermes_trio.models.chat_completions import FORMAT, build_body
from hermes_trio.models.events import Finish, ReplayItem, TextDelta, Usage
from hermes_trio.models.request import ChatMessage, ModelRequest, ToolCall
from hermes_trio.models.target import ModelTarget
from tests.models.rig import DONE, Pieces, answering, ask, chunk, collect, make_scope, sse

TARGET = ModelTarget("custom", "small", "https://models.test/v1", "sk-very-secret-key")
STREAM = [
    chunk("Hi"),
    chunk(" there", "stop"),
    {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    DONE,
]
ANSWER = [TextDelta("Hi"), TextDelta(" there"), Usage(3, 2), Finish("stop")]


def build_headers(target: ModelTarget) -> httpx.Headers:
    return http_attempt.build_headers(target, FORMAT.headers(target))


def build_url(target: ModelTarget) -> httpx.URL:
    return http_attempt.build_url(target, FORMAT)


def body_of(target: ModelTarget, request: ModelRequest) -> dict[str, object]:
    return json.loads(build_body(target, request))


# The request


def test_the_body_asks_for_a_stream_with_usage():
    assert body_of(TARGET, ask("hello", "Be nice.")) == {
        "model": "small",
        "messages": [{"role": "system", "content": "Be nice."}, {"role": "user", "content": "hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_tools_max_tokens_and_extra_body_are_sent_when_there_are_some():
    extra = MappingProxyType({"top_k": 4, "stream_options": None, "provider": MappingProxyType({"order": ("a",)})})
    target = ModelTarget("custom", "m", max_tokens=100, extra_body=extra)
    request = ModelRequest((ChatMessage("user", "x"),), tools=(MappingProxyType({"type": "function"}),))
    body = body_of(target, request)
    assert (body["max_tokens"], body["tools"], body["top_k"]) == (100, [{"type": "function"}], 4)
    assert body["provider"] == {"order": ["a"]}
    assert "stream_options" not in body


def test_tool_calls_and_their_results_are_sent_in_openai_s_shape():
    messages = (
        ChatMessage("assistant", None, tool_calls=(ToolCall("c1", "ls", '{"path":"."}'),)),
        ChatMessage("tool", "a.txt", tool_call_id="c1"),
    )
    assert body_of(TARGET, ModelRequest(messages))["messages"] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "ls", "arguments": '{"path":"."}'}}],
        },
        {"role": "tool", "content": "a.txt", "tool_call_id": "c1"},
    ]


def test_images_are_sent_as_they_are():
    part = MappingProxyType({"type": "image_url", "image_url": MappingProxyType({"url": "data:image/png;base64,AA"})})
    message = body_of(TARGET, ModelRequest((ChatMessage("user", (part,)),)))["messages"]
    assert message == [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]}
    ]


def test_half_a_surrogate_pair_in_the_history_does_not_end_the_conversation():
    assert body_of(TARGET, ask("broken \ud83d emoji é"))["messages"][1]["content"] == "broken ? emoji é"


def test_the_key_is_a_bearer_token():
    headers = build_headers(TARGET)
    assert headers["authorization"] == "Bearer sk-very-secret-key"
    assert headers["accept"] == "text/event-stream"


def test_an_empty_key_is_not_sent():
    assert "authorization" not in build_headers(ModelTarget("custom", "m", "https://x.test/v1"))


def test_extra_headers_win():
    target = ModelTarget("custom", "m", "https://x.test/v1", "key-1", headers={"authorization": "Basic x", "X-A": "é"})
    headers = build_headers(target)
    assert (headers["Authorization"], headers["x-a"]) == ("Basic x", "é")
    assert len(headers.get_list("authorization")) == 1


@pytest.mark.parametrize("key", ["sk-“quoted”", "sk-a\nb", "sk-\x00"])
def test_a_key_that_cannot_be_sent_is_told_without_showing_it(key):
    with pytest.raises(ModelError) as caught:
        build_headers(ModelTarget("custom", "m", "https://x.test/v1", key))
    assert caught.value.code == "model_not_configured"
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://x.test/v1", "https://x.test/v1/chat/completions"),
        ("https://x.test", "https://x.test/chat/completions"),
        ("https://x.test/v1/chat/completions", "https://x.test/v1/chat/completions"),
        ("https://x.test/v1/?api-version=2", "https://x.test/v1/chat/completions?api-version=2"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1/chat/completions"),
    ],
)
def test_the_address(base_url, url):
    assert str(build_url(ModelTarget("custom", "m", base_url))) == url


def test_an_address_that_httpx_does_not_take():
    with pytest.raises(ModelError) as caught:
        build_url(ModelTarget("custom", "m", "https://xn--é.test/v1"))
    assert caught.value.code == "model_not_configured"


async def test_the_request_on_the_wire():
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, stream=Pieces([sse(*STREAM)]))

    entry = ProviderConfig("mine", "mine", base_url="https://models.test/v1", api_key="k" * 20, ssl_verify=False)
    scope = make_scope(ModelConfig(name="m", provider="mine"), answer, providers=(entry,))
    assert await collect(scope) == ANSWER
    (request,) = seen
    assert (request.method, str(request.url)) == ("POST", "https://models.test/v1/chat/completions")
    assert request.extensions["timeout"] == {"connect": 10.0, "read": None, "write": 30.0, "pool": None}
    assert request.extensions["tls"].verify is False


# The answer


async def test_a_stream():
    assert await collect(make_scope(handler=answering(*STREAM))) == ANSWER


async def test_a_stream_cut_anywhere():
    whole = sse(*STREAM)
    for size in (1, 7, 50):
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
        scope = make_scope(handler=lambda _request, pieces=pieces: httpx.Response(200, stream=Pieces(pieces)))
        assert await collect(scope) == ANSWER


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "text/html"])
async def test_a_wrong_content_type_does_not_matter(content_type):
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": content_type}, stream=Pieces([b"\r\n" + sse(*STREAM)]))

    assert await collect(make_scope(handler=answer)) == ANSWER


async def test_the_end_mark_is_optional_after_a_finish_reason():
    assert await collect(make_scope(handler=answering(*STREAM[:-1]))) == ANSWER


async def test_the_finish_reason_is_optional_before_the_end_mark():
    assert await collect(make_scope(handler=answering(chunk("Hi"), DONE))) == [TextDelta("Hi"), Finish("stop")]


async def test_plain_json_is_understood():
    message = {"role": "assistant", "content": "Hi there"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    whole = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}, indent=1).encode()
    scope = make_scope(handler=lambda _request: httpx.Response(200, stream=Pieces([b"\n ", whole[:9], whole[9:]])))
    assert await collect(scope) == [TextDelta("Hi there"), Usage(3, 2), Finish("stop")]


async def test_an_answer_that_is_compressed_all_the_same():
    def answer(_request: httpx.Request) -> httpx.Response:
        packed = gzip.compress(sse(*STREAM))
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Pieces([packed[:20], packed[20:]]))

    assert await collect(make_scope(handler=answer)) == ANSWER


async def test_a_whole_answer_over_the_bound_is_refused():
    pieces = [b"{", *[b" " * 1_000_000] * 17]
    with pytest.raises(ModelError, match="longer than"):
        await collect(make_scope(handler=lambda _request: httpx.Response(200, stream=Pieces(pieces))))


def replying(body: bytes, status: int = 200, **headers: str):
    return lambda _request: httpx.Response(status, headers=headers, stream=Pieces([body]))


@pytest.mark.parametrize(
    ("handler", "code", "words"),
    [
        (replying(b"<!doctype html><title>Login</title>"), "model_bad_response", "web page; found an HTML page titled"),
        (replying(b'{"hello": "world"}'), "model_bad_response", "JSON that is no answer"),
        (replying(b'{"choices": ['), "model_bad_response", "no chat completion"),
        (replying(b'{"error": {"message": "bad key", "code": 401}}'), "model_unauthorized", "bad key"),
        (replying(b"data: {oops\n\n"), "model_bad_response", "no chat completion"),
        (replying(b"x", **{"content-encoding": "br"}), "model_bad_response", "compressed"),
        (replying(b"not gzip at all", **{"content-encoding": "gzip"}), "model_bad_response", "compression is broken"),
        (replying(b"", 302, location="https://login.test"), "model_bad_response", "HTTP 302"),
        (replying(b"<html><title>Not Found</title>", 404), "model_bad_request", "does not know this model or address"),
    ],
)
async def test_what_is_no_answer_is_a_typed_error(handler, code, words):
    with pytest.raises(ModelError, match=words) as caught:
        await collect(make_scope(handler=handler, attempts=1))
    assert caught.value.code == code
    assert caught.value.profile == "ada"


async def test_a_refusal_never_repeats_the_key_nor_another_secret():
    body = b'{"error": {"message": "sk-very-secret-key and hunter2-long"}}'
    with pytest.raises(ModelError) as caught:
        await collect(make_scope(handler=replying(body, 401), env={"OTHER_TOKEN": "hunter2-long"}))
    assert "*** and ***" in str(caught.value)
    assert caught.value.status == 401


async def test_a_refusal_of_stream_options_is_answered_by_leaving_them_out():
    bodies: list[dict[str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        if "stream_options" in bodies[-1]:
            return httpx.Response(400, json={"error": {"message": "unknown field stream_options"}})
        return httpx.Response(200, stream=Pieces([sse(*STREAM)]))

    scope = make_scope(handler=answer)
    assert await collect(scope) == ANSWER
    assert ["stream_options" in body for body in bodies] == [True, False]
    assert scope.log.lines == []


async def test_another_bad_request_is_not_repeated():
    calls: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(400, json={"error": {"message": "bad tools"}})

    with pytest.raises(ModelError, match="bad tools"):
        await collect(make_scope(handler=answer))
    assert len(calls) == 1


async def test_a_refusal_that_does_not_end_is_still_that_refusal(autojump_clock):
    for tail in (httpx.ReadError("lost"), 3600.0):
        body = Pieces([b"no such key", tail])
        with pytest.raises(ModelError, match="no such key") as caught:
            await collect(make_scope(handler=lambda _request, body=body: httpx.Response(401, stream=body)))
        assert caught.value.status == 401
        assert body.closed


async def test_a_refusal_is_read_up_to_a_bound_only():
    class Endless(Pieces):
        async def __anext__(self) -> bytes:
            return b"x" * 10_000

    body = Endless([])
    with pytest.raises(ModelError):
        await collect(make_scope(handler=lambda _request: httpx.Response(401, stream=body)))
    assert body.closed


# What providers have added to the format


def said_with(*replay: ReplayItem) -> ModelRequest:
    said = ChatMessage("assistant", "Yes.", tool_calls=(ToolCall("c1", "ls", "{}"),), replay=replay)
    return ModelRequest((ChatMessage("user", "x"), said, ChatMessage("tool", "y", tool_call_id="c1")))


def test_images_in_results_follow_the_results_of_the_same_answer():
    image = {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}
    calls = (ToolCall("a", "look", "{}"), ToolCall("b", "ls", "{}"))
    messages = (
        ChatMessage("assistant", None, tool_calls=calls),
        ChatMessage("tool", (image,), tool_call_id="a"),
        ChatMessage("tool", ({"type": "text", "text": "b.txt"},), tool_call_id="b"),
    )
    for rest in ((), (ChatMessage("user", "and?"),)):
        wire = body_of(TARGET, ModelRequest((*messages, *rest)))["messages"]
        assert [message["role"] for message in wire] == ["assistant", "tool", "tool", "user", *["user"] * len(rest)]
        assert "image" in wire[1]["content"]
        assert wire[2]["content"] == [{"type": "text", "text": "b.txt"}]
        assert wire[3]["content"][1] == image


def test_a_result_without_text_is_an_empty_text():
    assert body_of(TARGET, ModelRequest((ChatMessage("tool", None, tool_call_id="a"),)))["messages"][0]["content"] == ""


def test_what_the_provider_wants_back_is_merged_into_the_message():
    data = json.dumps({"reasoning_details": [{"x": 1}], "tool_calls": {"c1": {"google": {"thought_signature": "s"}}}})
    request = said_with(ReplayItem("chat_completions", data.encode()), ReplayItem("anthropic_messages", b"[]"))
    message = body_of(TARGET, request)["messages"][1]
    assert message["reasoning_details"] == [{"x": 1}]
    assert message["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "s"}}


@pytest.mark.parametrize("host", ["api.deepseek.com", "api.moonshot.ai", "api.kimi.com"])
def test_some_providers_refuse_calls_without_what_was_thought_before(host):
    target = ModelTarget("custom", "m", f"https://{host}/v1")
    thought = ReplayItem("chat_completions", b'{"reasoning_content": "hm"}')
    assert body_of(target, said_with(thought))["messages"][1]["reasoning_content"] == "hm"
    assert body_of(target, said_with())["messages"][1]["reasoning_content"] == " "
    assert "reasoning_content" not in body_of(TARGET, said_with())["messages"][1]


def test_openrouter_passes_cache_marks_on_to_anthropic_s_models():
    target = ModelTarget("openrouter", "anthropic/claude-sonnet-4.5", "https://openrouter.ai/api/v1")
    messages = (ChatMessage("system", "S"), ChatMessage("user", "1"), *said_with().messages)
    wire = body_of(target, ModelRequest(messages))["messages"]
    marked = [message["role"] for message in wire if isinstance(message["content"], list)]
    assert marked == ["system", "user", "tool"]
    assert wire[0]["content"] == [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}]
    for other in (TARGET, ModelTarget("openrouter", "openai/gpt-5", "https://openrouter.ai/api/v1")):
        assert "cache_control" not in build_body(other, ModelRequest(messages)).decode()


async def test_a_model_that_knows_the_limit_under_its_newer_name_gets_that():
    bodies: list[dict[str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        if "max_tokens" in bodies[-1]:
            words = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return httpx.Response(400, json={"error": {"message": words}})
        return httpx.Response(200, stream=Pieces([sse(*STREAM)]))

    scope = make_scope(ModelConfig(name="o9", base_url="https://models.test/v1", max_tokens=50), answer)
    assert await collect(scope) == ANSWER
    assert [body.get("max_completion_tokens") for body in bodies] == [None, 50]
    assert await collect(scope) == ANSWER
    assert [body.get("max_completion_tokens") for body in bodies] == [None, 50, 50]  # once is enough


async def test_a_provider_that_refuses_several_parts_gets_none_of_them():
    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        for part, words in (("stream_options", "stream_options"), ("max_tokens", "use max_completion_tokens")):
            if part in body:
                return httpx.Response(422, json={"error": {"message": words}})
        return httpx.Response(200, stream=Pieces([sse(*STREAM)]))

    model = ModelConfig(name="o9", base_url="https://models.test/v1", max_tokens=50)
    assert await collect(make_scope(model, answer)) == ANSWER


async def test_a_refusal_that_stays_the_same_ends_it():
    calls: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(400, json={"error": {"message": "bad stream_options"}})

    with pytest.raises(ModelError, match="bad stream_options"):
        await collect(make_scope(handler=answer))
    assert len(calls) == 2


def test_tool_schemas_that_are_encoded_already_are_sent_as_they_are():
    schema = {"type": "function", "function": {"name": "ls", "parameters": msgspec.Raw(b'{"type": "object" }')}}
    body = build_body(TARGET, ModelRequest((ChatMessage("user", "x"),), tools=(schema,)))
    assert b'{"type": "object" }' in body
