"""What bots have done: one record for each call that had an effect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.testing.telegram.entities import Entity
    from hermes_trio.testing.telegram.model import Message


@dataclass(frozen=True, slots=True)
class Sent:
    """A call that had an effect, with what it said at that time.

    Attributes:
        index: Its place in the log.
        time: ``trio.current_time()`` when it took effect.
        date: Wall time of that, in seconds since the epoch.
        token: The bot's token.
        method: E.g. ``sendMessage``, ``editMessageText``, ``sendChatAction``.
        chat_id: Where, or None.
        thread: ``message_thread_id`` of the message, else the one that was asked for, or None.
        text: Text or caption after parsing; for an action or reaction, its name.
        entities: Entities of the text.
        parse_mode: As sent; empty for none.
        buttons: Texts on the inline keyboard.
        reply_to: Number of the message it answers, or None.
        message_id: Number of the message sent, edited, deleted or reacted to, or None.
        values: The parameters as sent.
        message: The message, as it is now, or None.
    """

    index: int
    time: float
    date: float
    token: str = field(repr=False)
    method: str
    chat_id: int | None = None
    thread: int | None = None
    text: str = ""
    entities: tuple[Entity, ...] = ()
    parse_mode: str = ""
    buttons: tuple[tuple[str, ...], ...] = ()
    reply_to: int | None = None
    message_id: int | None = None
    values: Mapping[str, object] = field(default_factory=dict, repr=False)
    message: Message | None = field(default=None, repr=False)

    @property
    def is_new_message(self) -> bool:
        """Whether it put a new message into a chat."""
        return self.message is not None and (self.method.startswith(("send", "copy", "forward")))
