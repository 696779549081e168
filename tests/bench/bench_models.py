"""How fast a model's answer is decoded: ``python -m tests.bench.bench_models``.

Prints deltas a second for the decoder alone, for decoder and JSON, and for a whole stream: deadlines and httpx,
but neither our transport nor the kernel, because the provider is a list in memory.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import msgspec
import trio

from hermes_trio.home.config import ModelConfig, ProfileConfig
from hermes_trio.home.secrets import Secrets
from hermes_trio.models.chat_chunks import AnswerReader
from hermes_trio.models.echo import EchoAttempt
from hermes_trio.models.request import ChatMessage, ModelRequest
from hermes_trio.models.resolve import resolve_targets
from hermes_trio.models.sse import SseDecoder
from hermes_trio.models.stream import open_stream
from hermes_trio.models.target import ModelTarget
from tests.models.rig import Pieces, make_scope

if TYPE_CHECKING:
    from collections.abc import Callable

DELTAS = 100_000
TARGET = ModelTarget("custom", "bench", "http://bench.invalid/v1")


def chunk(text: str, finish: str | None = None) -> bytes:
    """One event as OpenAI sends it, about 230 bytes."""
    choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": finish}
    body = {
        "id": "chatcmpl-0123456789abcdef0123456789",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "bench",
        "system_fingerprint": "fp_0123456789",
        "choices": [choice],
    }
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


def pieces(per_read: int) -> list[bytes]:
    """The whole stream, cut into reads of so many events."""
    one = b"".join(chunk(f"word{number} ") for number in range(per_read))
    return [one] * (DELTAS // per_read)


def decode_events(reads: list[bytes]) -> None:
    decoder = SseDecoder()
    for read in reads:
        decoder.feed(read)


def decode_deltas(reads: list[bytes]) -> None:
    decoder, reader = SseDecoder(), AnswerReader(TARGET)
    for read in reads:
        reader.read(decoder.feed(read))


def stream_deltas(reads: list[bytes]) -> None:
    async def main() -> None:
        def answer(_request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, stream=Pieces([*reads, b"data: [DONE]\n\n"]))

        scope = make_scope(ModelConfig(name="bench", base_url=TARGET.base_url), answer)
        async with open_stream(scope, ModelRequest((ChatMessage("user", "go"),))) as stream:
            async for _batch in stream:
                pass

    trio.run(main)


def echo_deltas(_reads: list[bytes]) -> None:
    async def main() -> None:
        attempt = EchoAttempt(TARGET, ModelRequest((ChatMessage("user", f"!tokens {DELTAS}"),)))
        await attempt.open()
        while await attempt.receive() is not None:
            pass

    trio.run(main)


def measure(label: str, run: Callable[[list[bytes]], None], reads: list[bytes]) -> None:
    """Print the best of three."""
    best = min(seconds_of(run, reads) for _ in range(3))
    print(f"{label:48} {DELTAS / best:12,.0f} deltas/s {1e6 * best / DELTAS:8.2f} us")


def seconds_of(run: Callable[[list[bytes]], None], reads: list[bytes]) -> float:
    begun = time.perf_counter()
    run(reads)
    return time.perf_counter() - begun


def main() -> None:
    for per_read in (1, 20, 250):
        reads = pieces(per_read)
        measure(f"server-sent events, {per_read} a read", decode_events, reads)
        measure(f"events and JSON, {per_read} a read", decode_deltas, reads)
        measure(f"whole stream, {per_read} a read", stream_deltas, reads)
    measure("builtin/echo, 16 a batch", echo_deltas, [])
    config = ProfileConfig(model=ModelConfig(name="m", provider="openrouter"))
    secrets = Secrets({"OPENROUTER_API_KEY": "sk-0123456789"})
    begun = time.perf_counter()
    for _ in range(10_000):
        resolve_targets(config, secrets)
    print(f"{'resolving the settings':48} {(time.perf_counter() - begun) * 100:29.1f} us")


if __name__ == "__main__":
    main()
