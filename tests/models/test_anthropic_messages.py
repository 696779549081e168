"""What goes to a provider of Anthropic's messages format."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from hermes_trio.models import http_attempt
from hermes_trio.models.anthropic_messages import FORMAT, build_body
from hermes_trio.models.events import ReplayItem
from hermes_trio.models.request import ChatMessage, ModelRequest, ToolCall
from hermes_trio.models.target import ModelTarget

if TYPE_CHECKING:
    import httpx

BASE = "https://api.anthropic.com"
MARK = {"type": "ephemeral"}
TOOL = {"type": "function", "function": {"name": "ls", "description": "Lists.", "parameters": {"type": "object"}}}


def body_of(*messages: ChatMessage, tools=(), **more):
    target = ModelTarget("anthropic", "claude-sonnet-4-5", BASE, "sk-ant-api03-x", **more)
    return json.loads(build_body(target, ModelRequest(messages, tools=tools)))


def headers_of(key: str) -> httpx.Headers:
    target = ModelTarget("anthropic", "m", BASE, key)
    return http_attempt.build_headers(target, FORMAT.headers(target))


def text(value: str, **more: object) -> dict[str, object]:
    return {"type": "text", "text": value, **more}


def test_a_plain_question():
    assert body_of(ChatMessage("system", "Be nice."), ChatMessage("user", "hello")) == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 32_000,
        "system": [text("Be nice.", cache_control=MARK)],
        "messages": [{"role": "user", "content": [text("hello", cache_control=MARK)]}],
        "stream": True,
    }


def test_a_key_has_its_own_header():
    headers = headers_of("sk-ant-api03-x")
    assert (headers["x-api-key"], headers["anthropic-version"]) == ("sk-ant-api03-x", "2023-06-01")
    assert "authorization" not in headers


@pytest.mark.parametrize("token", ["sk-ant-oat01-abc", "eyJhbGciOiJI.x.y"])
def test_a_token_of_a_signed_in_user_is_a_bearer_token(token):
    headers = headers_of(token)
    assert headers["authorization"] == f"Bearer {token}"
    assert headers["anthropic-beta"] == "oauth-2025-04-20"
    assert "x-api-key" not in headers


def test_an_empty_key_is_not_sent():
    assert "x-api-key" not in headers_of("")


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://api.anthropic.com", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("https://api.z.ai/api/anthropic", "https://api.z.ai/api/anthropic/v1/messages"),
        ("https://x.test/anthropic/v1?beta=1", "https://x.test/anthropic/v1/messages?beta=1"),
    ],
)
def test_the_address(base_url, url):
    assert str(http_attempt.build_url(ModelTarget("custom", "m", base_url), FORMAT)) == url


@pytest.mark.parametrize(
    ("model", "most"),
    [("claude-3-5-sonnet-20241022", 8_192), ("claude-opus-4-1", 32_000), ("claude-opus-4-8", 32_000), ("x", 16_384)],
)
def test_the_longest_answer_fits_the_model(model, most):
    target = ModelTarget("anthropic", model, BASE)
    assert json.loads(build_body(target, ModelRequest((ChatMessage("user", "x"),))))["max_tokens"] == most


def test_the_settings_say_how_long_the_answer_may_be():
    assert body_of(ChatMessage("user", "x"), max_tokens=77)["max_tokens"] == 77


def test_tools_have_their_own_shape_and_the_last_one_a_mark():
    plain = {"type": "function", "function": {"name": "pwd"}}
    assert body_of(ChatMessage("user", "x"), tools=(TOOL, plain))["tools"] == [
        {"name": "ls", "input_schema": {"type": "object"}, "description": "Lists."},
        {"name": "pwd", "input_schema": {"type": "object", "properties": {}}, "cache_control": MARK},
    ]


def test_no_tools_and_no_system_text_are_not_sent():
    assert body_of(ChatMessage("system", " "), ChatMessage("user", "x")).keys().isdisjoint({"system", "tools"})


def test_calls_and_results_are_blocks_and_results_of_one_answer_are_one_message():
    calls = (ToolCall("a", "ls", '{"path":"."}'), ToolCall("b", "ls", ""))
    body = body_of(
        ChatMessage("user", "look"),
        ChatMessage("assistant", "Yes.", tool_calls=calls),
        ChatMessage("tool", "x.txt", tool_call_id="a"),
        ChatMessage("tool", "", tool_call_id="b"),
        ChatMessage("user", "and?"),
    )
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                text("Yes."),
                {"type": "tool_use", "id": "a", "name": "ls", "input": {"path": "."}},
                {"type": "tool_use", "id": "b", "name": "ls", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [text("x.txt")]},
                {"type": "tool_result", "tool_use_id": "b", "content": []},
                text("and?", cache_control=MARK),
            ],
        },
    ]


def test_the_last_two_messages_of_the_user_are_marked():
    said = (ChatMessage("user", "1"), ChatMessage("assistant", "2"), ChatMessage("user", "3"))
    body = body_of(*said, ChatMessage("assistant", "4"), ChatMessage("user", "5"))
    marked = [block["text"] for message in body["messages"] for block in message["content"] if "cache_control" in block]
    assert marked == ["3", "5"]


def test_messages_of_the_same_role_become_one():
    body = body_of(ChatMessage("user", "a"), ChatMessage("user", "b"), ChatMessage("assistant", "c"))
    assert [(message["role"], len(message["content"])) for message in body["messages"]] == [
        ("user", 2),
        ("assistant", 1),
    ]


def test_the_conversation_always_begins_with_the_user():
    assert [message["role"] for message in body_of(ChatMessage("assistant", "Hi"))["messages"]] == ["user", "assistant"]
    assert body_of()["messages"][0]["role"] == "user"


def test_empty_text_is_refused_by_the_format_and_left_out():
    body = body_of(ChatMessage("user", "x"), ChatMessage("assistant", " \n"), ChatMessage("user", ""))
    assert body["messages"] == [{"role": "user", "content": [text("x", cache_control=MARK)]}]


def test_system_messages_amid_the_conversation_stay_where_they_are():
    body = body_of(ChatMessage("system", "S"), ChatMessage("user", "x"), ChatMessage("system", "Now in French."))
    assert [block["text"] for block in body["system"]] == ["S"]
    assert [block["text"] for block in body["messages"][0]["content"]] == ["x", "Now in French."]


def image(url: str) -> MappingProxyType[str, object]:
    return MappingProxyType({"type": "image_url", "image_url": MappingProxyType({"url": url})})


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://x.test/a.png", {"type": "url", "url": "https://x.test/a.png"}),
        ("data:image/png;base64,AAAA", {"type": "base64", "media_type": "image/png", "data": "AAAA"}),
        ("DATA:image/GIF;x=y;base64,AAAA", {"type": "base64", "media_type": "image/gif", "data": "AAAA"}),
        ("data:image/svg+xml,%3Csvg%3E", {"type": "base64", "media_type": "image/svg+xml", "data": "PHN2Zz4="}),
    ],
)
def test_images_are_sources(url, source):
    (message,) = body_of(ChatMessage("user", (image(url), {"type": "text", "text": "What is it?"})))["messages"]
    assert message["content"][0] == {"type": "image", "source": source}


def test_images_in_results_stay_there():
    said = ChatMessage("assistant", None, tool_calls=(ToolCall("a", "look", "{}"),))
    result = ChatMessage("tool", (image("https://x.test/a.png"),), tool_call_id="a")
    block = body_of(ChatMessage("user", "x"), said, result)["messages"][2]["content"][0]
    assert block["content"][0]["type"] == "image"


def test_parts_the_format_does_not_have_are_named():
    (message,) = body_of(ChatMessage("user", ({"type": "input_audio", "input_audio": {}},)))["messages"]
    assert "input_audio" in message["content"][0]["text"]


THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "s"}


def test_what_the_model_thought_comes_first_in_its_answer():
    replay = (ReplayItem("codex_responses", b"[1]"), ReplayItem("anthropic_messages", json.dumps([THOUGHT]).encode()))
    said = ChatMessage("assistant", "Yes.", tool_calls=(ToolCall("a", "ls", "{}"),), replay=replay)
    body = body_of(ChatMessage("user", "x"), said, ChatMessage("tool", "y", tool_call_id="a"))
    assert [block["type"] for block in body["messages"][1]["content"]] == ["thinking", "text", "tool_use"]
    assert body["messages"][1]["content"][0] == THOUGHT


def test_thinking_that_another_provider_signed_is_left_out_once_refused():
    target = ModelTarget("custom", "m", BASE)
    said = ChatMessage("assistant", "Yes.", replay=(ReplayItem("anthropic_messages", json.dumps([THOUGHT]).encode()),))
    refused = FORMAT.refused_parts(b'{"error": {"message": "Invalid `signature` in `thinking` block"}}')
    body = json.loads(build_body(target, ModelRequest((ChatMessage("user", "x"), said)), refused))
    assert [block["type"] for block in body["messages"][1]["content"]] == ["text"]


def test_a_result_comes_before_what_the_user_said_meanwhile():
    said = ChatMessage("assistant", None, tool_calls=(ToolCall("a", "ls", "{}"),))
    late = (ChatMessage("user", "wait"), ChatMessage("tool", "y", tool_call_id="a"))
    blocks = body_of(ChatMessage("user", "x"), said, *late)["messages"][2]["content"]
    assert [block["type"] for block in blocks] == ["tool_result", "text"]
