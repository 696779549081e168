"""Providers of all wire formats that say what a script says, and read back what they were asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hermes_trio.models.events import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.models.events import ModelEvent
    from hermes_trio.models.request import ToolCall

MODES = ("chat_completions", "codex_responses", "anthropic_messages")
Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a model says: pieces of text, then tool calls whose arguments come in pieces."""

    text: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=lambda: Usage(20, 5, 8))
    piece: int = 4
    reason: str = ""
    """``length`` or ``content_filter``; empty for the usual end."""

    def pieces(self, call: ToolCall) -> list[str]:
        """The call's arguments, cut."""
        return [call.arguments[at : at + self.piece] for at in range(0, len(call.arguments), self.piece)]


def speak(mode: str, answer: Answer) -> bytes:
    """The answer as a stream of server-sent events of a wire format."""
    speaker = {"chat_completions": _chat, "codex_responses": _responses, "anthropic_messages": _messages}[mode]
    return b"".join(speaker(answer))


def _event(payload: Json) -> bytes:
    name = f"event: {payload['type']}\n" if "type" in payload else ""
    return f"{name}data: {json.dumps(payload)}\n\n".encode()


def _chat(answer: Answer) -> Iterator[bytes]:
    def chunk(delta: Json, finish: str | None = None) -> bytes:
        return _event({"object": "chat.completion.chunk", "choices": [{"delta": delta, "finish_reason": finish}]})

    yield chunk({"role": "assistant", "content": ""})
    for piece in answer.text:
        yield chunk({"content": piece})
    for index, call in enumerate(answer.calls):
        function = {"name": call.name, "arguments": ""}
        yield chunk({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]})
        for arguments in answer.pieces(call):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]})
    yield chunk({}, answer.reason or ("tool_calls" if answer.calls else "stop"))
    usage = {
        "prompt_tokens": answer.usage.input_tokens,
        "completion_tokens": answer.usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": answer.usage.cache_read_tokens},
    }
    yield _event({"choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def _responses(answer: Answer) -> Iterator[bytes]:
    yield _event({"type": "response.created", "response": {"status": "in_progress", "output": [], "error": None}})
    where = {"output_index": 0, "item_id": "msg_1"}
    if answer.text:
        item = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
        yield _event({"type": "response.output_item.added", "output_index": 0, "item": item})
        for piece in answer.text:
            yield _event({"type": "response.output_text.delta", "delta": piece, **where})
        text = "".join(answer.text)
        yield _event({"type": "response.output_text.done", "text": text, **where})
        done = {**item, "content": [{"type": "output_text", "text": text}]}
        yield _event({"type": "response.output_item.done", "output_index": 0, "item": done})
    for index, call in enumerate(answer.calls, start=1):
        where = {"output_index": index, "item_id": f"fc_{index}"}
        item = {"type": "function_call", "id": f"fc_{index}", "call_id": call.id, "name": call.name, "arguments": ""}
        yield _event({"type": "response.output_item.added", "output_index": index, "item": item})
        for arguments in answer.pieces(call):
            yield _event({"type": "response.function_call_arguments.delta", "delta": arguments, **where})
        yield _event({"type": "response.function_call_arguments.done", "arguments": call.arguments, **where})
        done = {**item, "arguments": call.arguments}
        yield _event({"type": "response.output_item.done", "output_index": index, "item": done})
    response: Json = {
        "status": "completed",
        "error": None,
        "usage": {
            "input_tokens": answer.usage.input_tokens,
            "output_tokens": answer.usage.output_tokens,
            "input_tokens_details": {"cached_tokens": answer.usage.cache_read_tokens},
        },
    }
    if answer.reason:
        said = {"length": "max_output_tokens"}.get(answer.reason, answer.reason)
        response |= {"status": "incomplete", "incomplete_details": {"reason": said}}
    yield _event({"type": f"response.{response['status']}", "response": response})


def _messages(answer: Answer) -> Iterator[bytes]:
    read = answer.usage.cache_read_tokens
    counted = {"input_tokens": answer.usage.input_tokens - read, "cache_read_input_tokens": read, "output_tokens": 1}
    yield _event({"type": "message_start", "message": {"role": "assistant", "content": [], "usage": counted}})
    yield _event({"type": "ping"})
    blocks: list[tuple[Json, list[Json]]] = []
    if answer.text:
        deltas = [{"type": "text_delta", "text": piece} for piece in answer.text]
        blocks.append(({"type": "text", "text": ""}, deltas))
    for call in answer.calls:
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *answer.pieces(call))]
        blocks.append(({"type": "tool_use", "id": call.id, "name": call.name, "input": {}}, deltas))
    for index, (block, deltas) in enumerate(blocks):
        yield _event({"type": "content_block_start", "index": index, "content_block": block})
        for delta in deltas:
            yield _event({"type": "content_block_delta", "index": index, "delta": delta})
        yield _event({"type": "content_block_stop", "index": index})
    said = {"length": "max_tokens", "content_filter": "refusal"}.get(answer.reason)
    reason = said or ("tool_use" if answer.calls else "end_turn")
    usage = {"output_tokens": answer.usage.output_tokens}
    yield _event({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage})
    yield _event({"type": "message_stop"})


