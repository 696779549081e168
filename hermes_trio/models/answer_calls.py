"""The tool calls of one answer while it comes: their numbers, their ids, and what is still missing. Pure."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import msgspec

from hermes_trio.models.events import ToolCallDelta


@dataclass(slots=True)
class AnswerCall:
    """One tool call so far.

    Attributes:
        index: Its number in the answer, from 0.
        id: Its id as it was handed out.
        said_id: Its id as the provider said it; empty for none.
        pieces: What came of its arguments.
    """

    index: int
    id: str
    said_id: str
    pieces: list[str] = field(default_factory=list)

    @property
    def has_arguments(self) -> bool:
        """Whether anything came of the arguments."""
        return any(self.pieces)

    def is_complete(self) -> bool:
        """Whether the arguments are a whole JSON text by now."""
        try:
            msgspec.json.decode("".join(self.pieces), type=msgspec.Raw)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return False
        return True


class AnswerCalls:
    """The tool calls of one answer. Each gets an id that no other call of the answer has."""

    __slots__ = ("calls",)

    def __init__(self) -> None:
        self.calls: list[AnswerCall] = []

    def begin(self, said_id: str, name: str, arguments: str) -> tuple[AnswerCall, ToolCallDelta]:
        """Begin a call; an id is made up where the provider gives none, or one it has given already."""
        taken = any(call.id == said_id for call in self.calls)
        call_id = f"call_{secrets.token_hex(12)}" if taken or not said_id else said_id
        call = AnswerCall(len(self.calls), call_id, said_id, [arguments])
        self.calls.append(call)
        return call, ToolCallDelta(call.index, call_id, name, arguments)

    def add(self, call: AnswerCall, arguments: str) -> ToolCallDelta:
        """The next piece of a call's arguments."""
        call.pieces.append(arguments)
        return ToolCallDelta(call.index, "", "", arguments)

    def missing_arguments(self) -> list[ToolCallDelta]:
        """Empty objects for the calls that ended without any arguments."""
        return [self.add(call, "{}") for call in self.calls if not call.has_arguments]
