"""A chat in which commands are given, with a stand-in for the gateway."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hermes_trio.adapter_api.messages import InboundMessage
from hermes_trio.home.chat_config import ResetPolicy
from hermes_trio.home.paths import HomePaths
from hermes_trio.home.platform_config import PlatformConfig
from hermes_trio.home.settings import load_profile_settings
from hermes_trio.routing.session_key import SessionKey, SessionKeyParts, build_session_key
from hermes_trio.routing.source import MessageSource
from hermes_trio.store.chat_sessions import get_or_create, start_new, switch_to
from hermes_trio.store.routing_index import lookup
from hermes_trio.store.session_rows import SessionOrigin
from hermes_trio.turns.commands.context import ActiveConversation, AdapterView, CommandReply, RunningTurn
from hermes_trio.turns.commands.parsing import parse_command
from hermes_trio.turns.commands.registry import dispatch_command
from hermes_trio.turns.request import TurnRequest
from hermes_trio.turns.turn import run_turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.home.config import ProfileConfig
    from hermes_trio.scope import ProfileScope
    from hermes_trio.turns.agent import Agent

SOURCE = MessageSource("telegram", "dm", chat_id="42", user_id="7", user_name="Mia")
TURN = RunningTurn("4f1c", 75.0, 2.0, "terminal", 3)


@dataclass
class FakeConversation:
    """The gateway's side of a conversation; remembers what it was asked to do."""

    scope: ProfileScope
    agent: Agent
    source: MessageSource
    transport_profile: str = "ada"
    is_admin: bool = True
    is_gateway_admin: bool = False
    turn: RunningTurn | None = None
    waiting: list[str] = field(default_factory=list)
    most_waiting: int = 32
    takes_steering: bool = True
    answer: str | None = "Approve"
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    done: list[tuple[object, ...]] = field(default_factory=list)
    others: list[ActiveConversation] = field(default_factory=list)
    slots: list[AdapterView] = field(default_factory=lambda: [AdapterView("telegram", "connected", "", "@ada_bot")])

    @property
    def session_key(self) -> SessionKey:
        return build_session_key(self.scope.name, self.source)

    @property
    def origin(self) -> SessionOrigin:
        return SessionOrigin(
            platform=self.source.platform,
            chat_id=self.source.chat_id,
            chat_type=self.source.chat_type,
            user_id=self.source.user_id,
        )

    def running_turn(self) -> RunningTurn | None:
        return self.turn

    def queued(self) -> int:
        return len(self.waiting)

    def active(self) -> Sequence[ActiveConversation]:
        own = [ActiveConversation(self.session_key, self.turn, len(self.waiting))] if self.turn else []
        return [*own, *self.others]

    async def stop(self) -> tuple[bool, int]:
        ran, dropped = self.turn is not None, len(self.waiting)
        self.turn, self.waiting = None, []
        return ran, dropped

    async def session_id(self) -> str:
        return (await get_or_create(self.scope, self.session_key, self.origin, ResetPolicy())).session_id

    async def begin_session(self, title: str = "") -> str:
        return (await start_new(self.scope, self.session_key, self.origin, title)).session_id

    async def switch_session(self, session_id: str) -> None:
        await switch_to(self.scope, self.session_key, session_id, self.origin)

    async def submit(self, text: str) -> bool:
        if len(self.waiting) >= self.most_waiting:
            return False
        self.waiting.append(text)
        return True

    def steer(self, text: str) -> bool:
        self.done.append(("steer", text))
        return self.takes_steering

    async def run_in_background(self, prompt: str) -> str:
        self.done.append(("background", prompt))
        return "20261120_202520_1de4570a"

    async def confirm(self, question: str, choices: Sequence[str]) -> str | None:
        self.asked.append((question, tuple(choices)))
        return self.answer

    def adapters(self) -> Sequence[AdapterView]:
        return self.slots

    async def pause_adapter(self, platform: str) -> bool:
        self.done.append(("pause", platform))
        return platform == "telegram"

    async def resume_adapter(self, platform: str) -> bool:
        self.done.append(("resume", platform))
        return platform == "telegram"

    def restart_profile(self) -> None:
        self.done.append(("restart profile",))

    def restart_gateway(self) -> None:
        self.done.append(("restart gateway",))


class Chat:
    """A chat with a profile's bot."""

    def __init__(self, profile, source: MessageSource = SOURCE, platform: PlatformConfig | None = None) -> None:
        self.scope: ProfileScope = profile.scope
        self.agent: Agent = profile.agent
        self.source = source
        self.platform = platform or PlatformConfig(source.platform)
        self.conversation = FakeConversation(self.scope, self.agent, source)

    def elsewhere(self, **changes: object) -> Chat:
        """Another chat of the same profile."""
        return Chat(self, replace(self.source, **changes), self.platform)

    async def give(self, text: str) -> CommandReply:
        """Give a command; what it leads to."""
        parsed = parse_command(text)
        assert parsed is not None
        message = InboundMessage(self.source, "m1", text, self.scope.clock.now())
        return await dispatch_command(
            self.scope,
            parsed,
            message=message,
            platform=self.platform,
            agent=self.agent,
            conversation=self.conversation,
        )

    async def say(self, text: str) -> str:
        """Say something to the agent; its answer."""
        request = TurnRequest(
            turn_id="4f1c",
            session_id=await self.conversation.session_id(),
            user_message=text,
            source=self.source.platform,
            session_key=self.conversation.session_key,
            user_id=self.source.user_id or "",
        )

        async def ignore(_events: object) -> None:
            """Nobody reads along."""

        return (await run_turn(self.scope, self.agent, request, ignore)).text

    async def entry(self) -> dict[str, object]:
        """The fields of the chat's entry in the routing index."""
        found = await lookup(self.scope, self.conversation.session_key)
        return dict(found.more) if found is not None else {}

    def next_config(self) -> ProfileConfig:
        """The settings that the profile's next start will find."""
        home = HomePaths(self.scope.home.root.parent.parent)
        return load_profile_settings(home, self.scope.name, {}).config

    def file(self, name: str) -> str:
        """A file of the profile's home; empty when it is missing."""
        path = self.scope.home.root / name
        return path.read_text() if path.exists() else ""


def other_conversation(profile: str = "ada") -> ActiveConversation:
    """A conversation of somebody else in which a turn runs."""
    return ActiveConversation(SessionKey(SessionKeyParts(profile, "telegram", "dm", "99")), TURN, 0)
