"""Telegram for the conformance kit, on the fake Bot API."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from hermes_trio.adapter_api import Capabilities, MediaKind, TextUnit
from hermes_trio.testing.conformance import Effect, EffectKind, Moment, Trouble
from hermes_trio.testing.faults import FaultKind
from hermes_trio.testing.gateway import TEST_URL
from hermes_trio.testing.telegram import open_fake_telegram
from hermes_trio_adapters.telegram import make_adapter
from hermes_trio_adapters.telegram.render import render_html

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    import trio

    from hermes_trio.io.http_transport import Connect
    from hermes_trio.testing.telegram import FakeBot, FakeTelegram, FakeUser, Sent

PERSON: Final = 1001

METHODS: Final = {Moment.CONNECT: "getMe", Moment.RECEIVE: "getUpdates", Moment.SEND: "sendMessage"}
FAULTS: Final = {
    Trouble.SERVER_ERROR: (FaultKind.SERVER_ERROR, 0, ""),
    Trouble.MALFORMED: (FaultKind.MALFORMED, 0, ""),
    Trouble.HANG: (FaultKind.HANG, 0, ""),
    Trouble.DROP_BEFORE: (FaultKind.DROP_BEFORE, 0, ""),
    Trouble.DROP_AFTER: (FaultKind.DROP_AFTER, 0, ""),
    Trouble.RATE_LIMITED: (FaultKind.TOO_MANY_REQUESTS, 0, ""),
    Trouble.CREDENTIAL_REFUSED: (FaultKind.UNAUTHORIZED, 0, ""),
    Trouble.CREDENTIAL_CONFLICT: (FaultKind.CONFLICT, 0, ""),
    Trouble.CHAT_GONE: (FaultKind.ERROR, 403, "Forbidden: bot was blocked by the user"),
    Trouble.MARKUP_REFUSED: (FaultKind.ERROR, 400, "Bad Request: can't parse entities: unclosed start tag"),
}
EFFECTS: Final = {
    "sendMessage": EffectKind.MESSAGE,
    "editMessageText": EffectKind.EDIT,
    "deleteMessage": EffectKind.DELETE,
    "sendChatAction": EffectKind.TYPING,
    "setMessageReaction": EffectKind.REACTION,
    "sendPhoto": EffectKind.FILE,
    "sendVoice": EffectKind.FILE,
    "sendAudio": EffectKind.FILE,
    "sendVideo": EffectKind.FILE,
    "sendDocument": EffectKind.FILE,
}


class TelegramRig:
    platform = "telegram"
    packages = ("hermes_trio_adapters.telegram",)
    exclusive = True
    calls_us = False
    factory = staticmethod(make_adapter)
    capabilities = Capabilities(
        text_limit=4096,
        text_unit=TextUnit.UTF16,
        render=render_html,
        counts_markup=False,
        edits=True,
        deletes=True,
        threads=True,
        typing=True,
        typing_seconds=4.5,
        reactions=True,
        buttons=True,
        media=frozenset(MediaKind),
        caption_limit=1024,
        requires_mention=False,
    )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[TelegramStandIn]:
        async with open_fake_telegram(sockets=False) as telegram:
            yield TelegramStandIn(telegram)


class TelegramWebhookRig(TelegramRig):
    """Telegram in webhook mode."""

    calls_us = True

    @asynccontextmanager
    async def open(self) -> AsyncIterator[TelegramStandIn]:
        line = Line()
        async with open_fake_telegram(sockets=False, webhook_connect=line.open) as telegram:
            yield TelegramStandIn(telegram, line)


class Line:
    """Telegram's way to the gateway, while there is one."""

    def __init__(self) -> None:
        self.connect: Connect | None = None

    async def open(self, *address: object) -> trio.abc.Stream:
        if self.connect is None:
            raise ConnectionRefusedError(111, "Connection refused")
        return await self.connect(*address)


