"""One Telegram bot of the default profile in a forum whose topics belong to profiles without bots."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hermes_trio.testing.clock import MovingClock
from hermes_trio.testing.home import ProfileFiles, write_home, write_profile
from hermes_trio.testing.telegram import open_fake_telegram
from tests.gateway.chats.rig import Bot, Chats, crashes, profile_files, token_of
from tests.rig import canary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from hermes_trio.testing.telegram import FakeGroup, Message

_PLAIN = Bot()
#: Else the model reads `[Alice] !persona`, which is no command.
_EACH_THEIR_OWN = {"thread_sessions_per_user": True}
PROFILES = ("career", "finance", "research", "systems")


@dataclass
class Forum(Chats):
    """The profiles' conversations in a forum; see `Chats`.

    Attributes:
        group: The forum.
        topics: Each profile's topic.
        elsewhere: A topic that is nobody's.
    """

    group: FakeGroup | None = None
    topics: dict[str, int] = field(default_factory=dict)
    elsewhere: int = 0

    async def ask_in(self, topic: str | int, text: str, **more: object) -> Message:
        """Say something in a profile's topic, or in another, and return the next message of the bot in the forum."""
        thread = self.topics[topic] if isinstance(topic, str) else topic
        return await self.ask(text, of="default", group=self.group, thread=thread, **more)

    async def say_in(self, topic: str | int, text: str, **more: object) -> Message:
        """Say something there and wait for nothing."""
        thread = self.topics[topic] if isinstance(topic, str) else topic
        return await self.say(text, of="default", group=self.group, thread=thread, **more)

    async def next_in_forum(self) -> Message:
        """The next message of the bot in the forum."""
        return await self.reply(of="default", group=self.group)

    @property
    def default(self):
        """The one bot."""
        return self.bots["default"]

    def routes(self, *names: str) -> list[dict[str, object]]:
        """Routes from the topics of some profiles, or of all."""
        return [
            {"platform": "telegram", "chat_id": self.group.id, "thread_id": self.topics[name], "profile": name}
            for name in names or PROFILES
        ]

    def write_default(self, gateway: Mapping[str, object], bot: Bot = _PLAIN) -> None:
        """Write the default profile's files with these settings of the section ``gateway``."""
        given = Bot({**_EACH_THEIR_OWN, **bot.config, "gateway": dict(gateway)}, bot.env, bot.telegram)
        write_profile(self.home, "default", profile_files(self.telegram, "default", self.default, given))


def satellite(name: str) -> ProfileFiles:
    """A profile without a bot, with a persona, a model and secrets of its own."""
    config = {"model": "builtin/echo", **_EACH_THEIR_OWN, "terminal": {"env_passthrough": ["MY_SECRET"]}}
    return ProfileFiles(f"You are {name.title()}.", config, {"MY_SECRET": canary(name, "SECRET")})


@asynccontextmanager
async def open_forum(
    root: Path, gateway: Mapping[str, object] | None = None, bot: Bot = _PLAIN, **profiles: ProfileFiles
) -> AsyncIterator[Forum]:
    """The forum and the home, and no gateway yet.

    Args:
        root: The home.
        gateway: Settings of the section ``gateway`` beside the routes of all topics.
        bot: The default profile's settings.
        profiles: Files of profiles that are to differ.
    """
    clock = MovingClock()
    async with open_fake_telegram(sockets=False, clock=clock) as telegram:
        bots = {"default": telegram.bot(token_of(40, "default"), "default_bot")}
        forum = Forum(telegram, root, bots, clock, group=telegram.supergroup("Office", bots["default"], forum=True))
        for name in PROFILES:
            forum.topics[name] = await forum.group.opens_topic(name.title())
        forum.elsewhere = await forum.group.opens_topic("Elsewhere")
        write_home(root, {"default": "", **{name: satellite(name) for name in PROFILES}, **profiles})
        forum.write_default({"profile_routes": forum.routes(), **(gateway or {})}, bot)
        yield forum
        if not forum.expects_crashes:
            assert crashes(root) == []
