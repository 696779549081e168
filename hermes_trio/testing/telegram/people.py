"""People who talk to bots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import trio

from hermes_trio.testing.telegram.bots import FakeBot
from hermes_trio.testing.telegram.entities import RichText, with_found_entities
from hermes_trio.testing.telegram.places import Attachment, listeners, open_topic, tell, tell_member, write
from hermes_trio.testing.telegram.state import PendingQuery
from hermes_trio.testing.telegram.waiting import WAIT_SECONDS, wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.testing.telegram.groups import FakeGroup
    from hermes_trio.testing.telegram.model import Account, Button, Chat, Json, Message
    from hermes_trio.testing.telegram.state import TelegramState


class PressedButton:
    """A pressed button that waits for the bot's answer.

    Attributes:
        query_id: ``callback_query_id``.
    """

    def __init__(self, state: TelegramState, query_id: str) -> None:
        self.query_id = query_id
        self._state = state

    @property
    def is_answered(self) -> bool:
        """Whether the bot has called ``answerCallbackQuery``."""
        return self._state.queries[self.query_id].answered.is_set()

    async def answer(self, *, seconds: float = WAIT_SECONDS) -> Json:
        """The parameters of the bot's answer, e.g. ``text`` and ``show_alert``.

        Raises:
            NothingHappened: It did not answer in time.
        """
        await wait_until(self._state, lambda: self.is_answered, seconds, f"an answer to the query {self.query_id}")
        return self._state.queries[self.query_id].answer


class FakeUser:
    """A person.

    Attributes:
        account: How others see it.
    """

    def __init__(self, state: TelegramState, account: Account) -> None:
        self.account = account
        self._state = state

    @property
    def id(self) -> int:
        """Number of the account, and ``chat_id`` of private chats with it."""
        return self.account.id

    def opens(self, bot: FakeBot) -> Chat:
        """Open the private chat with a bot without saying anything, so that the bot can write first."""
        return self._state.private_chat(bot.bot_state, self.account)

    async def opens_topic(self, bot: FakeBot, name: str) -> int:
        """Open a topic in the private chat with a bot; returns its ``message_thread_id``."""
        await trio.lowlevel.checkpoint()
        service = open_topic(self._state, self.opens(bot), self.account, name)
        tell(self._state, service)
        return service.id

    async def says(
        self, bot: FakeBot, text: str, *, thread: int | None = None, reply_to: Message | None = None
    ) -> Message:
        """Write to a bot in private, into a topic if one is named."""
        await trio.lowlevel.checkpoint()
        return write(self._state, self.opens(bot), self.account, text, thread=thread, reply_to=reply_to)

    async def says_in(
        self, group: FakeGroup, text: str, *, thread: int | None = None, reply_to: Message | None = None
    ) -> Message:
        """Write in a group. Mentions, commands and addresses are marked as Telegram marks them.

        Args:
            group: Where.
            text: What.
            thread: Id of a forum topic; None or 1 for the General topic.
            reply_to: The message it answers.
        """
        await trio.lowlevel.checkpoint()
        return write(self._state, group.chat, self.account, text, thread=thread, reply_to=reply_to)

    async def sends(
        self,
        where: FakeBot | FakeGroup,
        attachment: Attachment | None,
        caption: str = "",
        *,
        thread: int | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        """Send a file, or a plain text without one, to a bot in private or into a group."""
        await trio.lowlevel.checkpoint()
        chat = self._chat(where)
        return write(self._state, chat, self.account, caption, thread=thread, reply_to=reply_to, attachment=attachment)

    async def sends_photo(self, where: FakeBot | FakeGroup, content: bytes, caption: str = "") -> Message:
        """Send a photo."""
        return await self.sends(where, Attachment("photo", content), caption)

    async def sends_document(
        self, where: FakeBot | FakeGroup, content: bytes, name: str, caption: str = "", *, mime_type: str = ""
    ) -> Message:
        """Send a document."""
        return await self.sends(where, Attachment("document", content, name, mime_type), caption)

    async def sends_voice(self, where: FakeBot | FakeGroup, content: bytes) -> Message:
        """Send a voice message."""
        return await self.sends(where, Attachment("voice", content))

    async def sends_album(
        self, where: FakeBot | FakeGroup, attachments: Sequence[Attachment], caption: str = ""
    ) -> list[Message]:
        """Send several files at once: messages with one ``media_group_id``, the caption on the first."""
        await trio.lowlevel.checkpoint()
        chat, group = self._chat(where), str(self._state.number())
        return [
            write(self._state, chat, self.account, "" if index else caption, attachment=attachment, group=group)
            for index, attachment in enumerate(attachments)
        ]

    async def edits(self, message: Message, text: str) -> None:
        """Change a message of one's own; bots are told."""
        await trio.lowlevel.checkpoint()
        message.edits.append(message.text)
        message.rich = with_found_entities(RichText(text))
        message.edit_date = self._state.now()
        tell(self._state, message, edited=True)

    async def presses(self, message: Message, button: str) -> PressedButton:
        """Press a button below a bot's message, by the text on it.

        Raises:
            ValueError: There is no such button, or pressing it does not concern the bot.
        """
        await trio.lowlevel.checkpoint()
        found = _find_button(message, button)
        bot = next(bot for bot in self._state.bots.values() if bot.account == message.sender)
        query_id = str(4_000_000_000 + self._state.number())
        self._state.queries[query_id] = PendingQuery(bot.token, {}, trio.Event())
        query: Json = {
            "id": query_id,
            "from": self.account.as_json(),
            "message": message.as_json(),
            "chat_instance": str(message.chat.id),
            "data": found["callback_data"],
        }
        bot.queue.push("callback_query", query)
        self._state.wake()
        return PressedButton(self._state, query_id)

    async def reacts(self, message: Message, *emoji: str) -> None:
        """Put emoji to a message instead of those put before; only bots that ask for it are told."""
        await trio.lowlevel.checkpoint()
        old = message.reactions.get(self.id, ())
        message.reactions[self.id] = emoji
        reaction: Json = {
            "chat": message.chat.as_json(),
            "message_id": message.id,
            "user": self.account.as_json(),
            "date": self._state.now(),
            "old_reaction": [{"type": "emoji", "emoji": each} for each in old],
            "new_reaction": [{"type": "emoji", "emoji": each} for each in emoji],
        }
        for bot in listeners(self._state, message.chat):
            bot.queue.push("message_reaction", reaction)
        self._state.wake()

    async def blocks(self, bot: FakeBot) -> None:
        """Block a bot, which is told and can write no more."""
        await trio.lowlevel.checkpoint()
        chat = self.opens(bot)
        chat.kicked.add(bot.id)
        tell_member(self._state, bot.bot_state, chat, self.account, "member", "kicked")

    async def unblocks(self, bot: FakeBot) -> None:
        """Take a bot back, telling it."""
        await trio.lowlevel.checkpoint()
        chat = self.opens(bot)
        chat.kicked.discard(bot.id)
        tell_member(self._state, bot.bot_state, chat, self.account, "kicked", "member")

    def _chat(self, where: FakeBot | FakeGroup) -> Chat:
        return self.opens(where) if isinstance(where, FakeBot) else where.chat


def _find_button(message: Message, text: str) -> Button:
    for row in message.keyboard:
        for button in row:
            if button["text"] == text:
                if "callback_data" not in button:
                    raise ValueError(
                        f"the button '{text}' has no callback_data: {msgspec.json.encode(button).decode()}"
                    )
                return button
    raise ValueError(f"no button '{text}' on this message, only {message.buttons}")
