"""Errands: turns that nobody in a chat has asked for, such as the delivery of a webhook."""

from __future__ import annotations

import msgspec


class Destination(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the words of a profile go.

    Attributes:
        transport_profile: Whose bot says them.
        platform: On which platform.
        chat_id: In which chat; of ``github_comment`` the repository.
        thread_id: The thread or topic within it, or None; of ``github_comment`` the pull request.
    """

    transport_profile: str
    platform: str
    chat_id: str
    thread_id: str | None = None

    def __str__(self) -> str:
        return ":".join(part for part in (self.platform, self.chat_id, self.thread_id) if part)


class Errand(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is different about a message that nobody in a chat has written: nobody waits, looks on or can be asked.

    Attributes:
        name: Names it in the log.
        end_reason: Why its session ends, with the turn.
        destination: Where the answer goes; None for nowhere, then it is logged.
        skills: Skills whose text goes into the prompt.
    """

    name: str
    end_reason: str
    destination: Destination | None = None
    skills: tuple[str, ...] = ()
