"""Groups, supergroups with or without topics, channels, as tests see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from hermes_trio.testing.telegram.model import Account, Chat, ChatKind, Message
from hermes_trio.testing.telegram.places import open_topic, tell, tell_member, write

if TYPE_CHECKING:
    from hermes_trio.testing.telegram.bots import FakeBot
    from hermes_trio.testing.telegram.places import Attachment
    from hermes_trio.testing.telegram.state import TelegramState


class FakeGroup:
    """A chat of several; also a channel.

    Attributes:
        chat: The chat: its messages, topics, members.
    """

    def __init__(self, state: TelegramState, chat: Chat, owner: Account) -> None:
        self.chat = chat
        self._state = state
        self._owner = owner

    @property
    def id(self) -> int:
        """Its ``chat_id``."""
        return self.chat.id

    async def adds(self, bot: FakeBot) -> None:
        """Take a bot in, telling it."""
        await trio.lowlevel.checkpoint()
        self.chat.kicked.discard(bot.id)
        self.chat.members.add(bot.id)
        tell_member(self._state, bot.bot_state, self.chat, self._owner, "left", "member")

    async def removes(self, bot: FakeBot) -> None:
        """Throw a bot out, telling it."""
        await trio.lowlevel.checkpoint()
        self.chat.members.discard(bot.id)
        self.chat.kicked.add(bot.id)
        tell_member(self._state, bot.bot_state, self.chat, self._owner, "member", "kicked")

    async def opens_topic(self, name: str) -> int:
        """Open a forum topic; returns its ``message_thread_id``."""
        await trio.lowlevel.checkpoint()
        if not self.chat.forum:
            raise ValueError(f"'{self.chat.title}' is no forum")
        service = open_topic(self._state, self.chat, self._owner, name)
        tell(self._state, service)
        return service.id

    async def deletes_topic(self, thread: int) -> None:
        """Delete a forum topic; bots are not told."""
        await trio.lowlevel.checkpoint()
        del self.chat.topics[thread]

    async def posts(self, text: str, *, attachment: Attachment | None = None) -> Message:
        """Publish in a channel."""
        await trio.lowlevel.checkpoint()
        return write(self._state, self.chat, None, text, attachment=attachment)

    async def upgrades(self) -> FakeGroup:
        """Make a supergroup of a group; bots are told in both, and the old id is refused with the new one."""
        await trio.lowlevel.checkpoint()
        new = self._state.add_chat(ChatKind.SUPERGROUP, self.chat.title)
        new.members |= self.chat.members
        write(self._state, self.chat, self._owner, media={"migrate_to_chat_id": new.id})
        write(self._state, new, self._owner, media={"migrate_from_chat_id": self.chat.id})
        self.chat.migrated_to = new.id
        return FakeGroup(self._state, new, self._owner)
