"""The loopback platform for the conformance kit, as an example of a rig."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from hermes_trio.testing.conformance import Effect, EffectKind, Moment, Trouble
from hermes_trio.testing.faults import FaultKind
from hermes_trio.testing.loopback.adapter import CAPABILITIES, make_adapter
from hermes_trio.testing.loopback.server import LoopbackServer, open_loopback

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    import trio

    from hermes_trio.adapter_api import AdapterFactory, Capabilities
    from hermes_trio.io.http_transport import Connect
    from hermes_trio.testing.loopback.state import BotState, Done

CHAT: Final = "7"

_METHODS: Final[Mapping[Moment, str]] = {Moment.CONNECT: "me", Moment.RECEIVE: "events", Moment.SEND: "send"}
_FAULTS: Final[Mapping[Trouble, tuple[FaultKind, int, str]]] = {
    Trouble.SERVER_ERROR: (FaultKind.SERVER_ERROR, 0, ""),
    Trouble.MALFORMED: (FaultKind.MALFORMED, 0, ""),
    Trouble.HANG: (FaultKind.HANG, 0, ""),
    Trouble.DROP_BEFORE: (FaultKind.DROP_BEFORE, 0, ""),
    Trouble.DROP_AFTER: (FaultKind.DROP_AFTER, 0, ""),
    Trouble.RATE_LIMITED: (FaultKind.TOO_MANY_REQUESTS, 0, ""),
    Trouble.CREDENTIAL_REFUSED: (FaultKind.UNAUTHORIZED, 0, ""),
    Trouble.CREDENTIAL_CONFLICT: (FaultKind.CONFLICT, 0, ""),
    Trouble.CHAT_GONE: (FaultKind.ERROR, 403, "chat_gone"),
    Trouble.MARKUP_REFUSED: (FaultKind.ERROR, 400, "bad_markup"),
}
_EFFECTS: Final[Mapping[str, EffectKind]] = {
    "send": EffectKind.MESSAGE,
    "upload": EffectKind.FILE,
    "edit": EffectKind.EDIT,
    "delete": EffectKind.DELETE,
    "typing": EffectKind.TYPING,
    "react": EffectKind.REACTION,
}


class LoopbackRig:
    """See `hermes_trio.testing.conformance.PlatformRig`."""

    platform: Final = "loopback"
    packages: Final[Sequence[str]] = (
        "hermes_trio.testing.loopback.adapter",
        "hermes_trio.testing.loopback.markup",
        "hermes_trio.testing.loopback.wire",
    )
    exclusive: Final = True
    calls_us: Final = False

    @property
    def factory(self) -> AdapterFactory:
        """The adapter's entry point."""
        return make_adapter

    @property
    def capabilities(self) -> Capabilities:
        """What the adapter says it can do."""
        return CAPABILITIES

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LoopbackStandIn]:
        """Run the platform in memory."""
        async with open_loopback(sockets=False) as server:
            yield LoopbackStandIn(server)


class LoopbackStandIn:
    """See `hermes_trio.testing.conformance.StandIn`."""

    def __init__(self, server: LoopbackServer) -> None:
        self._server = server

    async def connect(self, scheme: str, host: str, port: int) -> trio.abc.Stream:
        """Open a connection in memory."""
        return await self._server.connect(scheme, host, port)

    def attach(self, connect: Connect | None) -> None:
        """The platform is asked, and calls nobody."""

    def bot(self, name: str) -> LoopbackBot:
        """Register a bot."""
        return LoopbackBot(self._server, self._server.bot(f"{name}-token-canary", name))


class LoopbackBot:
    """See `hermes_trio.testing.conformance.StandInBot`."""

    chat_id: Final = CHAT

    def __init__(self, server: LoopbackServer, state: BotState) -> None:
        self._server = server
        self._state = state

    @property
    def secrets(self) -> Sequence[str]:
        """The token."""
        return (self._state.token,)

    @property
    def settings(self) -> Mapping[str, object]:
        """What stands in ``config.yaml``."""
        return {"extra": {"url": self._server.url}}

    @property
    def variables(self) -> Mapping[str, str]:
        """What stands in ``.env``."""
        return {"LOOPBACK_BOT_TOKEN": self._state.token}

    @property
    def effects(self) -> Sequence[Effect]:
        """What arrived with the bot's token."""
        done = self._server.state.done
        return [_effect(one) for one in done if one.token == self._state.token and one.action in _EFFECTS]

    @property
    def unconfirmed(self) -> int:
        """How many events the platform would deliver again."""
        return len(self._state.events)

    async def hear(self, text: str, *, thread_id: str | None = None, file: bytes | None = None) -> str:
        """The person writes."""
        sent = None if file is None else self._server.state.add_file("document", "file.bin", file)
        return await self._server.says(self._state, text, chat=CHAT, thread=thread_id, file=sent)

    async def hear_again(self) -> None:
        """The last message comes once more."""
        await self._server.delivers_again(self._state)

    async def press(self, message_id: str, label: str) -> None:
        """The person presses a button."""
        await self._server.presses(self._state, CHAT, message_id, label)

    async def open_thread(self) -> str:
        """Threads need no opening."""
        return "thread-1"

    def trouble(self, kind: Trouble, moment: Moment, *, times: int | None = 1, seconds: float = 1.0) -> None:
        """Let something go wrong."""
        fault, status, error = _FAULTS[kind]
        self._server.inject(
            fault, bot=self._state, method=_METHODS[moment], times=times, seconds=seconds, status=status, error=error
        )

    def calm(self) -> None:
        """End it."""
        self._server.faults.clear()


def _effect(done: Done) -> Effect:
    return Effect(
        kind=_EFFECTS[done.action],
        chat_id=done.chat,
        at=done.time,
        thread_id=done.thread,
        message_id=done.message_id,
        text=done.text,
        formatted=done.markup,
        buttons=tuple(label for row in done.buttons for label in row),
        content=done.content,
    )
