"""Chat platforms that exist only in a test, and fail as they are told."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from hermes_trio.adapter_api import (
    BotIdentity,
    Capabilities,
    CredentialMissing,
    ExclusiveResource,
    InboundMessage,
    MessageSource,
    SentMessage,
)
from hermes_trio.testing import ProfileFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hermes_trio.adapter_api import AdapterContext, AdapterFactory, OutgoingText, PlatformConfig, Target
    from hermes_trio.gateway.adapter_slot import AdapterSlot
    from hermes_trio.scope import ProfileScope
    from hermes_trio.testing.gateway import GatewayFixture

HANG = "hang"
RETURN = "return"


@dataclass
class Bot:
    """What happened to the bot of one profile on one platform.

    Attributes:
        script: What comes of the next connects: an exception, ``HANG``, ``RETURN``; with nothing left it connects.
        attempts: When it was tried to connect, in Trio's time.
        context: What it may ask of the core, once connected.
        sent: What it was asked to send, as chat and text.
        end: Ends the run that is connected, with this exception or by returning; set ``ending`` for it.
        is_running: Whether its ``run`` runs.
        last: What a person wrote last.
    """

    script: deque[Exception | str] = field(default_factory=deque)
    attempts: list[float] = field(default_factory=list)
    context: AdapterContext | None = None
    sent: list[tuple[str, str]] = field(default_factory=list)
    end: Exception | None = None
    ending: trio.Event = field(default_factory=trio.Event)
    is_running: bool = False
    last: InboundMessage | None = None

    @property
    def pauses(self) -> list[float]:
        """Seconds between the attempts."""
        return [later - earlier for earlier, later in zip(self.attempts, self.attempts[1:], strict=False)]

    def fails_with(self, error: Exception | None) -> None:
        """Let the run that is connected end."""
        self.end, ending = error, self.ending
        self.ending = trio.Event()
        ending.set()

    async def hears(self, text: str, message_id: str = "1") -> str:
        """A person writes in private; returns the answer."""
        assert self.context is not None
        source = MessageSource("telegram", chat_id="7", user_id="7")
        before, self.last = len(self.sent), InboundMessage(source, message_id, text, 0.0)
        await self.context.receive([self.last])
        with trio.fail_after(60):
            while len(self.sent) == before:
                await trio.sleep(0.1)
        return self.sent[-1][1]

    async def repeats(self) -> None:
        """The platform delivers the last message once more."""
        assert self.context is not None
        assert self.last is not None
        await self.context.receive([self.last])


class ScriptedAdapter:
    """See `hermes_trio.adapter_api.Adapter`."""

    capabilities = Capabilities(text_limit=4000, numbers_parts=False)

    def __init__(self, platforms: Platforms, bot: Bot, name: str, token: str) -> None:
        self._platforms = platforms
        self._bot = bot
        self._name = name
        self._token = token
        self.exclusive_resources = (ExclusiveResource("scripted-token", token),)

    async def run(self, context: AdapterContext, *, task_status: trio.TaskStatus[BotIdentity]) -> None:
        bot = self._bot
        bot.attempts.append(trio.current_time())
        bot.is_running = True
        try:
            with self._platforms.run(self._token):
                await self._run(context, task_status)
        finally:
            bot.is_running = False

    async def _run(self, context: AdapterContext, task_status: trio.TaskStatus[BotIdentity]) -> None:
        bot = self._bot
        await trio.sleep(0.1)
        step = bot.script.popleft() if bot.script else None
        if isinstance(step, Exception):
            raise step
        if step == HANG:
            await trio.sleep_forever()
        if step == RETURN:
            return
        bot.context = context
        task_status.started(BotIdentity("1", f"@{self._name}_bot"))
        await bot.ending.wait()
        if bot.end is not None:
            raise bot.end

    async def send(self, target: Target, text: OutgoingText) -> SentMessage:
        assert self._bot.is_running
        self._bot.sent.append((target.chat_id, text.text))
        return SentMessage(str(len(self._bot.sent)))


class Platforms:
    """All scripted platforms of a test.

    Attributes:
        bots: By profile and platform.
        broken: Platforms whose package cannot be loaded, with the error.
        searches: Platforms whose factory was looked for, in order.
        running: How many adapters run now with each token.
        most_at_once: How many have run with one token at the same time.
    """

    def __init__(self) -> None:
        self.bots: dict[tuple[str, str], Bot] = defaultdict(Bot)
        self.broken: dict[str, Exception] = {}
        self.searches: list[str] = []
        self.running: Counter[str] = Counter()
        self.most_at_once = 0

    @contextmanager
    def run(self, token: str) -> Iterator[None]:
        """An adapter runs with a token."""
        self.running[token] += 1
        self.most_at_once = max(self.most_at_once, self.running[token])
        try:
            yield
        finally:
            self.running[token] -= 1

    def bot(self, profile: str, platform: str = "telegram") -> Bot:
        """The bot of a profile."""
        return self.bots[profile, platform]

    def find(self, platform: str) -> AdapterFactory:
        """For ``find_adapter``."""
        self.searches.append(platform)
        if platform in self.broken:
            raise self.broken[platform]

        def make(scope: ProfileScope, config: PlatformConfig) -> ScriptedAdapter:
            if not config.token:
                raise CredentialMissing("there is no token", profile=scope.name, mend=f"set it in {scope.home.env}")
            return ScriptedAdapter(self, self.bots[scope.name, platform], scope.name, config.token)

        return make  # type: ignore[return-value]  # it can do no more than its capabilities say


def with_bot(
    name: str, token: str = "", *, config: Mapping[str, object] | None = None, env: Mapping[str, str] | None = None
) -> ProfileFiles:
    """A profile with a bot on ``telegram`` that talks to everybody; a token of its own unless one is given."""
    settings = {"model": "builtin/echo", "platforms": {"telegram": {"enabled": True}}, **(config or {})}
    variables = {"TELEGRAM_BOT_TOKEN": token or f"token-of-{name}", "TELEGRAM_ALLOW_ALL_USERS": "true", **(env or {})}
    return ProfileFiles(soul=f"You are {name}.", config=settings, env=variables)


def slot_of(gateway: GatewayFixture, profile: str, platform: str = "telegram") -> AdapterSlot:
    """The place of an adapter of the generation that runs now."""
    runtime = gateway.slot(profile).runtime
    assert runtime is not None
    assert runtime.chats is not None
    return runtime.chats.slots[platform]


async def until(condition: Callable[[], bool], seconds: float = 300) -> None:
    """Look until it is so."""
    with trio.fail_after(seconds):
        while not condition():
            await trio.sleep(0.05)
