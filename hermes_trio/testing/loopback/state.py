"""What the loopback platform knows: bots, their unconfirmed events, messages, files, and what bots did."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.io.clock import Clock

Json = dict[str, object]
"""An object of the wire."""

LONGEST_TEXT: Final = 1000
"""Characters of a message, its markup included."""

LONGEST_CAPTION: Final = 200


@dataclass(slots=True, eq=False)
class LoopbackMessage:
    """A message of a bot, as it is now.

    Attributes:
        id: Its number, as text; each bot counts its own for each chat.
        chat: The chat.
        thread: The thread within it, or None.
        text: Its text, with markup.
        markup: Whether the text has markup.
        buttons: Rows of buttons: label and data.
        file: The id of its file, or empty.
        reaction: The bot's reaction to it, or empty.
    """

    id: str
    chat: str
    thread: str | None = None
    text: str = ""
    markup: bool = False
    buttons: tuple[tuple[tuple[str, str], ...], ...] = ()
    file: str = ""
    reaction: str = ""


@dataclass(frozen=True, slots=True)
class LoopbackFile:
    """A file that somebody has sent."""

    id: str
    kind: str
    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Done:
    """Something that a bot did.

    Attributes:
        index: Its place in the log.
        time: ``trio.current_time()`` then.
        token: The bot's token.
        action: ``send``, ``upload``, ``edit``, ``delete``, ``typing``, ``react`` or ``answer``.
        chat: Where.
        thread: The thread, or None.
        message_id: The message that was sent, edited, deleted or reacted to; the press that was answered.
        text: Its text, with markup; a reaction; what whoever pressed is told.
        markup: Whether the text has markup.
        reply_to: The message it answers, or None.
        buttons: Labels of its buttons.
        key: Its idempotency key.
        kind: What kind of file it is, or empty.
        name: The file's name, or empty.
        content: The file.
    """

    index: int
    time: float
    token: str = field(repr=False)
    action: str
    chat: str = ""
    thread: str | None = None
    message_id: str = ""
    text: str = ""
    markup: bool = False
    reply_to: str | None = None
    buttons: tuple[tuple[str, ...], ...] = ()
    key: str = ""
    kind: str = ""
    name: str = ""
    content: bytes = field(default=b"", repr=False)


class EventQueue:
    """Events that a bot has not confirmed yet; each has a cursor, counted from 1."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Json]] = deque()
        self._last = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, event: Json) -> None:
        """Add an event."""
        self._last += 1
        self._waiting.append((self._last, event))

    def confirm(self, cursor: int) -> None:
        """Forget the events up to a cursor."""
        while self._waiting and self._waiting[0][0] <= cursor:
            self._waiting.popleft()

    def first(self, count: int) -> list[Json]:
        """The oldest events, with their cursors."""
        return [{**event, "cursor": cursor} for cursor, event in list(self._waiting)[:count]]


@dataclass(slots=True, eq=False)
class BotState:
    """One bot.

    Attributes:
        token: Its token.
        name: Its name.
        events: What it has not confirmed.
        polls: How often it has asked for events.
        poll: Set when the request that waits for events has to give way to a newer one; None when none waits.
        revoked: Whether its token no longer works.
        messages: Messages by chat and id.
        counts: How many messages each chat has.
        keys: The message that was sent with an idempotency key.
        said: The last message that somebody wrote to it, as an event.
    """

    token: str = field(repr=False)
    name: str
    events: EventQueue = field(default_factory=EventQueue)
    polls: int = 0
    poll: trio.Event | None = None
    revoked: bool = False
    messages: dict[tuple[str, str], LoopbackMessage] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    keys: dict[str, str] = field(default_factory=dict)
    said: Json | None = None

    @property
    def id(self) -> str:
        """The id of its account."""
        return f"bot-{self.name}"

    def next_id(self, chat: str) -> str:
        """The id of a new message in a chat."""
        self.counts[chat] += 1
        return str(self.counts[chat])


class LoopbackState:
    """Everything the platform knows.

    Args:
        clock: Wall time of messages.
        any_token: Whether a token nobody registered makes a bot of its own.

    Attributes:
        bots: By token.
        files: By id.
        done: What bots did, oldest first.
        changed: Set, and replaced, at every change.
    """

    def __init__(self, clock: Clock, *, any_token: bool = False) -> None:
        self.clock = clock
        self.any_token = any_token
        self.bots: dict[str, BotState] = {}
        self.files: dict[str, LoopbackFile] = {}
        self.done: list[Done] = []
        self.changed = trio.Event()

    def bot(self, token: str, name: str = "") -> BotState:
        """The bot with this token; a new one gets the name, or one that says how many there are."""
        if token not in self.bots:
            self.bots[token] = BotState(token, name or f"bot{len(self.bots) + 1}")
        return self.bots[token]

    def add_file(self, kind: str, name: str, content: bytes) -> LoopbackFile:
        """Keep a file."""
        file = LoopbackFile(f"file-{len(self.files) + 1}", kind, name, content)
        self.files[file.id] = file
        return file

    def note(self, bot: BotState, action: str, values: Mapping[str, object]) -> None:
        """Write down what a bot did; ``values`` are fields of `Done`."""
        self.done.append(Done(len(self.done), trio.current_time(), bot.token, action, **values))  # type: ignore[arg-type]
        self.wake()

    def push(self, bot: BotState, event: Json) -> None:
        """Give a bot an event."""
        bot.events.push(event)
        self.wake()

    def wake(self) -> None:
        """Wake everybody who waits for a change."""
        changed, self.changed = self.changed, trio.Event()
        changed.set()
