"""The loopback platform itself: its HTTP server on a socket and in memory, and the people who talk to its bots."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

import trio
from trio.testing import memory_stream_pair

from hermes_trio.errors import HermesTrioError
from hermes_trio.http.connection import serve_connection
from hermes_trio.http.listener import open_tcp_listeners, serve_listener
from hermes_trio.http.types import ListenerLimits
from hermes_trio.io.clock import Clock, SystemClock
from hermes_trio.io.groups import lone_error_raised
from hermes_trio.testing.faults import Fault, FaultKind, FaultPlan
from hermes_trio.testing.loopback.api import LoopbackApi
from hermes_trio.testing.loopback.control import answer_control
from hermes_trio.testing.loopback.state import BotState, Done, Json, LoopbackFile, LoopbackState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from hermes_trio.http.types import Request, Responder

#: The host name of the platform in memory, by which a shared ``connect`` can tell its connections.
LOOPBACK_TEST_HOST: Final = "loopback.test"
WAIT_SECONDS: Final = 10.0
_LIMITS: Final = ListenerLimits(body_bytes=60_000_000, head_seconds=60, idle_seconds=600)


class NothingHappened(HermesTrioError):
    """What a test waited for did not happen in time."""

    default_code: ClassVar[str] = "loopback_nothing_happened"


class LoopbackServer:
    """A running loopback platform.

    Attributes:
        url: ``http://host:port`` of the server; in memory a name that only `connect` knows.
        state: Everything it knows.
        faults: Faults in force; see `inject`.
        request_errors: What went wrong inside the server; raised when its block is left.
    """

    def __init__(self, state: LoopbackState, faults: FaultPlan, nursery: trio.Nursery) -> None:
        self.url = f"http://{LOOPBACK_TEST_HOST}"
        self.state = state
        self.faults = faults
        self.request_errors: list[BaseException] = []
        self._api = LoopbackApi(state, faults)
        self._nursery = nursery

    def bot(self, token: str, name: str = "") -> BotState:
        """Register a bot, or find it again."""
        return self.state.bot(token, name)

    async def says(
        self,
        bot: BotState,
        text: str,
        *,
        chat: str = "7",
        user: str = "7",
        name: str = "Alice",
        kind: str = "dm",
        thread: str | None = None,
        reply_to: str | None = None,
        file: LoopbackFile | None = None,
    ) -> str:
        """Write to a bot; returns the message's id.

        Args:
            bot: To whom.
            text: What.
            chat: The chat, as this bot sees it: chats of other bots have other messages.
            user: The person's id.
            name: The person's name.
            kind: ``dm`` or ``group``.
            thread: The thread within the chat.
            reply_to: The message of the bot that it answers.
            file: A file that goes with it; see `LoopbackState.add_file`.
        """
        await trio.lowlevel.checkpoint()
        message_id = bot.next_id(chat)
        described = [] if file is None else [{"id": file.id, "kind": file.kind, "name": file.name}]
        files = [{**each, "size": len(file.content)} for each in described if file is not None]
        quoted = None if reply_to is None else {"id": reply_to, "text": bot.messages[chat, reply_to].text}
        place = {"chat": chat, "kind": kind, "thread": thread, "user": user, "user_name": name}
        message = {**place, "id": message_id, "text": text, "at": self.state.clock.now(), "files": files}
        bot.said = {"message": {**message, "quoted": quoted}}
        self.state.push(bot, bot.said)
        return message_id

    async def delivers_again(self, bot: BotState) -> None:
        """Give a bot its last message once more, as a platform may after a lost answer."""
        await trio.lowlevel.checkpoint()
        if bot.said is None:
            raise ValueError("nobody has said anything to this bot")
        self.state.push(bot, bot.said)

    async def presses(self, bot: BotState, chat: str, message_id: str, label: str, *, user: str = "7") -> str:
        """Press a button below a bot's message, by its label; returns the press's id.

        Raises:
            ValueError: There is no such button.
        """
        await trio.lowlevel.checkpoint()
        message = bot.messages[chat, message_id]
        data = next((data for row in message.buttons for shown, data in row if shown == label), None)
        if data is None:
            raise ValueError(f"no button '{label}' on this message, only {message.buttons}")
        press_id = f"press-{bot.next_id('presses')}"
        place: Json = {"chat": chat, "kind": "dm", "thread": message.thread, "user": user, "user_name": "Alice"}
        self.state.push(bot, {"press": {**place, "id": press_id, "message": message_id, "data": data}})
        return press_id

    def revoke(self, bot: BotState) -> None:
        """Make a bot's token invalid from now on."""
        bot.revoked = True
        self.state.wake()

    def inject(
        self,
        kind: FaultKind,
        *,
        bot: BotState | None = None,
        method: str | None = None,
        times: int | None = 1,
        probability: float = 1.0,
        seconds: float = 1.0,
        status: int = 400,
        error: str = "bad_request",
    ) -> Fault:
        """Let something go wrong; see `Fault`. A method is the first part of a path, e.g. ``send``."""
        token = None if bot is None else bot.token
        return self.faults.add(Fault(kind, token, method, times, probability, seconds, status, error))

    async def wait_for(self, wanted: Callable[[Done], bool], *, since: int = 0, seconds: float = WAIT_SECONDS) -> Done:
        """The first thing that a bot did, or is still to do, that is wanted.

        Raises:
            NothingHappened: There was none in time.
        """
        await trio.lowlevel.checkpoint()
        with trio.move_on_after(seconds):
            while True:
                found = next((done for done in self.state.done[since:] if wanted(done)), None)
                if found is not None:
                    return found
                await self.state.changed.wait()
        last = "; ".join(f"{done.action} to {done.chat}: {done.text[:60]!r}" for done in self.state.done[-5:])
        raise NothingHappened(f"nothing like it within {seconds:g} s", where="loopback", found=last or "nothing at all")

    async def connect(self, *_address: object) -> trio.abc.Stream:
        """Open a connection in memory: a `Connect` for whoever is to reach the platform without sockets."""
        client, server = memory_stream_pair()
        self._nursery.start_soon(serve_connection, server, self.answer, _LIMITS, self.request_errors.append)
        await trio.lowlevel.checkpoint()
        return client

    async def answer(self, request: Request, responder: Responder) -> None:
        """Answer one HTTP request; a `Handler`."""
        if request.segments[:1] == ("_control",):
            await answer_control(self, request, responder)
        else:
            await self._api.answer(request, responder)


