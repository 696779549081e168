"""What the author of an adapter gives to the conformance kit: a stand-in for the platform, and a way to play with it.

The kit runs on a mock clock, so the stand-in works in memory: `StandIn.connect` opens its connections.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    import trio

    from hermes_trio.adapter_api import AdapterFactory, Capabilities
    from hermes_trio.io.http_transport import Connect


class Trouble(enum.StrEnum):
    """What may go wrong at a platform."""

    SERVER_ERROR = "server_error"
    """It answers that it is broken, e.g. with status 500."""
    MALFORMED = "malformed"
    """It answers something that cannot be read."""
    HANG = "hang"
    """It never answers."""
    DROP_BEFORE = "drop_before"
    """It does nothing and closes the connection."""
    DROP_AFTER = "drop_after"
    """It does what was asked and closes the connection without saying so."""
    RATE_LIMITED = "rate_limited"
    """It refuses, and says for how many seconds."""
    CREDENTIAL_REFUSED = "credential_refused"
    """It does not know the credential any more."""
    CREDENTIAL_CONFLICT = "credential_conflict"
    """It says that somebody else uses the credential. Only where a credential has one user."""
    CHAT_GONE = "chat_gone"
    """It says that the chat is gone, or that the bot may not write there. Only while sending."""
    MARKUP_REFUSED = "markup_refused"
    """It cannot read a text's markup. Only while sending, on platforms with markup."""


class Moment(enum.StrEnum):
    """When something goes wrong."""

    CONNECT = "connect"
    """The first thing that the adapter asks, with which a run begins."""
    RECEIVE = "receive"
    """While it asks, or waits, for messages."""
    SEND = "send"
    """While it sends a text."""


class EffectKind(enum.StrEnum):
    """What a bot can do."""

    MESSAGE = "message"
    FILE = "file"
    EDIT = "edit"
    DELETE = "delete"
    TYPING = "typing"
    REACTION = "reaction"


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that arrived at the platform.

    Attributes:
        kind: What.
        chat_id: Where.
        at: ``trio.current_time()`` then.
        thread_id: The thread, or None.
        message_id: The message that was sent, edited, deleted or reacted to.
        text: Text or caption, if possible as people see it; the emoji of a reaction.
        formatted: Whether the text came with markup.
        buttons: The labels of all buttons.
        content: The file.
    """

    kind: EffectKind
    chat_id: str
    at: float
    thread_id: str | None = None
    message_id: str = ""
    text: str = ""
    formatted: bool = False
    buttons: tuple[str, ...] = ()
    content: bytes = field(default=b"", repr=False)


class StandInBot(Protocol):
    """A bot at the stand-in, and the one person who talks to it, in one private chat.

    Person and chat have the same ids for every bot, and messages may have: the kit looks for what that mixes up.
    """

    @property
    def chat_id(self) -> str:
        """The id of the private chat."""
        ...

    @property
    def secrets(self) -> Sequence[str]:
        """What may be seen nowhere but in requests of this bot, e.g. its token. Nobody else's begins alike."""
        ...

    @property
    def settings(self) -> Mapping[str, object]:
        """What stands under ``platforms.<platform>`` in the profile's ``config.yaml``; no secrets."""
        ...

    @property
    def variables(self) -> Mapping[str, str]:
        """What stands in the profile's ``.env``; the credential and nothing else."""
        ...

    @property
    def effects(self) -> Sequence[Effect]:
        """What arrived with this bot's credential, oldest first."""
        ...

    @property
    def unconfirmed(self) -> int:
        """How many messages the platform would deliver again, because nobody has confirmed them."""
        ...

    async def hear(self, text: str, *, thread_id: str | None = None, file: bytes | None = None) -> str:
        """The person writes to the bot; returns the message's id as the adapter should name it.

        Args:
            text: What.
            thread_id: A thread; see `open_thread`.
            file: A document that goes with it.
        """
        ...

    async def hear_again(self) -> None:
        """The platform delivers the last message once more, though it was confirmed."""
        ...

    async def press(self, message_id: str, label: str) -> None:
        """The person presses a button below a message of the bot."""
        ...

    async def open_thread(self) -> str:
        """Open a thread in the private chat; returns its id. Only called when the platform has threads."""
        ...

    def trouble(self, kind: Trouble, moment: Moment, *, times: int | None = 1, seconds: float = 1.0) -> None:
        """Let something go wrong for this bot.

        Args:
            kind: What.
            moment: When.
            times: How often; None for always.
            seconds: How long to wait, for `Trouble.RATE_LIMITED`.
        """
        ...

    def calm(self) -> None:
        """Nothing goes wrong any more."""
        ...


class StandIn(Protocol):
    """A running stand-in for a platform."""

    async def connect(self, scheme: str, host: str, port: int) -> trio.abc.Stream:
        """Open a connection in memory."""
        ...

    def attach(self, connect: Connect | None) -> None:
        """From now on the gateway's HTTP listener can be reached, or, with None, no more.

        Only platforms that call us need this; the gateway's host is ``gateway.test``.
        """
        ...

    def bot(self, name: str) -> StandInBot:
        """Register a bot of this name, with a credential of its own."""
        ...


class PlatformRig(Protocol):
    """A platform, its adapter, and its stand-in."""

    @property
    def platform(self) -> str:
        """The platform's name, as in ``platforms.<platform>``."""
        ...

    @property
    def factory(self) -> AdapterFactory:
        """The adapter's entry point."""
        ...

    @property
    def packages(self) -> Sequence[str]:
        """The modules and packages that the adapter consists of."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What the adapter says it can do; decides which checks there are."""
        ...

    @property
    def exclusive(self) -> bool:
        """Whether a credential can have one user only."""
        ...

    @property
    def calls_us(self) -> bool:
        """Whether the platform brings messages to a path that the adapter has mounted, instead of being asked.

        Then there is no `Moment.RECEIVE`, and no check that needs one.
        """
        ...

    def open(self) -> AbstractAsyncContextManager[StandIn]:
        """Run a stand-in for the length of a block."""
        ...
