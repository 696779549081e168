"""What goes out but files: messages, edits, deletions, typing, reactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.adapter_api import Refused, SentMessage
from hermes_trio_adapters.telegram.parse import GENERAL_TOPIC
from hermes_trio_adapters.telegram.wire import SentId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.adapter_api import Button, OutgoingText, Target
    from hermes_trio_adapters.telegram.client import BotApi

Parameters = dict[str, object]
"""Parameters of a method; those that are None are left out."""

HTML: Final = "HTML"


async def send_text(api: BotApi, target: Target, text: OutgoingText, *, previews: bool) -> SentMessage:
    """Send a message.

    Raises:
        AdapterError: See `BotApi.call`.
    """
    parameters = {
        **place(target),
        **reply(text.reply_to),
        **words(text, "text"),
        **_previews(shown=previews),
        "reply_markup": keyboard(text.buttons),
        "disable_notification": True if text.silent else None,
    }
    sent = await api.call("sendMessage", parameters, SentId)
    return SentMessage(str(sent.message_id))


async def edit_text(api: BotApi, target: Target, message_id: str, text: OutgoingText, *, previews: bool) -> None:
    """Replace a message's text and buttons; without buttons the old ones go.

    Raises:
        AdapterError: See `BotApi.call`.
    """
    parameters = {
        "chat_id": target.chat_id,
        "message_id": number(message_id),
        **words(text, "text"),
        **_previews(shown=previews),
        "reply_markup": keyboard(text.buttons),
    }
    await api.call("editMessageText", parameters, object)


async def delete_message(api: BotApi, target: Target, message_id: str) -> None:
    """Delete a message; one that is gone is fine.

    Raises:
        AdapterError: See `BotApi.call`.
    """
    try:
        await api.call("deleteMessage", {"chat_id": target.chat_id, "message_id": number(message_id)}, bool)
    except Refused as exc:
        if "message to delete not found" not in exc.problem.lower():
            raise


async def show_typing(api: BotApi, target: Target) -> None:
    """Show for some seconds that the bot is writing.

    Raises:
        AdapterError: See `BotApi.call`.
    """
    # Unlike a message this has to name the General topic, or nobody sees it there.
    where = {"chat_id": target.chat_id, "message_thread_id": number(target.thread_id or None)}
    await api.call("sendChatAction", {**where, "action": "typing"}, bool)


async def set_reaction(api: BotApi, target: Target, message_id: str, reaction: str) -> None:
    """Put the bot's reaction to a message, or take it back.

    Raises:
        AdapterError: See `BotApi.call`; Telegram allows a short list of emoji only.
    """
    reactions = [{"type": "emoji", "emoji": reaction}] if reaction else []
    parameters = {"chat_id": target.chat_id, "message_id": number(message_id), "reaction": reactions}
    await api.call("setMessageReaction", parameters, bool)


def place(target: Target) -> Parameters:
    """Chat and topic. The General topic must not be named: Telegram does not find it by its number."""
    thread = None if target.thread_id in (None, "", GENERAL_TOPIC) else number(target.thread_id)
    return {"chat_id": target.chat_id, "message_thread_id": thread}


def reply(message_id: str | None) -> Parameters:
    """What a message answers; it is sent all the same if that is gone."""
    if message_id is None or not message_id.isdecimal():
        return {}
    return {"reply_parameters": {"message_id": int(message_id), "allow_sending_without_reply": True}}


def words(text: OutgoingText, name: str) -> Parameters:
    """The text, with markup where there is any.

    Args:
        text: The text.
        name: What the method calls it: ``text`` or ``caption``.
    """
    if text.formatted is None:
        return {name: text.text}
    return {name: text.formatted, "parse_mode": HTML}


def keyboard(rows: Sequence[Sequence[Button]]) -> Parameters | None:
    """Buttons below a message."""
    if not rows:
        return None
    return {"inline_keyboard": [[{"text": each.label, "callback_data": each.data} for each in row] for row in rows]}


def number(value: str | None) -> int | None:
    """A Telegram number from the text that the core keeps.

    Raises:
        Refused: It is none, so it cannot have come from Telegram.
    """
    if value is None:
        return None
    try:
        return int(value)
    except ValueError as exc:
        raise Refused("not a number of Telegram's", found=repr(value)) from exc


def _previews(*, shown: bool) -> Parameters:
    return {} if shown else {"link_preview_options": {"is_disabled": True}}
