"""A stand-in for the scope, and providers that are functions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import httpx
import msgspec
import trio

from hermes_trio.errors import ModelError
from hermes_trio.home.config import AgentConfig, FallbackConfig, ModelConfig, ProfileConfig, ProviderConfig
from hermes_trio.home.secrets import Secrets
from hermes_trio.io.clock import FixedClock
from hermes_trio.io.files import FileCache
from hermes_trio.io.workers import InlineWorkers
from hermes_trio.models.request import ChatMessage, ModelRequest
from hermes_trio.models.stream import open_stream

if TYPE_CHECKING:
    from hermes_trio.models.events import ModelEvent
    from hermes_trio.models.provider_gate import ProviderGate
    from hermes_trio.scope import ProfileScope

Handler = Callable[[httpx.Request], httpx.Response] | Callable[[httpx.Request], Awaitable[httpx.Response]]
Piece = bytes | float | Exception
"""Bytes are sent, a number is waited for in seconds, an exception is raised."""


class Pieces(httpx.AsyncByteStream):
    """A response's body that arrives in these pieces; ``closed`` says whether it was closed."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._pieces = iter(pieces)
        self.closed = False
        self.exhausted = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            if isinstance(piece, bytes):
                return piece
            if isinstance(piece, Exception):
                raise piece
            await trio.sleep(piece)
        self.exhausted = True
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed = True


@dataclass
class Journal:
    """Log lines of a scope."""

    lines: list[str] = field(default_factory=list)

    def bind(self, **_fields: object) -> Journal:
        return self

    def warning(self, message: str, **_extra: object) -> None:
        self.lines.append(message)


def make_scope(
    model: ModelConfig | None = None,
    handler: Handler | None = None,
    *,
    providers: tuple[ProviderConfig, ...] = (),
    fallbacks: tuple[FallbackConfig, ...] = (),
    attempts: int = 3,
    env: dict[str, str] | None = None,
    gate: ProviderGate | None = None,
) -> ProfileScope:
    """A scope whose model is answered for by ``handler``."""

    def no_network(_request: httpx.Request) -> httpx.Response:
        raise AssertionError("no request was expected")

    client = httpx.AsyncClient(transport=httpx.MockTransport(handler or no_network), trust_env=False)
    scope = SimpleNamespace(
        name="ada",
        config=ProfileConfig(
            model=model or ModelConfig(name="small", base_url="https://models.test/v1", api_key="sk-very-secret-key"),
            providers=providers,
            fallback_providers=fallbacks,
            agent=AgentConfig(api_max_retries=attempts),
        ),
        secrets=Secrets(env or {}),
        http=SimpleNamespace(client=lambda: client),
        log=Journal(),
        clock=FixedClock(),
        shared=SimpleNamespace(jitter=lambda: 0.5, provider_gate=gate),
        check_open=lambda: None,
        files=FileCache(InlineWorkers(), trio.CapacityLimiter(1)),
    )
    return cast("ProfileScope", scope)


def ask(text: str = "hello", system: str = "You are Ada.") -> ModelRequest:
    """A question to a model."""
    return ModelRequest((ChatMessage("system", system), ChatMessage("user", text)))


async def collect(scope: ProfileScope, request: ModelRequest | None = None) -> list[ModelEvent]:
    """All events of an answer."""
    async with open_stream(scope, request or ask()) as stream:
        return [event async for batch in stream for event in batch]


async def collect_until_failure(scope: ProfileScope, request: ModelRequest) -> tuple[list[ModelEvent], ModelError]:
    """What had been handed out when the stream failed, and how it failed."""
    events: list[ModelEvent] = []
    try:
        async with open_stream(scope, request) as stream:
            async for batch in stream:
                events += batch
    except ModelError as error:
        return events, error
    raise AssertionError(f"the stream did not fail: {events}")


def sse(*payloads: object) -> bytes:
    """Server-sent events; what is not bytes becomes JSON."""
    texts = (payload if isinstance(payload, bytes) else msgspec.json.encode(payload) for payload in payloads)
    return b"".join(b"data: " + text + b"\n\n" for text in texts)


def chunk(content: str | None = None, finish: str | None = None, **more: object) -> dict[str, object]:
    """One chunk of a streamed chat completion."""
    delta = {} if content is None else {"content": content}
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


DONE = b"[DONE]"


def answering(*payloads: object) -> Callable[[httpx.Request], httpx.Response]:
    """A provider that always streams this."""
    return lambda _request: httpx.Response(200, stream=Pieces([sse(*payloads)]))
