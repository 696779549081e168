"""A bot as tests see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.testing.telegram.answers import unauthorized
from hermes_trio.testing.telegram.waiting import WAIT_SECONDS, wait_until

if TYPE_CHECKING:
    from hermes_trio.testing.telegram.groups import FakeGroup
    from hermes_trio.testing.telegram.model import Json, Message
    from hermes_trio.testing.telegram.people import FakeUser
    from hermes_trio.testing.telegram.sent import Sent
    from hermes_trio.testing.telegram.state import BotState, TelegramState


class FakeBot:
    """A registered bot: what the program under test does with its token.

    Attributes:
        token: Its token.
        id: Its account's number.
        username: Its name, without the ``@``.
    """

    def __init__(self, state: TelegramState, bot: BotState) -> None:
        self.token = bot.token
        self.id = bot.account.id
        self.username = bot.account.username
        self.bot_state = bot
        self._state = state
        self._looked = 0
        self._untaken: list[Message] = []

    @property
    def sent(self) -> list[Sent]:
        """What it has done, oldest first."""
        return [sent for sent in self._state.sent if sent.token == self.token]

    @property
    def pending_updates(self) -> int:
        """How many updates it has not confirmed."""
        return len(self.bot_state.queue)

    @property
    def is_polling(self) -> bool:
        """Whether a ``getUpdates`` call of it waits now."""
        return self.bot_state.poll is not None

    @property
    def polls(self) -> int:
        """How many ``getUpdates`` calls it has made."""
        return self.bot_state.polls

    @property
    def conflicts(self) -> int:
        """How many of them were refused for another one or a webhook."""
        return self.bot_state.conflicts

    @property
    def commands(self) -> dict[str, list[Json]]:
        """Its command lists, by the JSON of ``[scope, language code]``."""
        return self.bot_state.commands

    def revoke(self) -> None:
        """Make its token invalid from now on."""
        self.bot_state.revoked = True
        self.bot_state.end_poll(unauthorized())

    async def next_reply(
        self, chat: FakeUser | FakeGroup | int | None = None, *, seconds: float = WAIT_SECONDS
    ) -> Message:
        """The oldest new message of the bot that has not been returned yet, waiting for one if need be.

        The message is live: edits show in it.

        Args:
            chat: Where it has to be; None for anywhere.
            seconds: How long to wait.

        Raises:
            NothingHappened: There was none in time.
        """
        chat_id = chat if chat is None or isinstance(chat, int) else chat.id

        def find() -> Message | None:
            self._look()
            return next((message for message in self._untaken if chat_id in (None, message.chat.id)), None)

        await wait_until(self._state, lambda: find() is not None, seconds, f"a message of @{self.username}")
        message = find()
        assert message is not None  # noqa: S101  that was waited for
        self._untaken.remove(message)
        return message

    async def wait_polling(self, *, seconds: float = WAIT_SECONDS) -> None:
        """Wait until the bot has asked for updates at least once.

        Raises:
            NothingHappened: It has not in time.
        """
        await wait_until(self._state, lambda: self.polls > 0, seconds, f"a getUpdates call of @{self.username}")

    def _look(self) -> None:
        """Take note of the new messages since the last look."""
        for sent in self._state.sent[self._looked :]:
            if sent.token == self.token and sent.is_new_message and sent.message is not None:
                self._untaken.append(sent.message)
        self._looked = len(self._state.sent)
