"""Where a message comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class MessageSource:
    """The place and the person a message comes from, as its platform names them; ids are always text.

    Whose bot received it is not in here: that is the transport profile's scope, which goes beside it.

    Attributes:
        platform: Platform name, e.g. ``telegram``, ``webhook``.
        chat_type: ``dm``, ``group``, ``channel``, ``thread``, ``webhook`` ...
        chat_id: The chat.
        thread_id: The thread or topic within the chat.
        user_id: Who wrote.
        user_id_alt: A second, steadier id of the same person, on platforms that have one.
        parent_chat_id: The chat that a thread with a chat id of its own belongs to.
        guild_id: The server, team or workspace of the chat.
        chat_name: The chat's name, for people.
        user_name: The writer's name, for people.
        is_bot: Whether the writer is a bot.
        roles: Roles of the writer that the adapter has accepted, on platforms that have them.
    """

    platform: str
    chat_type: str = "dm"
    chat_id: str | None = None
    thread_id: str | None = None
    user_id: str | None = None
    user_id_alt: str | None = None
    parent_chat_id: str | None = None
    guild_id: str | None = None
    chat_name: str = ""
    user_name: str = ""
    is_bot: bool = False
    roles: tuple[str, ...] = ()


def read_source(fields: Mapping[str, str]) -> MessageSource:
    """The source of a message that somebody imagines.

    Args:
        fields: ``platform``, ``type`` (a group if missing), ``chat``, ``thread``, ``user``, ``parent``, ``guild``.
    """
    return MessageSource(
        platform=fields.get("platform", ""),
        chat_type=fields.get("type") or "group",
        chat_id=fields.get("chat"),
        thread_id=fields.get("thread"),
        user_id=fields.get("user"),
        parent_chat_id=fields.get("parent"),
        guild_id=fields.get("guild"),
    )
