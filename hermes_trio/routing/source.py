"""Where a message comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MessageSource:
    """The place and the person a message comes from, as its platform names them.

    Attributes:
        platform: Platform name, e.g. ``telegram``, ``webhook``.
        chat_type: ``dm``, ``group``, ``channel``, ``thread``, ``webhook`` ...
        chat_id: The chat.
        thread_id: The thread or topic within the chat.
        user_id: Who wrote.
        user_id_alt: A second, steadier id of the same person, on platforms that have one.
    """

    platform: str
    chat_type: str = "dm"
    chat_id: str | None = None
    thread_id: str | None = None
    user_id: str | None = None
    user_id_alt: str | None = None
