"""Where messages of people reach bots, and which bots hear them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.testing.telegram.entities import RichText, with_found_entities
from hermes_trio.testing.telegram.media import MEDIA_KINDS
from hermes_trio.testing.telegram.model import Account, Chat, ChatKind, Json, Message, thread_of_answer

if TYPE_CHECKING:
    from hermes_trio.testing.telegram.state import BotState, TelegramState

GENERAL_TOPIC: Final = 1
TOPIC_COLOUR: Final = 7_322_096


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file a person sends.

    Attributes:
        kind: ``photo``, ``document``, ``voice``, ``audio``, ``video``, ``animation``, ``video_note`` or ``sticker``.
        content: Its bytes.
        name: File name; empty for the usual one of its kind.
        mime_type: Empty for the usual one of its kind.
        size: Size to tell, in bytes; None for the real one.
    """

    kind: str
    content: bytes = b"content"
    name: str = ""
    mime_type: str = ""
    size: int | None = None


def attach(state: TelegramState, message: Message, attachment: Attachment) -> None:
    """Store a file and make it part of a message."""
    kind = MEDIA_KINDS[attachment.kind]
    name, mime_type = attachment.name or kind.file_name, attachment.mime_type or kind.mime_type
    file = state.add_file(kind.folder, name, mime_type, attachment.content, attachment.size)
    message.files = (file,)
    message.media = kind.describe(file)


def write(
    state: TelegramState,
    chat: Chat,
    sender: Account | None,
    text: str = "",
    *,
    thread: int | None = None,
    reply_to: Message | None = None,
    attachment: Attachment | None = None,
    media: Json | None = None,
    group: str = "",
) -> Message:
    """Put a person's message into a chat and tell the bots that hear it."""
    thread_id, in_topic = _thread(chat, thread, reply_to)
    if in_topic and reply_to is None and thread_id is not None:
        reply_to = chat.present(thread_id)  # a topic's messages answer the one that opened it
    message = Message(
        chat=chat,
        id=chat.next_number(),
        date=state.now(),
        sender=sender,
        rich=with_found_entities(RichText(text)),
        media=media or {},
        thread=thread_id,
        in_topic=in_topic,
        reply_to=reply_to,
        group=group,
    )
    if attachment is not None:
        attach(state, message, attachment)
    state.add_message(message)
    tell(state, message)
    return message


def _thread(chat: Chat, thread: int | None, reply_to: Message | None) -> tuple[int | None, bool]:
    if thread is None or (chat.forum and thread == GENERAL_TOPIC):
        return thread_of_answer(chat, reply_to)
    if thread not in chat.topics:
        raise ValueError(f"'{chat.title}' has no topic {thread}")
    return thread, True


def open_topic(state: TelegramState, chat: Chat, sender: Account, name: str) -> Message:
    """Open a topic; returns the service message whose number is the topic's."""
    number = chat.next_number()
    topic: Json = {"name": name, "icon_color": TOPIC_COLOUR}
    chat.topics[number] = name
    service = Message(
        chat, number, state.now(), sender, media={"forum_topic_created": topic}, thread=number, in_topic=True
    )
    return state.add_message(service)


def tell(state: TelegramState, message: Message, *, edited: bool = False) -> None:
    """Give a message to the bots that hear it."""
    kind = "channel_post" if message.chat.kind is ChatKind.CHANNEL else "message"
    for bot in listeners(state, message.chat):
        if bot.reads_all or message.chat.kind in (ChatKind.PRIVATE, ChatKind.CHANNEL) or _addressed(bot, message):
            bot.queue.push(f"edited_{kind}" if edited else kind, message.as_json())
    state.wake()


def listeners(state: TelegramState, chat: Chat) -> list[BotState]:
    """The bots in a chat."""
    return [bot for bot in state.bots.values() if bot.account.id in chat.members - chat.kicked]


def _addressed(bot: BotState, message: Message) -> bool:
    """Whether a bot that does not read everything gets this."""
    if message.reply_to is not None and message.reply_to.sender == bot.account:
        return True
    name = bot.account.username.lower()
    for entity in message.rich.entities:
        part = message.rich.part(entity).lower()
        if entity.type == "mention" and part == f"@{name}":
            return True
        if entity.type == "bot_command" and part.partition("@")[2] in ("", name):
            return True
    return bool(message.media) and not message.files  # service messages


def tell_member(state: TelegramState, bot: BotState, chat: Chat, by: Account, old: str, new: str) -> None:
    """Tell a bot that its own standing in a chat has changed: ``member``, ``left`` or ``kicked``."""

    def member(status: str) -> Json:
        until: Json = {"until_date": 0} if status == "kicked" else {}
        return {"user": bot.account.as_json(), "status": status, **until}

    body: Json = {"chat": chat.as_json(), "from": by.as_json(), "date": state.now()}
    bot.queue.push("my_chat_member", {**body, "old_chat_member": member(old), "new_chat_member": member(new)})
    state.wake()
