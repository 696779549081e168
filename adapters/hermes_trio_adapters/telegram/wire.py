"""The parts of the Bot API's objects that are used here; what else is in them is not looked at."""

from __future__ import annotations

import msgspec


class User(msgspec.Struct, frozen=True):
    """A person or a bot."""

    id: int
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""
    username: str = ""

    @property
    def full_name(self) -> str:
        """The name for people."""
        return f"{self.first_name} {self.last_name}".strip() or self.username or str(self.id)


class Chat(msgspec.Struct, frozen=True):
    """A chat; ``type`` is ``private``, ``group``, ``supergroup`` or ``channel``."""

    id: int
    type: str = "private"
    title: str = ""
    username: str = ""
    first_name: str = ""
    last_name: str = ""
    is_forum: bool = False

    @property
    def full_name(self) -> str:
        """The name for people."""
        return self.title or f"{self.first_name} {self.last_name}".strip() or self.username


class MessageEntity(msgspec.Struct, frozen=True):
    """Something special in a text; offset and length are in UTF-16 units."""

    type: str
    offset: int
    length: int
    url: str = ""
    user: User | None = None


class File(msgspec.Struct, frozen=True):
    """A file of any kind; each kind has some of the fields."""

    file_id: str
    file_name: str = ""
    mime_type: str = ""
    file_size: int | None = None
    file_path: str = ""
    width: int = 0
    height: int = 0
    emoji: str = ""


class Location(msgspec.Struct, frozen=True):
    """A point on the map."""

    latitude: float
    longitude: float


class Venue(msgspec.Struct, frozen=True):
    """A place with a name."""

    location: Location
    title: str = ""
    address: str = ""


class Contact(msgspec.Struct, frozen=True):
    """Somebody's telephone number."""

    phone_number: str = ""
    first_name: str = ""
    last_name: str = ""


class PollOption(msgspec.Struct, frozen=True):
    """A possible answer."""

    text: str = ""


class Poll(msgspec.Struct, frozen=True):
    """A question to all."""

    question: str = ""
    options: tuple[PollOption, ...] = ()


class Dice(msgspec.Struct, frozen=True):
    """A thrown die, or another game of chance."""

    emoji: str = ""
    value: int = 0


class TextQuote(msgspec.Struct, frozen=True):
    """The part of a message that a reply quotes."""

    text: str = ""


class MessageOrigin(msgspec.Struct, frozen=True):
    """Where a forwarded message comes from; which fields it has depends on its type."""

    sender_user: User | None = None
    sender_user_name: str = ""
    sender_chat: Chat | None = None
    chat: Chat | None = None


class ExternalReply(msgspec.Struct, frozen=True):
    """A replied-to message of another chat or topic."""

    origin: MessageOrigin | None = None
    message_id: int = 0


class Message(msgspec.Struct, frozen=True, rename={"from_user": "from"}):
    """A message; service messages have none of the contents."""

    message_id: int
    chat: Chat
    date: int = 0
    edit_date: int | None = None
    from_user: User | None = None
    sender_chat: Chat | None = None
    message_thread_id: int | None = None
    is_topic_message: bool = False
    text: str = ""
    entities: tuple[MessageEntity, ...] = ()
    caption: str = ""
    caption_entities: tuple[MessageEntity, ...] = ()
    media_group_id: str = ""
    reply_to_message: Message | None = None
    quote: TextQuote | None = None
    external_reply: ExternalReply | None = None
    forward_origin: MessageOrigin | None = None
    photo: tuple[File, ...] = ()
    voice: File | None = None
    audio: File | None = None
    video: File | None = None
    video_note: File | None = None
    animation: File | None = None
    document: File | None = None
    sticker: File | None = None
    location: Location | None = None
    venue: Venue | None = None
    contact: Contact | None = None
    poll: Poll | None = None
    dice: Dice | None = None
    forum_topic_created: object = None
    migrate_to_chat_id: int | None = None
    migrate_from_chat_id: int | None = None


class CallbackQuery(msgspec.Struct, frozen=True, rename={"from_user": "from"}):
    """A press of a button."""

    id: str
    from_user: User
    message: Message | None = None
    data: str = ""


class ChatMember(msgspec.Struct, frozen=True):
    """What somebody is in a chat."""

    status: str = ""


class ChatMemberUpdated(msgspec.Struct, frozen=True):
    """The bot itself was added, blocked, or thrown out."""

    chat: Chat
    new_chat_member: ChatMember = ChatMember()


class Update(msgspec.Struct, frozen=True):
    """Something that happened; one of the fields is there."""

    update_id: int
    message: Message | None = None
    edited_message: Message | None = None
    channel_post: Message | None = None
    edited_channel_post: Message | None = None
    callback_query: CallbackQuery | None = None
    my_chat_member: ChatMemberUpdated | None = None


class UpdateNumber(msgspec.Struct, frozen=True):
    """What is left of an update that cannot be read."""

    update_id: int


class SentId(msgspec.Struct, frozen=True):
    """What is wanted of the message that a sending method answers with."""

    message_id: int


class BotCommand(msgspec.Struct, frozen=True):
    """An entry of the command menu."""

    command: str
    description: str


class ResponseParameters(msgspec.Struct, frozen=True):
    """What a program may do about a refusal."""

    retry_after: float | None = None
    migrate_to_chat_id: int | None = None


class Answer(msgspec.Struct, frozen=True):
    """The envelope of every answer."""

    ok: bool
    result: msgspec.Raw = msgspec.Raw(b"null")
    error_code: int = 0
    description: str = ""
    parameters: ResponseParameters = ResponseParameters()
