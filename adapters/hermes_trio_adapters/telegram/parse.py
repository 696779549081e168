"""Telegram's updates as the core's messages and presses. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.adapter_api import Attachment, ButtonPress, InboundMessage, MediaKind, MessageSource, QuotedMessage
from hermes_trio_adapters.telegram.mentions import read_addressed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio_adapters.telegram.wire import CallbackQuery, File, Message, MessageOrigin, User

PLATFORM: Final = "telegram"
GENERAL_TOPIC: Final = "1"
_CHAT_TYPES: Final[Mapping[str, str]] = {
    "private": "dm",
    "group": "group",
    "supergroup": "group",
    "channel": "channel",
}


def parse_message(message: Message, bot: User, *, is_edit: bool = False) -> InboundMessage | None:
    """A message for the core; None for service messages, the bot's own, commands for other bots, and empty ones.

    Args:
        message: As it came.
        bot: The bot itself.
        is_edit: Whether it is a new version of one that came before.
    """
    if message.from_user is not None and message.from_user.id == bot.id:
        return None
    if is_edit and message.location is not None:
        return None  # somebody shares where they go; each step would come as an edit
    addressed = read_addressed(message.text or message.caption, message.entities or message.caption_entities, bot)
    if addressed.command_of_other:
        return None  # without privacy mode every bot of a group hears the commands for all of them
    attachments = _attachments(message)
    text = addressed.text or _described(message)
    if not text and not attachments and not addressed.us:
        return None
    if message.forward_origin is not None:
        text = f"[Forwarded from {_origin_name(message.forward_origin)}]\n{text}".rstrip()
    return InboundMessage(
        source=source_of(message, message.from_user),
        message_id=str(message.message_id),
        text=text,
        at=float(message.edit_date or message.date),
        attachments=attachments,
        quoted=_quoted(message, bot),
        album_id=message.media_group_id,
        mentions_us=addressed.us,
        mentions_other_bot=addressed.other_bot,
        is_edit=is_edit,
    )


def parse_press(query: CallbackQuery) -> ButtonPress | None:
    """A press for the core; None where the message with the button is out of reach."""
    if query.message is None or not query.data:
        return None
    # The message is the bot's own; who pressed is named by the query alone.
    source = source_of(query.message, query.from_user, pressed=True)
    return ButtonPress(source, str(query.message.message_id), query.data)


def source_of(message: Message, user: User | None, *, pressed: bool = False) -> MessageSource:
    """Where a message comes from.

    Args:
        message: The message.
        user: Who wrote it, or pressed a button below it.
        pressed: Whether it is about a press; then nobody writes in the name of a chat.
    """
    chat = message.chat
    sender = None if pressed else message.sender_chat  # an anonymous admin, or a channel
    user_id, user_name, is_bot = None, "", False
    if sender is not None:
        user_id, user_name = str(sender.id), sender.full_name
    elif user is not None:
        user_id, user_name, is_bot = str(user.id), user.full_name, user.is_bot
    return MessageSource(
        platform=PLATFORM,
        chat_type=_CHAT_TYPES.get(chat.type, "group"),
        chat_id=str(chat.id),
        thread_id=_thread_of(message),
        user_id=user_id,
        chat_name=chat.full_name,
        user_name=user_name,
        is_bot=is_bot,
    )


def _thread_of(message: Message) -> str | None:
    """The topic. Replies in groups without topics carry a thread id, too, and so do replies in a General topic."""
    if message.is_topic_message and message.message_thread_id is not None:
        # Where topics have been switched off, old messages still say that they belong to one.
        if message.chat.is_forum or message.chat.type == "private":
            return str(message.message_thread_id)
        return None
    return GENERAL_TOPIC if message.chat.is_forum else None


def _attachments(message: Message) -> tuple[Attachment, ...]:
    found: list[Attachment] = []
    if message.photo:
        largest = max(message.photo, key=lambda size: (size.width * size.height, size.file_size or 0))
        found.append(_attachment(MediaKind.PHOTO, largest, "image/jpeg"))
    named = (
        (MediaKind.VOICE, message.voice, "audio/ogg"),
        (MediaKind.AUDIO, message.audio, "audio/mpeg"),
        (MediaKind.VIDEO, message.video, "video/mp4"),
        (MediaKind.VIDEO, message.video_note, "video/mp4"),
        (MediaKind.VIDEO, message.animation, "video/mp4"),
        # An animation comes as a document as well, for clients that know no animations.
        (MediaKind.DOCUMENT, message.document if message.animation is None else None, ""),
    )
    found += [_attachment(kind, file, usual) for kind, file, usual in named if file is not None]
    return tuple(found)


def _attachment(kind: MediaKind, file: File, usual_type: str) -> Attachment:
    return Attachment(kind, file.file_id, file.file_name, file.mime_type or usual_type, file.file_size)


def _described(message: Message) -> str:
    """Contents that are no text, as text; nothing for those that are not known."""
    if message.sticker is not None:
        return message.sticker.emoji or "[sticker]"
    if message.venue is not None:
        venue = message.venue
        name = ", ".join(part for part in (venue.title, venue.address) if part)
        return f"[Place: {name} ({venue.location.latitude}, {venue.location.longitude})]"
    if message.location is not None:
        return f"[Location: {message.location.latitude}, {message.location.longitude}]"
    if message.contact is not None:
        contact = message.contact
        return f"[Contact: {f'{contact.first_name} {contact.last_name}'.strip()}, {contact.phone_number}]"
    if message.poll is not None:
        options = "".join(f"\n- {option.text}" for option in message.poll.options)
        return f"[Poll: {message.poll.question}]{options}"
    if message.dice is not None:
        return f"[{message.dice.emoji} {message.dice.value}]"
    return ""


def _quoted(message: Message, bot: User) -> QuotedMessage | None:
    quote = message.quote.text if message.quote is not None else ""
    replied = message.reply_to_message
    if replied is None:
        external = message.external_reply
        if external is None:
            return None
        name = _origin_name(external.origin) if external.origin is not None else ""
        return QuotedMessage(str(external.message_id or ""), quote, name)
    if replied.forum_topic_created is not None:
        return None  # every message of a topic replies to the one that began it
    writer = replied.sender_chat or replied.from_user
    return QuotedMessage(
        message_id=str(replied.message_id),
        text=quote or replied.text or replied.caption or _described(replied) or _kinds(replied),
        user_name=writer.full_name if writer is not None else "",
        is_ours=replied.from_user is not None and replied.from_user.id == bot.id,
    )


def _kinds(message: Message) -> str:
    return " ".join(f"[{attachment.kind}]" for attachment in _attachments(message))


def _origin_name(origin: MessageOrigin) -> str:
    """Who wrote a forwarded message; people may hide all but their name."""
    chat = origin.chat or origin.sender_chat
    if origin.sender_user is not None:
        return origin.sender_user.full_name
    return origin.sender_user_name or (chat.full_name if chat is not None else "") or "somebody"
