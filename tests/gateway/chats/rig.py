"""A gateway whose profiles talk on a fake Telegram, all in memory and on the test's own time."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from hermes_trio.home.paths import HomePaths
from hermes_trio.testing import open_gateway
from hermes_trio.testing.clock import MovingClock
from hermes_trio.testing.home import ProfileFiles, telegram_files, write_home, write_profile
from hermes_trio.testing.telegram import open_fake_telegram

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from hermes_trio.testing import GatewayFixture
    from hermes_trio.testing.telegram import FakeBot, FakeGroup, FakeTelegram, FakeUser, Message, Sent

#: Long enough for every wait of a conversation that goes well; costs nothing on the test's own time.
SECONDS = 30.0


@dataclass(frozen=True)
class Bot:
    """A profile's settings, and what its bot's are to differ in."""

    config: Mapping[str, object] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    telegram: Mapping[str, object] = field(default_factory=dict)


def token_of(number: int, name: str) -> str:
    """A token that says whose it is."""
    return f"{number}:CANARY-{name}-{'A' * (30 - len(name))}"


@dataclass
class Chats:
    """Profiles, their bots, people, and the gateway while it runs.

    Attributes:
        telegram: The fake.
        root: The home.
        bots: Each profile's bot.
        alice: Somebody.
        bob: Somebody else.
        clock: Wall time of all gateways of the test.
        expects_crashes: Whether something is to crash; else the test fails when anything does, however well it is
            hidden from people.
        running: The gateway that runs now.
    """

    telegram: FakeTelegram
    root: Path
    bots: dict[str, FakeBot]
    clock: MovingClock
    expects_crashes: bool = False
    running: GatewayFixture | None = None

    @property
    def gateway(self) -> GatewayFixture:
        assert self.running is not None, "no gateway runs"
        return self.running

    @property
    def alice(self) -> FakeUser:
        return self.telegram.user(1001, "Alice")

    @property
    def bob(self) -> FakeUser:
        return self.telegram.user(1002, "Bob")

    @property
    def ada(self) -> FakeBot:
        return self.bots["ada"]

    @property
    def home(self) -> HomePaths:
        return HomePaths(self.root)

    def rewrite(self, profile: str, given: Bot) -> None:
        """Give a profile other settings; they count from its next start."""
        write_profile(self.home, profile, profile_files(self.telegram, profile, self.bots[profile], given))

    @asynccontextmanager
    async def serving(self, **options: object) -> AsyncIterator[GatewayFixture]:
        """Run a gateway; leaving the block ends it without any notice, much as a crash would."""
        async with open_gateway(root=self.root, telegram=self.telegram, clock=self.clock, **options) as gateway:
            self.running = gateway
            try:
                yield gateway
            finally:
                self.running = None

    async def ask(
        self,
        text: str,
        *,
        of: str = "ada",
        by: FakeUser | None = None,
        group: FakeGroup | None = None,
        thread: int | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        """Say something and return the next message of the bot there."""
        await self.say(text, of=of, by=by, group=group, thread=thread, reply_to=reply_to)
        return await self.reply(of=of, by=by, group=group)

    async def say(
        self,
        text: str,
        *,
        of: str = "ada",
        by: FakeUser | None = None,
        group: FakeGroup | None = None,
        thread: int | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        """Say something, to a bot in private or in a group."""
        by = by or self.alice
        if group is not None:
            return await by.says_in(group, text, thread=thread, reply_to=reply_to)
        return await by.says(self.bots[of], text, thread=thread, reply_to=reply_to)

    async def reply(
        self, *, of: str = "ada", by: FakeUser | None = None, group: FakeGroup | None = None, seconds: float = SECONDS
    ) -> Message:
        """The next message of a bot, in private or in a group."""
        where = group if group is not None else by or self.alice
        return await self.bots[of].next_reply(where, seconds=seconds)

    async def hears(self, part: str, *, of: str = "ada", seconds: float = SECONDS) -> str:
        """Wait until a bot has said something with this in it; the whole of it."""
        token = self.bots[of].token
        wanted = await self.telegram.wait_for(
            lambda sent: sent.token == token and sent.is_new_message and part in sent.text, seconds=seconds
        )
        return wanted.text

    async def until(self, condition: Callable[[], bool], *, seconds: float = SECONDS) -> None:
        """Wait until a condition holds that only the gateway can make true; looks ten times a second."""
        with trio.fail_after(seconds):
            while not condition():
                await trio.sleep(0.1)

    async def settled(self, of: str = "ada", *, seconds: float = SECONDS) -> None:
        """Wait until a profile has nothing to answer and nothing to send."""
        await self.until(lambda: not {"accepted", "running"}.intersection(self.inbox(of)), seconds=seconds)
        await self.until(lambda: not {"pending", "sending"}.intersection(self.outbox(of)), seconds=seconds)

    async def quiet(self, seconds: float = 3.0) -> list[Sent]:
        """What bots do within so many seconds in which nobody says anything."""
        before = len(self.telegram.sent)
        await trio.sleep(seconds)
        return [sent for sent in self.telegram.sent[before:] if sent.method != "sendChatAction"]

    def texts(self, of: str = "ada") -> list[str]:
        """All messages that a bot has sent."""
        return [sent.text for sent in self.bots[of].sent if sent.is_new_message]

    def rows(self, profile: str, query: str, *values: object) -> list[tuple[object, ...]]:
        """What stands in a profile's database."""
        connection = sqlite3.connect(self.home.profile(profile).state_db)
        try:
            return connection.execute(query, values).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise
        finally:
            connection.close()

    def history(self, profile: str = "ada") -> list[tuple[object, ...]]:
        """Role and text of all that is active in a profile's conversations."""
        return self.rows(profile, "SELECT role, content FROM messages WHERE active = 1 ORDER BY id")

    def inbox(self, profile: str = "ada") -> list[object]:
        """The states of all messages in a profile's inbox."""
        return [state for (state,) in self.rows(profile, "SELECT state FROM trio_inbox ORDER BY id")]

    def outbox(self, profile: str = "ada") -> list[object]:
        """The states of all that a profile has had to say."""
        return [state for (state,) in self.rows(profile, "SELECT state FROM trio_outbox ORDER BY id")]


