"""The protocol between the core and an adapter.

An adapter is made by a factory, registered as an entry point of the group ``hermes_trio.adapters`` whose name is the
platform's. It belongs to one generation of one profile and may keep its scope. It holds no module state, reads no
environment and starts no task outside of its own `Adapter.run`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import trio

    from hermes_trio.adapter_api.capabilities import Capabilities
    from hermes_trio.adapter_api.messages import Attachment, ButtonPress, InboundMessage
    from hermes_trio.adapter_api.outgoing import OutgoingMedia, OutgoingText, SentMessage, Target
    from hermes_trio.home.platform_config import PlatformConfig
    from hermes_trio.scope import ProfileScope

ENTRY_POINT_GROUP = "hermes_trio.adapters"


@dataclass(frozen=True, slots=True)
class ExclusiveResource:
    """A credential that only one holder in the world may use at a time.

    Attributes:
        scope: What it is, e.g. ``telegram-bot-token``.
        identity: The credential itself; only its digest is ever written down.
    """

    scope: str
    identity: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BotIdentity:
    """Who the bot is on its platform.

    Attributes:
        user_id: Its id.
        name: Its name as people write it, e.g. ``@coder_bot``.
    """

    user_id: str
    name: str


@dataclass(frozen=True, slots=True)
class CommandInfo:
    """A slash command for the platform's menu: its name without the slash, and one line about it."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class WebRequest:
    """An HTTP request to a path that an adapter has mounted.

    Attributes:
        method: As sent, e.g. ``POST``.
        path: The whole path.
        query: Decoded query parameters.
        headers: Header fields; names in lower case.
        body: The whole body.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """The answer to a `WebRequest`."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


WebHandler = Callable[[WebRequest], Awaitable[WebAnswer]]


class AdapterContext(Protocol):
    """What a running adapter may ask of the core."""

    async def load_commands(self) -> Sequence[CommandInfo]:
        """The slash commands to show in the platform's menu, the profile's skills among them."""
        ...

    async def receive(self, messages: Sequence[InboundMessage]) -> None:
        """Take messages over, oldest first; once this returns they are safe, and the platform may be told so.

        Raises:
            HermesTrioError: They could not be stored. The platform must not be told; it will deliver them again.

        Cancellation: some may have been taken over; delivering them again does no harm.
        """
        ...

    async def press(self, press: ButtonPress) -> str:
        """Take a press of a button; returns a line to show to who pressed, or an empty one."""
        ...

    async def migrate(self, old_chat_id: str, new_chat_id: str) -> None:
        """A chat has another id now; what waits for the old one goes to the new one."""
        ...

    def connected(self) -> None:
        """All is well again; call it after a successful exchange that followed `troubled`."""
        ...

    def troubled(self, reason: str, detail: str, retry_in: float | None = None) -> None:
        """The adapter goes on, but something is wrong: shown in the status until `connected`.

        Args:
            reason: Stable code, e.g. ``platform_unreachable``.
            detail: One line for people, without secrets.
            retry_in: Seconds until the next try.
        """
        ...

    def mount(self, path: str, handler: WebHandler) -> AbstractContextManager[str]:
        """Serve a path of the gateway's HTTP listener for the length of a ``with``.

        The path is served below the profile's prefix, ``/p/<profile><path>``, and for the default profile also as it
        is. The context's value is the path to tell the platform, with the prefix.

        Raises:
            HermesTrioError: The path is taken.
        """
        ...


class Adapter(Protocol):
    """One bot on one platform.

    Every method but `run` may be called only while `run` runs and has called ``started``; calls may overlap. Each
    raises `AdapterError` for what the platform does, and is cancellable at any await.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What the platform can do; known before anything is connected."""
        ...

    @property
    def exclusive_resources(self) -> Sequence[ExclusiveResource]:
        """The credentials that only one holder in the world may use; the core holds their locks during `run`."""
        ...

    async def run(self, context: AdapterContext, *, task_status: trio.TaskStatus[BotIdentity]) -> None:
        """Connect, call ``task_status.started`` once messages can be sent, and receive until cancelled.

        Short troubles it rides out by itself (`AdapterContext.troubled`). What it raises ends this run; the core starts
        it again as the error's class says.
        """
        ...

    async def send(self, target: Target, text: OutgoingText) -> SentMessage:
        """Send a text. A refused markup raises `MarkupRefused`; the core then sends again without it."""
        ...

    async def edit(self, target: Target, message_id: str, text: OutgoingText) -> None:
        """Replace the text and buttons of a sent message."""
        ...

    async def delete(self, target: Target, message_id: str) -> None:
        """Delete a sent message; one that is gone already is fine."""
        ...

    async def upload(self, target: Target, media: OutgoingMedia) -> SentMessage:
        """Send a file."""
        ...

    async def show_typing(self, target: Target) -> None:
        """Show that the bot is writing, for `Capabilities.typing_seconds`."""
        ...

    async def react(self, target: Target, message_id: str, reaction: str) -> None:
        """React to a message with an emoji; an empty one takes the reaction back."""
        ...

    async def fetch(self, attachment: Attachment, path: Path, limit: int) -> None:
        """Fetch a file that came in into ``path``, at most ``limit`` bytes of it.

        Raises:
            Refused: It is larger, or the platform does not give it out.
        """
        ...


AdapterFactory = Callable[["ProfileScope", "PlatformConfig"], Adapter]
"""Makes an adapter from settings; touches no network.

Raises:
    ConfigError: A setting is wrong.
    CredentialMissing: There is no credential.
"""
