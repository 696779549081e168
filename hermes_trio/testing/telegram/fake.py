"""The fake itself: the Bot API on a loopback socket and in memory, and the people who talk to its bots."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import httpx
import trio
from trio.testing import memory_stream_pair

from hermes_trio.http.connection import serve_connection
from hermes_trio.http.listener import open_tcp_listeners, serve_listener
from hermes_trio.http.types import ListenerLimits
from hermes_trio.io.clock import Clock, SystemClock
from hermes_trio.io.groups import lone_error_raised
from hermes_trio.io.http_transport import TrioTransport
from hermes_trio.io.tls import SharedTls
from hermes_trio.io.workers import InlineWorkers
from hermes_trio.testing.faults import Fault, FaultKind, FaultPlan
from hermes_trio.testing.telegram.bot_api import BotApi
from hermes_trio.testing.telegram.bots import FakeBot
from hermes_trio.testing.telegram.control import answer_control
from hermes_trio.testing.telegram.groups import FakeGroup
from hermes_trio.testing.telegram.model import Account, ChatKind
from hermes_trio.testing.telegram.people import FakeUser
from hermes_trio.testing.telegram.state import TelegramState
from hermes_trio.testing.telegram.waiting import WAIT_SECONDS, wait_until
from hermes_trio.testing.telegram.webhooks import TIMEOUT_SECONDS, serve_webhooks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from hermes_trio.http.types import Request, Responder
    from hermes_trio.io.http_transport import Connect
    from hermes_trio.testing.telegram.rate_limits import RateLimits
    from hermes_trio.testing.telegram.sent import Sent

#: The host name of the fake in memory, by which a shared ``connect`` can tell its connections.
TELEGRAM_TEST_HOST: Final = "telegram.test"
_LIMITS: Final = ListenerLimits(body_bytes=60_000_000, head_seconds=60, idle_seconds=600)
_OWNER: Final = Account(777_000, "Telegram")


class FakeTelegram:
    """A running fake of Telegram's Bot API.

    Attributes:
        address: ``http://host:port`` of the server; in memory a name that only `connect` knows.
        state: Everything it knows; tests seldom need it.
        faults: Faults in force; see `inject`.
        request_errors: What went wrong inside the fake; raised when its block is left.
    """

    def __init__(self, state: TelegramState, faults: FaultPlan, nursery: trio.Nursery) -> None:
        self.address = f"http://{TELEGRAM_TEST_HOST}"
        self.state = state
        self.faults = faults
        self.request_errors: list[BaseException] = []
        self.api = BotApi(state, faults)
        self._nursery = nursery
        self._bots: dict[str, FakeBot] = {}

    @property
    def base_url(self) -> str:
        """What stands before the token in addresses of methods."""
        return f"{self.address}/bot"

    @property
    def base_file_url(self) -> str:
        """What stands before the token in addresses of files."""
        return f"{self.address}/file/bot"

    @property
    def sent(self) -> Sequence[Sent]:
        """What all bots have done, oldest first."""
        return self.state.sent

    def limit_rates(self, limits: RateLimits | None) -> None:
        """Switch flood control on, or off with None."""
        self.api.limits = limits

    def bot(self, token: str, username: str = "", *, privacy: bool = False) -> FakeBot:
        """Register a bot, or find it again.

        Args:
            token: ``<number>:<letters>``; the number becomes the account's.
            username: Without the ``@``; made of the number if empty.
            privacy: Whether it hears in groups only what is meant for it.
        """
        if token not in self._bots:
            name = username or f"test{token.partition(':')[0]}_bot"
            known = self.state.bots.get(token) or self.state.add_bot(token, name, reads_all=not privacy)
            self._bots[token] = FakeBot(self.state, known)
        return self._bots[token]

    def user(self, number: int, name: str, username: str = "", *, language: str = "en") -> FakeUser:
        """A person with this account number; a known one keeps its name."""
        account = self.state.people.setdefault(number, Account(number, name, username, language=language))
        return FakeUser(self.state, account)

    def group(self, title: str, *bots: FakeBot) -> FakeGroup:
        """A basic group with these bots in it."""
        return self._gather(ChatKind.GROUP, title, bots)

    def supergroup(self, title: str, *bots: FakeBot, forum: bool = False, username: str = "") -> FakeGroup:
        """A supergroup with these bots in it; a forum has topics."""
        return self._gather(ChatKind.SUPERGROUP, title, bots, username, forum=forum)

    def channel(self, title: str, *bots: FakeBot, username: str = "") -> FakeGroup:
        """A channel with these bots as administrators."""
        return self._gather(ChatKind.CHANNEL, title, bots, username)

    def chat(self, chat_id: int) -> FakeGroup:
        """The group or channel with this id.

        Raises:
            KeyError: There is none.
        """
        return FakeGroup(self.state, self.state.chats[chat_id], _OWNER)

    def inject(
        self,
        kind: FaultKind,
        *,
        bot: FakeBot | None = None,
        method: str | None = None,
        times: int | None = 1,
        probability: float = 1.0,
        seconds: float = 1.0,
        status: int = 400,
        description: str = "Bad Request",
    ) -> Fault:
        """Let something go wrong; see `Fault` for the arguments. ``method="file"`` concerns downloads."""
        token = None if bot is None else bot.token
        return self.faults.add(Fault(kind, token, method, times, probability, seconds, status, description))

    async def wait_for(self, wanted: Callable[[Sent], bool], *, since: int = 0, seconds: float = WAIT_SECONDS) -> Sent:
        """The first call with an effect, done or still to come, that is wanted.

        Args:
            wanted: Tells it.
            since: Index in `sent` to begin at.
            seconds: How long to wait.

        Raises:
            NothingHappened: There was none in time.
        """
        looked = since
        found: Sent | None = None

        def look() -> bool:
            nonlocal looked, found
            found = next((sent for sent in self.state.sent[looked:] if wanted(sent)), None)
            looked = len(self.state.sent)
            return found is not None

        await wait_until(self.state, look, seconds, "a certain call")
        assert found is not None  # noqa: S101  that was waited for
        return found

    async def wait_until(self, condition: Callable[[], bool], *, seconds: float = WAIT_SECONDS) -> None:
        """Wait until a condition holds, e.g. on a live message; it is looked at after every change.

        Raises:
            NothingHappened: It did not hold in time.
        """
        await wait_until(self.state, condition, seconds, "a condition to hold")

    async def connect(self, *_address: object) -> trio.abc.Stream:
        """Open a connection in memory: a `Connect` for whoever is to reach the fake without sockets."""
        client, server = memory_stream_pair()
        self._nursery.start_soon(serve_connection, server, self.answer, _LIMITS, self.request_errors.append)
        await trio.lowlevel.checkpoint()
        return client

    async def answer(self, request: Request, responder: Responder) -> None:
        """Answer one HTTP request; a `Handler`."""
        if request.segments[:1] == ("_control",):
            await answer_control(self, request, responder)
        else:
            await self.api.answer(request, responder)

    def _gather(
        self, kind: ChatKind, title: str, bots: Sequence[FakeBot], username: str = "", *, forum: bool = False
    ) -> FakeGroup:
        chat = self.state.add_chat(kind, title, username, forum=forum)
        chat.members.update(bot.id for bot in bots)
        return FakeGroup(self.state, chat, _OWNER)


@asynccontextmanager
async def open_fake_telegram(
    *,
    sockets: bool = True,
    host: str = "127.0.0.1",
    port: int = 0,
    clock: Clock | None = None,
    any_token: bool = False,
    seed: int = 0,
    webhook_connect: Connect | None = None,
) -> AsyncIterator[FakeTelegram]:
    """Run a fake Telegram for the length of a block.

    Without sockets it works on a mock clock with autojump: give `FakeTelegram.connect` to the client.

    Args:
        sockets: Whether to listen on TCP; `FakeTelegram.connect` works in any case.
        host: Address to listen on.
        port: Port, 0 for any free one.
        clock: Wall time of messages; the machine's if None.
        any_token: Whether a well-formed token nobody registered makes a bot of its own.
        seed: Decides what the probabilities of faults come to.
        webhook_connect: Opens streams to webhooks; None for real sockets.

    Raises:
        OSError: The address cannot be bound.
        Exception: What went wrong inside the fake, when the block is left.
    """
    state = TelegramState(clock or SystemClock(), any_token=any_token)
    tls = SharedTls(InlineWorkers())
    transport = TrioTransport(tls, connect=webhook_connect)
    with lone_error_raised():
        async with (
            httpx.AsyncClient(transport=transport, timeout=TIMEOUT_SECONDS) as client,
            trio.open_nursery() as nursery,
        ):
            fake = FakeTelegram(state, FaultPlan(seed), nursery)
            nursery.start_soon(serve_webhooks, state, client, fake.api.call_from_webhook)
            if sockets:
                listeners = await open_tcp_listeners(host, port)
                serve = partial(serve_listener, listeners, fake.answer, _LIMITS, fake.request_errors.append)
                listener = await nursery.start(serve)
                fake.address = "http://{}:{}".format(*listener.address)
            yield fake
            nursery.cancel_scope.cancel()
        if fake.request_errors:
            raise BaseExceptionGroup("the fake Telegram failed", fake.request_errors)
