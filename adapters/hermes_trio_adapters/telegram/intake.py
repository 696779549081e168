"""Hands updates to the core, in their order, however they came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import trio

from hermes_trio.adapter_api import AdapterError, HermesTrioError
from hermes_trio_adapters.telegram.parse import parse_message, parse_press
from hermes_trio_adapters.telegram.wire import CallbackQuery, Message, Update, UpdateNumber

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.adapter_api import AdapterContext, InboundMessage, ProfileScope
    from hermes_trio_adapters.telegram.client import BotApi
    from hermes_trio_adapters.telegram.wire import User

ALLOWED_UPDATES: Final = (
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "callback_query",
    "my_chat_member",
)
#: Telegram forgets a press soon; whoever pressed must not look at a turning wheel until then.
PRESS_SECONDS: Final = 15.0
MOST_PRESSES: Final = 16
LONGEST_NOTICE: Final = 200
_UNREADABLE: Final = (msgspec.MsgspecError, RecursionError, ValueError, LookupError, TypeError, AttributeError)


class Intake:
    """Takes updates and remembers up to which one they are safe.

    Args:
        scope: Whose bot it is.
        api: The bot.
        context: The core.
        bot: The bot's own account.
        nursery: Owns the presses that are being dealt with.

    Attributes:
        next_update: The offset to ask from: everything before it is safe. None until there was something.
    """

    def __init__(
        self, scope: ProfileScope, api: BotApi, context: AdapterContext, bot: User, nursery: trio.Nursery
    ) -> None:
        self._scope = scope
        self._api = api
        self._context = context
        self._bot = bot
        self._nursery = nursery
        self._presses = trio.Semaphore(MOST_PRESSES)
        self.next_update: int | None = None

    async def take(self, updates: Sequence[msgspec.Raw]) -> None:
        """Hand updates over, oldest first; messages that follow each other go together.

        Raises:
            HermesTrioError: The core could not keep messages. What came before them is done with, and
                ``next_update`` says so.

        Cancellation: likewise.
        """
        waiting: list[InboundMessage] = []
        reached = self.next_update
        for raw in updates:
            number, update = self._read(raw)
            message = self._message_of(update) if update is not None else None
            if message is not None:
                waiting.append(message)
            elif update is not None and _is_event(update):
                await self._flush(waiting, reached)
                await self._handle(update)
            reached = reached if number is None else number + 1
        await self._flush(waiting, reached)

    async def _flush(self, waiting: list[InboundMessage], reached: int | None) -> None:
        if waiting:
            await self._context.receive(tuple(waiting))
            waiting.clear()
        self.next_update = reached

    def _read(self, raw: msgspec.Raw) -> tuple[int | None, Update | None]:
        """An update and its number; one that cannot be read is logged and passed over, or nothing would follow it."""
        try:
            update = msgspec.json.decode(raw, type=Update)
        except _UNREADABLE as exc:
            number = _number_of(raw)
            self._scope.log.warning(
                "an update of Telegram's cannot be read and is left out", update=number, why=str(exc)
            )
            return number, None
        return update.update_id, update

    def _message_of(self, update: Update) -> InboundMessage | None:
        edited = update.edited_message or update.edited_channel_post
        message = edited or update.message or update.channel_post
        if message is None:
            return None
        try:
            return parse_message(message, self._bot, is_edit=edited is not None)
        except _UNREADABLE as exc:
            self._scope.log.warning(
                "a message cannot be understood and is left out",
                chat=message.chat.id,
                number=message.message_id,
                why=f"{type(exc).__name__}: {exc}",
            )
            return None

    async def _handle(self, update: Update) -> None:
        """Deal with what is no message."""
        if update.callback_query is not None:
            await self._presses.acquire()
            self._nursery.start_soon(self._press, update.callback_query, name="telegram press")
        elif update.message is not None:
            await self._migrate(update.message)
        elif update.my_chat_member is not None:
            change = update.my_chat_member
            status = change.new_chat_member.status
            self._scope.log.info("the bot's standing in a chat has changed", chat=change.chat.id, now=status)

    async def _migrate(self, message: Message) -> None:
        if message.migrate_to_chat_id is not None:
            await self._context.migrate(str(message.chat.id), str(message.migrate_to_chat_id))
        elif message.migrate_from_chat_id is not None:
            await self._context.migrate(str(message.migrate_from_chat_id), str(message.chat.id))

    async def _press(self, query: CallbackQuery) -> None:
        """Hand a press over and answer it, whatever comes of it: until then whoever pressed sees a wheel turning."""
        try:
            notice = ""
            with trio.move_on_after(PRESS_SECONDS):
                notice = await self._press_in_core(query)
            await self._answer(query, notice)
        finally:
            self._presses.release()

    async def _press_in_core(self, query: CallbackQuery) -> str:
        press = parse_press(query)
        if press is None:
            return "This button does nothing any more."
        try:
            return await self._context.press(press)
        except HermesTrioError as exc:
            self._scope.log.warning("a press of a button failed", why=str(exc))
            return "That did not work."

    async def _answer(self, query: CallbackQuery, notice: str) -> None:
        parameters = {"callback_query_id": query.id, "text": notice[:LONGEST_NOTICE] or None}
        try:
            await self._api.call("answerCallbackQuery", parameters, bool)
        except AdapterError as exc:
            self._scope.log.warning("a press of a button could not be answered", why=str(exc))


def _is_event(update: Update) -> bool:
    message = update.message
    moved = message is not None and (message.migrate_to_chat_id or message.migrate_from_chat_id)
    return bool(moved) or update.callback_query is not None or update.my_chat_member is not None


def _number_of(raw: msgspec.Raw) -> int | None:
    try:
        return msgspec.json.decode(raw, type=UpdateNumber).update_id
    except (msgspec.MsgspecError, RecursionError):
        return None