@asynccontextmanager
async def open_loopback(
    *,
    sockets: bool = True,
    host: str = "127.0.0.1",
    port: int = 0,
    clock: Clock | None = None,
    any_token: bool = False,
    seed: int = 0,
) -> AsyncIterator[LoopbackServer]:
    """Run a loopback platform for the length of a block.

    Without sockets it works on a mock clock with autojump: give `LoopbackServer.connect` to the client.

    Args:
        sockets: Whether to listen on TCP; `LoopbackServer.connect` works in any case.
        host: Address to listen on.
        port: Port, 0 for any free one.
        clock: Wall time of messages; the machine's if None.
        any_token: Whether a token nobody registered makes a bot of its own.
        seed: Decides what the probabilities of faults come to.

    Raises:
        OSError: The address cannot be bound.
        Exception: What went wrong inside the server, when the block is left.
    """
    state = LoopbackState(clock or SystemClock(), any_token=any_token)
    with lone_error_raised():
        async with trio.open_nursery() as nursery:
            server = LoopbackServer(state, FaultPlan(seed), nursery)
            if sockets:
                listeners = await open_tcp_listeners(host, port)
                serve = partial(serve_listener, listeners, server.answer, _LIMITS, server.request_errors.append)
                listener = await nursery.start(serve)
                server.url = "http://{}:{}".format(*listener.address)
            yield server
            nursery.cancel_scope.cancel()
        if server.request_errors:
            raise BaseExceptionGroup("the loopback platform failed", server.request_errors)
