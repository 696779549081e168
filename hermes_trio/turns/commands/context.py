"""What a slash command is told, and what it may do beyond its profile's scope; the gateway provides the latter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hermes_trio.adapter_api.messages import InboundMessage
    from hermes_trio.home.platform_config import PlatformConfig
    from hermes_trio.routing.session_key import SessionKey
    from hermes_trio.scope import ProfileScope
    from hermes_trio.turns.agent import Agent


@dataclass(frozen=True, slots=True)
class RunningTurn:
    """A turn that runs in a conversation now.

    Attributes:
        turn_id: Names it.
        seconds: How long it has run.
        idle_seconds: How long nothing has happened in it.
        tool: The tool that works now, or empty.
        api_calls: How often the model was asked.
    """

    turn_id: str
    seconds: float
    idle_seconds: float
    tool: str
    api_calls: int


@dataclass(frozen=True, slots=True)
class ActiveConversation:
    """A conversation of the profile in which something happens.

    Attributes:
        session_key: The conversation.
        turn: The turn that runs, or None.
        queued: Messages that wait.
    """

    session_key: str
    turn: RunningTurn | None
    queued: int


@dataclass(frozen=True, slots=True)
class AdapterView:
    """One of the profile's adapters, as people see it.

    Attributes:
        platform: The platform.
        state: ``connecting``, ``connected``, ``retrying``, ``parked``, ``paused`` or ``stopped``.
        reason: Stable code that explains the state, or empty.
        bot: The bot's name on its platform, or empty.
    """

    platform: str
    state: str
    reason: str
    bot: str


class Conversation(Protocol):
    """The conversation that a command was given in, and the profile's life around it."""

    @property
    def session_key(self) -> SessionKey:
        """Its key; names the runtime profile."""
        ...

    @property
    def transport_profile(self) -> str:
        """The profile whose bot received the command."""
        ...

    @property
    def is_admin(self) -> bool:
        """Whether who gave the command may use all of them."""
        ...

    @property
    def is_gateway_admin(self) -> bool:
        """Whether who gave the command is an admin of the default profile, and so may restart the gateway."""
        ...

    def running_turn(self) -> RunningTurn | None:
        """The turn that runs here now."""
        ...

    def queued(self) -> int:
        """How many messages wait here."""
        ...

    def active(self) -> Sequence[ActiveConversation]:
        """All conversations of the profile in which something happens."""
        ...

    async def stop(self) -> tuple[bool, int]:
        """End the running turn and drop what waits; whether one ran, and how many messages were dropped."""
        ...

    async def session_id(self) -> str:
        """The session that the conversation stands for now; made if there is none."""
        ...

    async def begin_session(self, title: str = "") -> str:
        """Begin anew: ends the running turn, forgets what was allowed for the session; the new session's id."""
        ...

    async def switch_session(self, session_id: str) -> None:
        """Let the conversation go on in another session of the profile."""
        ...

    async def submit(self, text: str) -> bool:
        """Let a text be answered after what runs and waits, as if the user had written it; False when too many wait."""
        ...

    def steer(self, text: str) -> bool:
        """Put a text into the running turn, after its next tool; False when that cannot be done."""
        ...

    async def run_in_background(self, prompt: str) -> str:
        """Answer a prompt in a session of its own and deliver the answer here; the session's id."""
        ...

    async def confirm(self, question: str, choices: Sequence[str]) -> str | None:
        """Ask whoever gave the command, with buttons where the platform has them; None when nobody answered in time.

        The answer is one of ``choices``.
        """
        ...

    def adapters(self) -> Sequence[AdapterView]:
        """The profile's adapters."""
        ...

    async def pause_adapter(self, platform: str) -> bool:
        """Disconnect an adapter until it is resumed; False when there is none of this platform."""
        ...

    async def resume_adapter(self, platform: str) -> bool:
        """Connect a paused or parked adapter again; False when there is none of this platform."""
        ...

    def restart_profile(self) -> None:
        """Start this profile again once its running turns have ended; returns at once."""
        ...

    def restart_gateway(self) -> None:
        """Start the whole gateway again once all running turns have ended; returns at once."""
        ...


@dataclass(frozen=True, slots=True)
class CommandCall:
    """One command that somebody gave.

    Attributes:
        name: The command's canonical name, without the slash.
        given: The name as it was written, lower case.
        arguments: What stood behind it, stripped; em dashes are two hyphens.
        message: The message it came in.
        platform: Settings of the platform it came from.
        agent: The profile's agent.
        conversation: Where it was given.
    """

    name: str
    given: str
    arguments: str
    message: InboundMessage
    platform: PlatformConfig
    agent: Agent
    conversation: Conversation


@dataclass(frozen=True, slots=True)
class CommandReply:
    """What a command leads to.

    Attributes:
        text: What is answered, in Markdown; empty for nothing.
        prompt: What the agent is asked instead, as if the user had written it; empty for nothing.
    """

    text: str = ""
    prompt: str = ""


RunCommand = Callable[["ProfileScope", CommandCall], Awaitable[CommandReply]]


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command.

    Attributes:
        name: Its name, without the slash.
        description: One line for people and menus.
        run: Runs it. May raise `HermesTrioError`, whose text is then the reply.
        aliases: Other names.
        usage: Its arguments, e.g. ``[name]``.
        while_busy: Whether it may be given while a turn runs; otherwise it is refused then.
        in_menu: Whether it is shown in platforms' menus.
    """

    name: str
    description: str
    run: RunCommand
    aliases: tuple[str, ...] = ()
    usage: str = ""
    while_busy: bool = False
    in_menu: bool = True
