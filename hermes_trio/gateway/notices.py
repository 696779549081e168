"""The short texts that the gateway itself says in chats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.gateway.lane import MOST_WAITING, Notice

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXTS: Final[Mapping[Notice, str]] = {
    Notice.INTERRUPTING: "⚡ Leaving what I was doing for this.",
    Notice.QUEUED: "⏳ I will come to this next.",
    Notice.STEERED: "↪️ I will take this into account.",
    Notice.FULL: f"🚫 {MOST_WAITING} messages wait already; this one was not taken. `/stop` drops them.",
    Notice.NOT_WHILE_BUSY: "⏳ Not while I am working. `/stop` ends that.",
    Notice.PUT_ASIDE: "⚠️ I was interrupted by this message time and again and have put it aside.",
    Notice.RESTARTED: "✅ I am back.",
    Notice.COMMAND_CUT_OFF: "⚠️ I was stopped in the middle of this command. Give it again if it was not done.",
    Notice.INTERRUPTED: "⚠️ I was stopped while I worked on this, long ago. Say it again if you still want it.",
}


def notice_text(notice: Notice) -> str:
    """The words for a notice, in Markdown."""
    return _TEXTS[notice]
