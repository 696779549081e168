"""A message that is safe in the inbox, and its form there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from hermes_trio.adapter_api.messages import InboundMessage  # noqa: TC001  read at run time by the decoder
from hermes_trio.gateway.errand import Errand  # noqa: TC001  likewise
from hermes_trio.store.inbox import NewInboxRow
from hermes_trio.turns.commands.parsing import parse_command

if TYPE_CHECKING:
    from hermes_trio.store.inbox import InboxRow
    from hermes_trio.turns.commands.parsing import ParsedCommand


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that a profile has to answer.

    Attributes:
        row_id: Its row in the inbox of the runtime profile.
        transport_profile: Whose bot received it, and answers.
        session_key: The conversation it belongs to.
        message: The message.
        internal: Whether nobody wrote it: it tells the agent of something, e.g. that a process has ended.
        attempts: How many turns have begun to answer it before; at least one if any has.
        begun: Of messages that were to be answered together, and are again: the same time in seconds since the epoch;
            else 0.
        errand: What is different when nobody in a chat has asked, or None.
    """

    row_id: int
    transport_profile: str
    session_key: str
    message: InboundMessage
    internal: bool = False
    attempts: int = 0
    begun: float = 0.0
    errand: Errand | None = None

    @property
    def command(self) -> ParsedCommand | None:
        """The slash command that it gives, or None; what nobody wrote gives none."""
        return None if self.internal else parse_command(self.message.text)


class _Stored(msgspec.Struct, frozen=True, omit_defaults=True):
    message: InboundMessage
    internal: bool = False
    errand: Errand | None = None


def new_row(
    message: InboundMessage,
    transport_profile: str,
    session_key: str,
    *,
    internal: bool = False,
    errand: Errand | None = None,
) -> NewInboxRow:
    """The row with which a message goes into the inbox of the runtime profile."""
    source = message.source
    return NewInboxRow(
        transport_profile=transport_profile,
        platform=source.platform,
        chat_id=source.chat_id or source.user_id or "",
        thread_id=source.thread_id,
        message_id=message.message_id,
        session_key=session_key,
        message=msgspec.json.encode(_Stored(message, internal, errand)).decode(),
    )


def decode_row(row: InboxRow) -> Accepted:
    """The message of a row.

    Raises:
        ValueError: It cannot be read.
    """
    stored = msgspec.json.decode(row.message, type=_Stored)
    return Accepted(
        row.id,
        row.transport_profile,
        row.session_key,
        stored.message,
        stored.internal,
        # An orderly end takes its attempt back, but leaves word that there was one.
        attempts=max(row.attempts, int(row.last_error is not None)),
        begun=row.updated_at if row.state == "running" else 0.0,
        errand=stored.errand,
    )
