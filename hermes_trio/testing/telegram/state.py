"""The whole state of the fake: bots, people, chats, files, the log of what bots did."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.testing.telegram.answers import ApiRefusal, bad_request, forbidden
from hermes_trio.testing.telegram.model import Account, Chat, ChatKind, Message, StoredFile
from hermes_trio.testing.telegram.updates import UpdateQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hermes_trio.io.clock import Clock
    from hermes_trio.testing.telegram.model import Json
    from hermes_trio.testing.telegram.sent import Sent

TOKEN: Final = re.compile(r"([1-9][0-9]{0,18}):[A-Za-z0-9_-]+")
_FIRST_UPDATE: Final = 100_000_001
_FIRST_GROUP: Final = 4001
_FIRST_SUPERGROUP: Final = 1_001_000_000_001


@dataclass(eq=False, slots=True)
class Webhook:
    """A bot's webhook.

    Attributes:
        url: Where updates go.
        secret: Goes along as ``X-Telegram-Bot-Api-Secret-Token``; empty for none.
        last_error: What went wrong last; empty for nothing.
        last_error_date: When, in seconds since the epoch.
    """

    url: str
    secret: str = field(default="", repr=False)
    last_error: str = ""
    last_error_date: int = 0


@dataclass(eq=False, slots=True)
class Poll:
    """A ``getUpdates`` call that waits.

    Attributes:
        refusal: Why it has to end, once it has.
    """

    refusal: ApiRefusal | None = None


@dataclass(eq=False, slots=True)
class BotState:
    """What the fake knows about one bot.

    Attributes:
        token: Its token.
        account: Its account.
        queue: Its unconfirmed updates.
        next_number: Numbers the messages of its private chats.
        reads_all: Whether it sees every message of a group, not only what is meant for it.
        chats: Its private chats, by the person's id.
        webhook: Its webhook, if one is set.
        poll: Its ``getUpdates`` call that waits.
        polls: How many ``getUpdates`` calls it has made.
        conflicts: How many of them ended because of another one.
        commands: Commands by scope and language.
        revoked: Whether its token no longer works.
        logged_out: Whether it called ``logOut``.
    """

    token: str = field(repr=False)
    account: Account
    queue: UpdateQueue
    next_number: Callable[[], int]
    reads_all: bool = True
    chats: dict[int, Chat] = field(default_factory=dict)
    webhook: Webhook | None = None
    poll: Poll | None = None
    polls: int = 0
    conflicts: int = 0
    commands: dict[str, list[Json]] = field(default_factory=dict)
    revoked: bool = False
    logged_out: bool = False

    def end_poll(self, refusal: ApiRefusal) -> None:
        """Refuse the ``getUpdates`` call that waits, if there is one."""
        if self.poll is not None:
            self.poll.refusal = refusal
            self.queue.wake()


@dataclass(frozen=True, slots=True)
class PendingQuery:
    """A pressed button that waits for ``answerCallbackQuery``.

    Attributes:
        token: The bot whose answer counts.
        answer: The answer's parameters, once there is one.
        answered: Set with it.
    """

    token: str
    answer: Json
    answered: trio.Event


class TelegramState:
    """State shared by the Bot API, the people of a test, and the control surface.

    Args:
        clock: Wall time for dates.
        any_token: Whether a well-formed token that nobody registered makes a bot of its own.
    """

    def __init__(self, clock: Clock, *, any_token: bool = False) -> None:
        self.clock = clock
        self.any_token = any_token
        self.bots: dict[str, BotState] = {}
        self.people: dict[int, Account] = {}
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, StoredFile] = {}
        self.queries: dict[str, PendingQuery] = {}
        self.sent: list[Sent] = []
        self.calls: Counter[str] = Counter()
        self.changed = trio.Event()
        self._numbers: Iterator[int] = itertools.count(1)
        self._groups = itertools.count(_FIRST_GROUP)
        self._supergroups = itertools.count(_FIRST_SUPERGROUP)

    def now(self) -> int:
        """The date for messages, in whole seconds since the epoch."""
        return int(self.clock.now())

    def number(self) -> int:
        """A number nothing else has."""
        return next(self._numbers)

    def bot(self, token: str) -> BotState | None:
        """The bot with this token; None when there is none.

        A token that is well-formed makes one where any token is taken.
        """
        match = TOKEN.fullmatch(token)
        if token not in self.bots and match is not None and self.any_token:
            self.add_bot(token, f"test{match.group(1)}_bot", reads_all=True)
        return self.bots.get(token)

    def add_bot(self, token: str, username: str, *, reads_all: bool) -> BotState:
        """Register a bot.

        Raises:
            ValueError: The token has not the form ``<digits>:<letters>``.
        """
        match = TOKEN.fullmatch(token)
        if match is None:
            raise ValueError("a bot token looks like 123456:ABC-DEF")
        account = Account(int(match.group(1)), username, username, is_bot=True)
        bot = BotState(token, account, UpdateQueue(_FIRST_UPDATE), itertools.count(1).__next__, reads_all)
        self.bots[token] = bot
        return bot

    def add_chat(self, kind: ChatKind, title: str, username: str = "", *, forum: bool = False) -> Chat:
        """Make a group or channel, with nobody in it."""
        number = next(self._groups) if kind is ChatKind.GROUP else next(self._supergroups)
        first = 1 if kind is ChatKind.GROUP else 2  # the first message of a supergroup tells that it was made
        chat = Chat(-number, kind, itertools.count(first).__next__, title, username, forum=forum)
        self.chats[chat.id] = chat
        return chat

    def private_chat(self, bot: BotState, person: Account) -> Chat:
        """The chat of a person and a bot, opened at need."""
        chat = bot.chats.get(person.id)
        if chat is None:
            chat = Chat(person.id, ChatKind.PRIVATE, bot.next_number, person=person, members={bot.account.id})
            bot.chats[person.id] = chat
        return chat

    def chat_for(self, bot: BotState, chat_id: str, *, writing: bool = False) -> Chat:
        """The chat a bot means.

        Args:
            bot: The bot.
            chat_id: Number, or ``@name``.
            writing: Whether it is to get something, which a person who blocked the bot does not.

        Raises:
            ApiRefusal: It does not exist, the bot is not in it, or it has moved.
        """
        if not chat_id:
            raise bad_request("chat_id is empty")
        chat = self._find(bot, chat_id)
        if chat is None:
            raise bad_request("chat not found")
        if chat.migrated_to is not None:
            raise bad_request("group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to)
        if bot.account.id in chat.kicked:
            if chat.kind is not ChatKind.PRIVATE:
                raise forbidden(f"bot was kicked from the {chat.kind} chat")
            if writing:
                raise forbidden("bot was blocked by the user")
        elif bot.account.id not in chat.members:
            raise forbidden(f"bot is not a member of the {chat.kind} chat")
        return chat

    def _find(self, bot: BotState, chat_id: str) -> Chat | None:
        if chat_id.startswith("@"):
            named = (chat for chat in self.chats.values() if chat.username.lower() == chat_id[1:].lower())
            return next(named, None)
        try:
            number = int(chat_id)
        except ValueError:
            return None
        chat = bot.chats.get(number) or self.chats.get(number)
        if chat is None or chat.username or chat.migrated_to is not None:
            return chat
        return chat if bot.account.id in chat.members | chat.kicked else None

    def add_message(self, message: Message) -> Message:
        """Put a message into its chat."""
        message.chat.messages[message.id] = message
        return message

    def add_file(self, folder: str, name: str, mime_type: str, content: bytes, size: int | None = None) -> StoredFile:
        """Store a file; its ``file_path`` is made of a folder and the ending of its name."""
        number = self.number()
        _, dot, ending = name.rpartition(".")
        stored = StoredFile(
            file_id=f"File{number:08d}",
            unique_id=f"Unique{number:06d}",
            path=f"{folder}/file_{number}{dot}{ending if dot else ''}",
            name=name,
            mime_type=mime_type,
            content=content,
            size=len(content) if size is None else size,
        )
        self.files[stored.file_id] = stored
        return stored

    def log(self, sent: Sent) -> None:
        """Add to the log, and wake who waits for something to happen."""
        self.sent.append(sent)
        self.wake()

    def wake(self) -> None:
        """Let those who wait look again."""
        self.changed.set()
        self.changed = trio.Event()