def merged(events: list[ModelEvent]) -> list[ModelEvent]:
    """Events with neighbouring pieces put together: formats cut differently."""
    whole: list[Any] = []
    for event in events:
        last = whole[-1] if whole else None
        if type(last) is type(event) and getattr(event, "index", 0) == getattr(last, "index", 0):
            both = {name: getattr(last, name) for name in last.__struct_fields__}
            for name in ("text", "arguments"):
                if name in both:
                    both[name] += getattr(event, name)
            whole[-1] = type(last)(**both)
        else:
            whole.append(event)
    return whole


@dataclass
class Asked:
    """What a provider understood of a request."""

    system: str
    said: list[tuple[str, str]]
    """Role and text, the messages of one role that follow each other put together."""
    calls: list[tuple[str, Any]]
    """Name and arguments, in order."""
    answers: list[tuple[int, str]]
    """Which call, by number, and the result's text."""
    tools: list[tuple[str, Any]]


def listen(mode: str, body: Json) -> Asked:
    """Read a request of a wire format."""
    reader = {"chat_completions": _hear_chat, "codex_responses": _hear_responses, "anthropic_messages": _hear_messages}
    return reader[mode](body)


def _asked(system: str, turns: list[tuple[str, str]], calls: list[tuple[str, str, Any]], **more: Any) -> Asked:
    said: list[tuple[str, str]] = []
    for role, text in turns:
        if said and said[-1][0] == role:
            said[-1] = (role, said[-1][1] + text)
        elif text:
            said.append((role, text))
    places = {call_id: number for number, (call_id, _, _) in enumerate(calls)}
    assert len(places) == len(calls), "ids must not repeat"
    answers = [(places[call_id], text) for call_id, text in more["answers"]]
    return Asked(system, said, [(name, value) for _, name, value in calls], answers, more["tools"])


def _hear_chat(body: Json) -> Asked:
    messages = body["messages"]
    system = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    calls = [
        (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
        for message in messages
        for call in message.get("tool_calls", ())
    ]
    return _asked(
        system,
        [(m["role"], m["content"] or "") for m in messages if m["role"] in ("user", "assistant")],
        calls,
        answers=[(m["tool_call_id"], m["content"]) for m in messages if m["role"] == "tool"],
        tools=[(tool["function"]["name"], tool["function"]["parameters"]) for tool in body.get("tools", ())],
    )


def _hear_responses(body: Json) -> Asked:
    items = body["input"]
    return _asked(
        body.get("instructions", ""),
        [(item["role"], item["content"]) for item in items if item["type"] == "message"],
        [(i["call_id"], i["name"], json.loads(i["arguments"])) for i in items if i["type"] == "function_call"],
        answers=[(i["call_id"], i["output"]) for i in items if i["type"] == "function_call_output"],
        tools=[(tool["name"], tool["parameters"]) for tool in body.get("tools", ())],
    )


def _hear_messages(body: Json) -> Asked:
    roles = [message["role"] for message in body["messages"]]
    assert roles[::2] == ["user"] * len(roles[::2])
    assert roles[1::2] == ["assistant"] * len(roles[1::2])
    blocks = [(message["role"], block) for message in body["messages"] for block in message["content"]]
    return _asked(
        "\n\n".join(block["text"] for block in body.get("system", ())),
        [(role, block["text"]) for role, block in blocks if block["type"] == "text"],
        [(b["id"], b["name"], b["input"]) for _, b in blocks if b["type"] == "tool_use"],
        answers=[
            (b["tool_use_id"], "".join(part["text"] for part in b["content"]))
            for _, b in blocks
            if b["type"] == "tool_result"
        ],
        tools=[(tool["name"], tool["input_schema"]) for tool in body.get("tools", ())],
    )
