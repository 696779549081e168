"""Sending, editing and deleting messages, chat actions, reactions, answers to pressed buttons."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.testing.telegram.answers import bad_request
from hermes_trio.testing.telegram.context import Context, Method, read_caption, read_keyboard, read_text
from hermes_trio.testing.telegram.model import Chat, ChatKind, Message, thread_of_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.testing.telegram.entities import RichText

_ACTIONS: Final = frozenset(
    [
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    ]
)
_NOT_MODIFIED: Final = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)


def make_message(context: Context, rich: RichText) -> Message:
    """A new message of the bot, in the chat, thread and place the call names; not yet in its chat.

    Raises:
        ApiRefusal: There is no such chat, thread or message to answer, or the keyboard is wrong.
    """
    chat = context.chat(writing=True)
    keyboard = read_keyboard(context.call)
    reply_to = _reply_to(context, chat)
    thread, in_topic = _thread(chat, context.call.integer("message_thread_id"), reply_to)
    return Message(
        chat=chat,
        id=chat.next_number(),
        date=context.state.now(),
        sender=context.bot.account,
        rich=rich,
        thread=thread,
        in_topic=in_topic,
        reply_to=reply_to,
        keyboard=keyboard,
    )


def _reply_to(context: Context, chat: Chat) -> Message | None:
    call = context.call
    given = call.json("reply_parameters", "reply parameters")
    wanted: Mapping[str, object] = given if isinstance(given, dict) else {}
    number = wanted.get("message_id", call.integer("reply_to_message_id"))
    message = chat.present(number if isinstance(number, int) else None)
    lenient = wanted.get("allow_sending_without_reply") or call.flag("allow_sending_without_reply")
    if number and message is None and not lenient:
        raise bad_request("message to be replied not found")
    return message


def _thread(chat: Chat, asked: int, reply_to: Message | None) -> tuple[int | None, bool]:
    """The thread of a new message, and whether it is a forum topic."""
    if asked and asked not in chat.topics:  # the General topic, 1, and threads of answers are not to be named either
        raise bad_request("message thread not found")
    return (asked, True) if asked else thread_of_answer(chat, reply_to)


def send_message(context: Context) -> object:
    """``sendMessage``."""
    message = context.state.add_message(make_message(context, read_text(context.call)))
    context.record(message.chat, message)
    return message.as_json()


def _own_message(context: Context, chat: Chat) -> Message:
    message = chat.present(context.call.integer("message_id"))
    if message is None:
        raise bad_request("message to edit not found")
    if message.sender != context.bot.account:
        raise bad_request("message can't be edited")
    return message


def _edit(context: Context, message: Message, rich: RichText) -> object:
    keyboard = read_keyboard(context.call)
    if (message.rich, message.keyboard) == (rich, keyboard):
        raise bad_request(_NOT_MODIFIED)
    if message.rich != rich:
        message.edits.append(message.text)
        message.edit_date = context.state.now()
    message.rich, message.keyboard = rich, keyboard
    context.record(message.chat, message)
    return message.as_json()


def edit_message_text(context: Context) -> object:
    """``editMessageText``; like the real one it takes the keyboard away unless it is sent again."""
    rich = read_text(context.call)
    message = _own_message(context, context.chat(writing=True))
    if message.media:
        raise bad_request("there is no text in the message to edit")
    return _edit(context, message, rich)


def edit_message_caption(context: Context) -> object:
    """``editMessageCaption``."""
    rich = read_caption(context.call)
    message = _own_message(context, context.chat(writing=True))
    if not message.media:
        raise bad_request("there is no caption in the message to edit")
    return _edit(context, message, rich)


def edit_message_reply_markup(context: Context) -> object:
    """``editMessageReplyMarkup``."""
    message = _own_message(context, context.chat(writing=True))
    return _edit(context, message, message.rich)


def delete_message(context: Context) -> object:
    """``deleteMessage``: the bot's own messages anywhere, those of others in private chats."""
    chat = context.chat(writing=True)
    message = chat.present(context.call.integer("message_id"))
    if message is None:
        raise bad_request("message to delete not found")
    if message.sender != context.bot.account and chat.kind is not ChatKind.PRIVATE:
        raise bad_request("message can't be deleted")
    message.deleted = True
    context.record(chat, message)
    return True


def send_chat_action(context: Context) -> object:
    """``sendChatAction``; unlike messages it may name the General topic."""
    chat = context.chat(writing=True)
    action = context.call.text("action")
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    thread = context.call.integer("message_thread_id")
    if thread > 1 and thread not in chat.topics:
        raise bad_request("message thread not found")
    context.record(chat, text=action)
    return True


def set_message_reaction(context: Context) -> object:
    """``setMessageReaction``; only emoji, at most one of them, as for bots without a subscription."""
    chat = context.chat(writing=True)
    message = chat.present(context.call.integer("message_id"))
    if message is None:
        raise bad_request("message to react not found")
    given = context.call.json("reaction", "reaction types")
    wanted = given if isinstance(given, list) else []
    emoji = tuple(str(each.get("emoji", "")) for each in wanted if isinstance(each, dict))
    if len(emoji) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    message.reactions[context.bot.account.id] = emoji
    context.record(chat, message, text="".join(emoji))
    return True


def answer_callback_query(context: Context) -> object:
    """``answerCallbackQuery``."""
    query = context.state.queries.get(context.call.text("callback_query_id"))
    if query is None or query.token != context.bot.token or query.answered.is_set():
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    query.answer.update(context.call.values)
    query.answered.set()
    context.record(text=context.call.text("text"))
    return True


MESSAGE_METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "sendMessage": send_message,
        "editMessageText": edit_message_text,
        "editMessageCaption": edit_message_caption,
        "editMessageReplyMarkup": edit_message_reply_markup,
        "deleteMessage": delete_message,
        "sendChatAction": send_chat_action,
        "setMessageReaction": set_message_reaction,
        "answerCallbackQuery": answer_callback_query,
    }
)
