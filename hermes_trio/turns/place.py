"""Where a message came from and its answer belongs, as far as a turn has to know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A place on a platform; what it does not have is empty.

    Attributes:
        chat_id: The chat.
        chat_type: ``dm``, ``group``, ``channel``, ``thread`` ...
        thread_id: The thread or topic in the chat.
        chat_name: What people call the chat.
        user_name: What people call whoever wrote the message.
        message_id: The platform's id of the message.
        transport_profile: The profile whose bot received the message.
    """

    chat_id: str = ""
    chat_type: str = ""
    thread_id: str = ""
    chat_name: str = ""
    user_name: str = ""
    message_id: str = ""
    transport_profile: str = ""


NOWHERE = Place()