@asynccontextmanager
async def open_home(root: Path, **profiles: Bot) -> AsyncIterator[Chats]:
    """Profiles with a bot each on a fake Telegram, and no gateway yet."""
    clock = MovingClock()
    async with open_fake_telegram(sockets=False, clock=clock) as telegram:
        bots = {
            name: telegram.bot(token_of(40 + number, name), f"{name}_bot")
            for number, name in enumerate(profiles, start=1)
        }
        files = {name: profile_files(telegram, name, bots[name], given) for name, given in profiles.items()}
        write_home(root, files)
        chats = Chats(telegram, root, bots, clock)
        yield chats
        if not chats.expects_crashes:
            assert crashes(root) == []


def crashes(root: Path) -> list[str]:
    """What the logs of a home say of things that should not have happened."""
    lines = [line for path in root.rglob("agent.log") for line in path.read_text().splitlines()]
    return [line for line in lines if "crash" in line and (" ERROR " in line or " WARNING " in line)]


def profile_files(telegram: FakeTelegram, name: str, bot: FakeBot, given: Bot) -> ProfileFiles:
    """The files of a profile with this bot."""
    files = telegram_files(f"You are {name.title()}.", telegram.base_url, bot.token, config=given.config, env=given.env)
    platforms = dict(files.config["platforms"])
    given_extra = dict(given.telegram.get("extra", {}))
    platforms["telegram"] = {
        **platforms["telegram"],
        **given.telegram,
        "extra": {**platforms["telegram"]["extra"], **given_extra},
    }
    return ProfileFiles(soul=files.soul, config={**files.config, "platforms": platforms}, env=files.env)


@asynccontextmanager
async def open_chats(root: Path, **profiles: Bot) -> AsyncIterator[Chats]:
    """Profiles with a bot each and a gateway that serves them; Ada alone if none is named."""
    async with open_home(root, **(profiles or {"ada": Bot()})) as chats, chats.serving():
        yield chats
