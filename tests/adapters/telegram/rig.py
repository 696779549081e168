"""An adapter that runs against the fake Bot API in memory, and a core that writes down what it is told."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import trio

from hermes_trio.adapter_api import CommandInfo, PlatformConfig
from hermes_trio.io.clock import FixedClock
from hermes_trio.io.http_client import open_http
from hermes_trio.io.tls import SharedTls
from hermes_trio.io.workers import InlineWorkers, ThreadWorkers
from hermes_trio.testing.telegram import open_fake_telegram
from hermes_trio_adapters.telegram import make_adapter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from hermes_trio.adapter_api import (
        Adapter,
        BotIdentity,
        ButtonPress,
        InboundMessage,
        ProfileScope,
        WebHandler,
    )
    from hermes_trio.testing.telegram import FakeBot, FakeTelegram

TOKEN = "42:CANARY-token_0123456789"


@dataclass
class Network:
    proxy: str = ""
    no_proxy: str = ""


@dataclass
class Journal:
    """Log lines with what is appended to them."""

    lines: list[str] = field(default_factory=list)

    def write(self, message: str, **extra: object) -> None:
        self.lines.append(" ".join((message, *(f"{key}={value}" for key, value in extra.items()))))

    debug = info = warning = error = write


@dataclass
class Core:
    """What the adapter told the core; ``failures`` are raised by the next calls of `receive`."""

    commands: Sequence[CommandInfo] = ()
    messages: list[InboundMessage] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    presses: list[ButtonPress] = field(default_factory=list)
    moves: list[tuple[str, str]] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    pauses: list[float | None] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    on_press: object = "done"
    handlers: dict[str, WebHandler] = field(default_factory=dict)
    prefix: str = "/p/ada"
    arrived: trio.Event = field(default_factory=trio.Event)

    async def load_commands(self) -> Sequence[CommandInfo]:
        await trio.lowlevel.checkpoint()
        return self.commands

    async def receive(self, messages: Sequence[InboundMessage]) -> None:
        await trio.lowlevel.checkpoint()
        if self.failures:
            raise self.failures.pop(0)
        self.messages += messages
        self.batches.append(len(messages))
        self._changed()

    async def press(self, press: ButtonPress) -> str:
        await trio.lowlevel.checkpoint()
        self.presses.append(press)
        self._changed()
        if isinstance(self.on_press, Exception):
            raise self.on_press
        if self.on_press is None:
            await trio.sleep_forever()
        return str(self.on_press)

    async def migrate(self, old_chat_id: str, new_chat_id: str) -> None:
        await trio.lowlevel.checkpoint()
        self.moves.append((old_chat_id, new_chat_id))
        self._changed()

    def connected(self) -> None:
        self.states.append("connected")
        self._changed()

    def troubled(self, reason: str, detail: str, retry_in: float | None = None) -> None:
        assert TOKEN not in detail
        self.states.append(reason)
        self.pauses.append(retry_in)
        self._changed()

    @contextmanager
    def mount(self, path: str, handler: WebHandler) -> Iterator[str]:
        self.handlers[path] = handler
        try:
            yield self.prefix + path
        finally:
            del self.handlers[path]

    async def until(self, count: int) -> None:
        """Wait for so many messages."""
        with trio.fail_after(120):
            while len(self.messages) < count:
                await self.arrived.wait()

    async def until_state(self, state: str) -> None:
        """Wait until the adapter has told of this state."""
        with trio.fail_after(600):
            while state not in self.states:
                await self.arrived.wait()

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]

    def _changed(self) -> None:
        self.arrived.set()
        self.arrived = trio.Event()


@dataclass
class Rig:
    """A world with one bot whose adapter can be run."""

    telegram: FakeTelegram
    bot: FakeBot
    adapter: Adapter
    scope: ProfileScope
    core: Core
    log: Journal

    @asynccontextmanager
    async def running(self) -> AsyncIterator[BotIdentity]:
        """The adapter runs for the length of the block."""
        async with trio.open_nursery() as nursery:
            identity = await nursery.start(self.run)
            yield identity
            nursery.cancel_scope.cancel()

    async def run(self, *, task_status: trio.TaskStatus[BotIdentity] = trio.TASK_STATUS_IGNORED) -> None:
        await self.adapter.run(self.core, task_status=task_status)


def make_config(
    extra: Mapping[str, object] | None = None, variables: Mapping[str, str] | None = None, token: str = TOKEN
) -> PlatformConfig:
    """Settings as the home gives them."""
    return PlatformConfig("telegram", enabled=True, token=token, extra=extra or {}, variables=variables or {})


@asynccontextmanager
async def open_scope(telegram: FakeTelegram, log: Journal, *, sockets: bool = False) -> AsyncIterator[ProfileScope]:
    """As much of a scope as an adapter uses."""
    workers = ThreadWorkers() if sockets else InlineWorkers()
    limiter = trio.CapacityLimiter(2)

    async def run_blocking(fn, *args):
        return await workers.run(fn, *args, limiter=limiter)

    connect = None if sockets else telegram.connect
    async with open_http(Network(), SharedTls(workers), connect=connect) as http:
        scope = SimpleNamespace(
            name="ada",
            http=http,
            log=log,
            clock=FixedClock(),
            shared=SimpleNamespace(jitter=lambda: 0.5),
            run_blocking=run_blocking,
            check_open=lambda: None,
        )
        yield cast("ProfileScope", scope)


@asynccontextmanager
async def open_rig(
    extra: Mapping[str, object] | None = None,
    variables: Mapping[str, str] | None = None,
    *,
    core: Core | None = None,
    sockets: bool = False,
    webhook_connect: object = None,
) -> AsyncIterator[Rig]:
    """A fake Telegram with one bot, and an adapter for it that does not run yet."""
    log = Journal()
    async with open_fake_telegram(sockets=sockets, webhook_connect=webhook_connect) as telegram:
        bot = telegram.bot(TOKEN, "ada_bot")
        async with open_scope(telegram, log, sockets=sockets) as scope:
            places = {"base_url": telegram.base_url, "base_file_url": telegram.base_file_url}
            adapter = make_adapter(scope, make_config({**places, **(extra or {})}, variables))
            yield Rig(telegram, bot, adapter, scope, core or Core(), log)
        assert telegram.request_errors == []
    assert not any(TOKEN in line for line in log.lines)
