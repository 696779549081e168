"""What the fake Telegram is made of: accounts, chats, messages, files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import msgspec

from hermes_trio.testing.telegram.entities import RichText

Json: TypeAlias = dict[str, object]
"""An object as the Bot API sends it."""

Button: TypeAlias = Mapping[str, object]


class ChatKind(StrEnum):
    """Type of a chat."""

    PRIVATE = "private"
    GROUP = "group"
    SUPERGROUP = "supergroup"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Account:
    """A person or a bot, as others see it.

    Attributes:
        id: Number of the account.
        first_name: First name.
        username: Without the ``@``; empty if there is none.
        is_bot: Whether it is a bot.
        language: ``language_code`` of a person.
    """

    id: int
    first_name: str
    username: str = ""
    is_bot: bool = False
    language: str = ""

    def as_json(self) -> Json:
        """A ``User``."""
        body: Json = {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name}
        if self.username:
            body["username"] = self.username
        if self.language:
            body["language_code"] = self.language
        return body


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on the fake's servers.

    Attributes:
        file_id: What bots send and ask by.
        unique_id: ``file_unique_id``.
        path: ``file_path`` below the file address.
        name: ``file_name``; empty where the kind of file has none.
        mime_type: As told by the sender.
        content: Its bytes.
        size: Told size in bytes; differs from the content's only where a test wants a huge file cheaply.
    """

    file_id: str
    unique_id: str
    path: str
    name: str
    mime_type: str
    content: bytes = field(repr=False)
    size: int

    def as_json(self) -> Json:
        """The fields that all kinds of files share."""
        body: Json = {"file_id": self.file_id, "file_unique_id": self.unique_id, "file_size": self.size}
        if self.name:
            body["file_name"] = self.name
        if self.mime_type:
            body["mime_type"] = self.mime_type
        return body


@dataclass(eq=False, slots=True)
class Chat:
    """A chat. A private chat belongs to one person and one bot; its id is the person's.

    Attributes:
        id: ``chat_id``.
        kind: Its type.
        next_number: Gives the next ``message_id``; private chats of one bot share it.
        title: Title of a group or channel.
        username: Public name, without the ``@``.
        person: The other side of a private chat.
        forum: Whether a supergroup has topics.
        members: Ids of the bots in it.
        kicked: Ids of bots that were thrown out, or blocked by the person.
        topics: Names of topics by ``message_thread_id``.
        migrated_to: Id of the supergroup a group has become.
        messages: Messages by number; deleted ones stay, marked.
    """

    id: int
    kind: ChatKind
    next_number: Callable[[], int]
    title: str = ""
    username: str = ""
    person: Account | None = None
    forum: bool = False
    members: set[int] = field(default_factory=set)
    kicked: set[int] = field(default_factory=set)
    topics: dict[int, str] = field(default_factory=dict)
    migrated_to: int | None = None
    messages: dict[int, Message] = field(default_factory=dict)

    def as_json(self) -> Json:
        """A ``Chat``."""
        body: Json = {"id": self.id, "type": str(self.kind)}
        if self.person is not None:
            person = self.person.as_json()
            return {**body, **{key: person[key] for key in ("first_name", "username") if key in person}}
        body["title"] = self.title
        if self.username:
            body["username"] = self.username
        if self.forum:
            body["is_forum"] = True
        return body

    def present(self, number: int | None) -> Message | None:
        """A message that has not been deleted."""
        message = self.messages.get(number) if number is not None else None
        return message if message is not None and not message.deleted else None


@dataclass(eq=False, slots=True)
class Message:
    """A message as it is now; edits change it.

    Attributes:
        chat: Where.
        id: ``message_id``.
        date: Seconds since the epoch.
        sender: Who; None for what people post in a channel.
        rich: Text or caption, with entities.
        media: What else is in it, e.g. ``{"photo": [...]}``; service messages have nothing but this.
        files: The files in it, largest last.
        thread: ``message_thread_id``, None outside threads and in the General topic.
        in_topic: Whether the thread is a forum topic.
        reply_to: The message it answers.
        keyboard: Its inline keyboard.
        group: ``media_group_id`` of an album.
        edit_date: When it was last edited.
        edits: Earlier texts, oldest first.
        reactions: Emoji by account id.
        deleted: Whether it is gone.
    """

    chat: Chat
    id: int
    date: int
    sender: Account | None
    rich: RichText = field(default_factory=RichText)
    media: Json = field(default_factory=dict)
    files: tuple[StoredFile, ...] = ()
    thread: int | None = None
    in_topic: bool = False
    reply_to: Message | None = None
    keyboard: tuple[tuple[Button, ...], ...] = ()
    group: str = ""
    edit_date: int | None = None
    edits: list[str] = field(default_factory=list)
    reactions: dict[int, tuple[str, ...]] = field(default_factory=dict)
    deleted: bool = False

    @property
    def text(self) -> str:
        """The text or caption."""
        return self.rich.text

    @property
    def buttons(self) -> tuple[tuple[str, ...], ...]:
        """The texts on its inline keyboard, row by row."""
        return tuple(tuple(str(button["text"]) for button in row) for row in self.keyboard)

    def as_json(self, *, nested: bool = False) -> Json:
        """A ``Message``; a nested one leaves out what it answers."""
        body: Json = {"message_id": self.id, "date": self.date, "chat": self.chat.as_json()}
        if self.sender is not None and self.chat.kind is not ChatKind.CHANNEL:
            body["from"] = self.sender.as_json()
        if self.chat.kind is ChatKind.CHANNEL:
            body["sender_chat"] = self.chat.as_json()
        if self.thread is not None:
            body["message_thread_id"] = self.thread
            if self.in_topic:
                body["is_topic_message"] = True
        if self.reply_to is not None and not nested and not self.reply_to.deleted:
            body["reply_to_message"] = self.reply_to.as_json(nested=True)
        if self.edit_date is not None:
            body["edit_date"] = self.edit_date
        if self.group:
            body["media_group_id"] = self.group
        if self.keyboard:
            body["reply_markup"] = {"inline_keyboard": [[dict(button) for button in row] for row in self.keyboard]}
        return {**body, **self.media, **self._text_json()}

    def _text_json(self) -> Json:
        if not self.rich.text:
            return {}
        text, entities = ("caption", "caption_entities") if self.media else ("text", "entities")
        body: Json = {text: self.rich.text}
        if self.rich.entities:
            body[entities] = [msgspec.to_builtins(entity) for entity in self.rich.entities]
        return body


def thread_of_answer(chat: Chat, reply_to: Message | None) -> tuple[int | None, bool]:
    """The thread a message gets by what it answers, and whether that is a forum topic.

    In supergroups even answers outside of topics make a thread, though nobody can write into it by its number.
    """
    if reply_to is None or not (reply_to.in_topic or chat.kind is ChatKind.SUPERGROUP):
        return None, False
    return reply_to.thread or reply_to.id, reply_to.in_topic
