"""What a Bot API method gets: the state, the bot, the call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
import trio

from hermes_trio.testing.telegram.answers import bad_request
from hermes_trio.testing.telegram.entities import Entity, RichText, in_order, trimmed, utf16_length, with_found_entities
from hermes_trio.testing.telegram.html_markup import parse_html
from hermes_trio.testing.telegram.markdown_markup import parse_markdown
from hermes_trio.testing.telegram.sent import Sent

if TYPE_CHECKING:
    from hermes_trio.testing.telegram.call import Call
    from hermes_trio.testing.telegram.model import Button, Chat, Message
    from hermes_trio.testing.telegram.state import BotState, TelegramState

LONGEST_TEXT: Final = 4096
LONGEST_CAPTION: Final = 1024
LONGEST_CALLBACK_DATA: Final = 64


@dataclass(frozen=True, slots=True)
class Context:
    """One call being answered.

    Attributes:
        state: Everything.
        bot: Who calls.
        call: What it wants.
    """

    state: TelegramState
    bot: BotState
    call: Call

    def chat(self, *, writing: bool = False) -> Chat:
        """The chat of the call; see `TelegramState.chat_for`."""
        return self.state.chat_for(self.bot, self.call.text("chat_id"), writing=writing)

    def record(self, chat: Chat | None = None, message: Message | None = None, text: str = "") -> None:
        """Write the call into the log, with the message it made or changed."""
        sent = Sent(
            index=len(self.state.sent),
            time=trio.current_time(),
            date=self.state.clock.now(),
            token=self.bot.token,
            method=self.call.method,
            chat_id=None if chat is None else chat.id,
            thread=self.call.integer("message_thread_id") or None,
            text=text,
            parse_mode=self.call.text("parse_mode"),
            values=self.call.values,
        )
        self.state.log(sent if message is None else _about(message, sent))


def _about(message: Message, sent: Sent) -> Sent:
    return replace(
        sent,
        thread=message.thread,
        text=sent.text or message.text,
        entities=message.rich.entities,
        buttons=message.buttons,
        reply_to=None if message.reply_to is None else message.reply_to.id,
        message_id=message.id,
        message=message,
    )


Method: TypeAlias = Callable[[Context], object]
"""Answers a call; what it returns is the ``result``. Raises `ApiRefusal`."""


def read_text(call: Call) -> RichText:
    """The text of a message.

    Raises:
        ApiRefusal: Empty, too long, or its markup is wrong.
    """
    rich = _read_rich(call, "text", "entities")
    if not rich.text:
        raise bad_request("message text is empty")
    if utf16_length(rich.text) > LONGEST_TEXT:
        raise bad_request("message is too long")
    return rich


def read_caption(call: Call) -> RichText:
    """The caption of a message with media; may be empty.

    Raises:
        ApiRefusal: Too long, or its markup is wrong.
    """
    rich = _read_rich(call, "caption", "caption_entities")
    if utf16_length(rich.text) > LONGEST_CAPTION:
        raise bad_request("message caption is too long")
    return rich


def _read_rich(call: Call, name: str, entities_name: str) -> RichText:
    source, mode = call.text(name), call.text("parse_mode").lower()
    if mode == "html":
        rich = parse_html(source)
    elif mode == "markdownv2":
        rich = parse_markdown(source)
    elif mode:
        raise bad_request("unsupported parse_mode")
    else:
        rich = RichText(source, in_order(_read_entities(call, entities_name)))
    return with_found_entities(trimmed(rich))


def _read_entities(call: Call, name: str) -> list[Entity]:
    given = call.json(name, "entities")
    try:
        return msgspec.convert(given or [], list[Entity])
    except msgspec.ValidationError as exc:
        raise bad_request("can't parse entities JSON object") from exc


def read_keyboard(call: Call) -> tuple[tuple[Button, ...], ...]:
    """The inline keyboard of a call; empty when there is none, or one of the other kinds of keyboard.

    Raises:
        ApiRefusal: It is not built as it should be.
    """
    markup = call.json("reply_markup", "reply markup")
    if markup is None:
        return ()
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    rows = markup.get("inline_keyboard", [])
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request('field "inline_keyboard" must be of type Array of Arrays')
    return tuple(tuple(_read_button(button) for button in row) for row in rows if row)


def _read_button(button: object) -> Button:
    if not isinstance(button, dict) or not isinstance(button.get("text"), str):
        raise bad_request('can\'t parse inline keyboard button: field "text" must be of type String')
    if len(button) < 2:
        raise bad_request("text buttons are unallowed in the inline keyboard")
    data = button.get("callback_data")
    if data is not None and not 1 <= len(str(data).encode()) <= LONGEST_CALLBACK_DATA:
        raise bad_request("BUTTON_DATA_INVALID")
    return button