class TelegramStandIn:
    def __init__(self, telegram: FakeTelegram, line: Line | None = None) -> None:
        self._telegram = telegram
        self._line = line
        self._person = telegram.user(PERSON, "Alice")
        self._bots = 0

    async def connect(self, scheme: str, host: str, port: int) -> trio.abc.Stream:
        return await self._telegram.connect(scheme, host, port)

    def attach(self, connect: Connect | None) -> None:
        if self._line is not None:
            self._line.connect = connect

    def bot(self, name: str) -> TelegramBot:
        self._bots += 1
        bot = self._telegram.bot(f"{self._bots}:{name}-token-canary", f"{name}_bot")
        return TelegramBot(self._telegram, bot, self._person, f"{name}-webhook-canary" if self._line else "")


class TelegramBot:
    chat_id = str(PERSON)

    def __init__(self, telegram: FakeTelegram, bot: FakeBot, person: FakeUser, webhook_secret: str) -> None:
        self._telegram = telegram
        self._webhook_secret = webhook_secret
        self._bot = bot
        self._person = person
        self._last: object = None
        person.opens(bot).next_number()  # a topic must not get number 1, which is the General topic's

    @property
    def secrets(self) -> Sequence[str]:
        return (self._bot.token, *([self._webhook_secret] if self._webhook_secret else []))

    @property
    def settings(self) -> Mapping[str, object]:
        places = {"base_url": self._telegram.base_url, "base_file_url": self._telegram.base_file_url}
        return {"extra": {**places, "reactions": True}}

    @property
    def variables(self) -> Mapping[str, str]:
        token = {"TELEGRAM_BOT_TOKEN": self._bot.token}
        if not self._webhook_secret:
            return token
        webhook = {"TELEGRAM_WEBHOOK_URL": TEST_URL, "TELEGRAM_WEBHOOK_SECRET": self._webhook_secret}
        return {**token, **webhook}

    @property
    def effects(self) -> Sequence[Effect]:
        return [effect_of(sent) for sent in self._bot.sent if sent.method in EFFECTS]

    @property
    def unconfirmed(self) -> int:
        return self._bot.pending_updates

    async def hear(self, text: str, *, thread_id: str | None = None, file: bytes | None = None) -> str:
        if file is not None:
            message = await self._person.sends_document(self._bot, file, "file.bin", text)
        else:
            thread = None if thread_id is None else int(thread_id)
            message = await self._person.says(self._bot, text, thread=thread)
        self._last = message
        return str(message.id)

    async def hear_again(self) -> None:
        self._bot.bot_state.queue.push("message", self._last.as_json())
        self._telegram.state.wake()

    async def press(self, message_id: str, label: str) -> None:
        chat = self._person.opens(self._bot)
        await self._person.presses(chat.messages[int(message_id)], label)

    async def open_thread(self) -> str:
        return str(await self._person.opens_topic(self._bot, "A topic"))

    def trouble(self, kind: Trouble, moment: Moment, *, times: int | None = 1, seconds: float = 1.0) -> None:
        fault, status, description = FAULTS[kind]
        self._telegram.inject(
            fault,
            bot=self._bot,
            method=METHODS[moment],
            times=times,
            seconds=seconds,
            status=status,
            description=description,
        )

    def calm(self) -> None:
        self._telegram.faults.clear()


def effect_of(sent: Sent) -> Effect:
    message, text = sent.message, sent.text
    if sent.method == "setMessageReaction":
        text = "".join(each["emoji"] for each in sent.values.get("reaction") or ())
    return Effect(
        kind=EFFECTS[sent.method],
        chat_id=str(sent.chat_id),
        at=sent.time,
        thread_id=None if sent.thread is None else str(sent.thread),
        message_id="" if sent.message_id is None else str(sent.message_id),
        text=text,
        formatted=bool(sent.parse_mode),
        buttons=tuple(label for row in sent.buttons for label in row),
        content=message.files[-1].content if message is not None and message.files else b"",
    )
