"""A fake of Telegram's Bot API: for tests of bots, on a socket or in memory.

Example::

    async with open_fake_telegram() as telegram:
        bot = telegram.bot("42:token", "ada_bot")
        alice = telegram.user(1001, "Alice")
        ...  # start the program under test with telegram.base_url
        await alice.says(bot, "hello")
        reply = await bot.next_reply(alice)
        assert "hello" in reply.text
"""

from hermes_trio.testing.faults import Fault, FaultKind
from hermes_trio.testing.telegram.bots import FakeBot
from hermes_trio.testing.telegram.entities import Entity
from hermes_trio.testing.telegram.fake import TELEGRAM_TEST_HOST, FakeTelegram, open_fake_telegram
from hermes_trio.testing.telegram.groups import FakeGroup
from hermes_trio.testing.telegram.model import ChatKind, Message
from hermes_trio.testing.telegram.people import FakeUser, PressedButton
from hermes_trio.testing.telegram.places import Attachment
from hermes_trio.testing.telegram.rate_limits import RateLimits
from hermes_trio.testing.telegram.sent import Sent
from hermes_trio.testing.telegram.waiting import NothingHappened

__all__ = [
    "TELEGRAM_TEST_HOST",
    "Attachment",
    "ChatKind",
    "Entity",
    "FakeBot",
    "FakeGroup",
    "FakeTelegram",
    "FakeUser",
    "Fault",
    "FaultKind",
    "Message",
    "NothingHappened",
    "PressedButton",
    "RateLimits",
    "Sent",
    "open_fake_telegram",
]
