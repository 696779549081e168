"""A bot as tests see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
        self._taken: set[int] = set()

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
        self.bot_state.queue.wake()

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
        found: list[Sent] = []

        def look() -> bool:
            found.extend(sent for sent in self.sent if self._is_next(sent, chat_id))
            return bool(found)

        await wait_until(self._state, look, seconds, f"a message of @{self.username}")
        self._taken.add(found[0].index)
        message = found[0].message
        assert message is not None  # noqa: S101  `is_new_message` says so
        return message

    async def wait_polling(self, *, seconds: float = WAIT_SECONDS) -> None:
        """Wait until the bot has asked for updates at least once.

        Raises:
            NothingHappened: It has not in time.
        """
        await wait_until(self._state, lambda: self.polls > 0, seconds, f"a getUpdates call of @{self.username}")

    def _is_next(self, sent: Sent, chat_id: int | None) -> bool:
        return sent.is_new_message and sent.index not in self._taken and chat_id in (None, sent.chat_id)
