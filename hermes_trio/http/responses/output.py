"""Gathers the output items of a response from the events of its turn, and says what changes with each."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from hermes_trio.http.responses.objects import (
    FunctionCall,
    FunctionCallOutput,
    InputText,
    OutputItem,
    OutputMessage,
    OutputText,
)
from hermes_trio.http.responses.talk import Talk
from hermes_trio.models.events import TextDelta
from hermes_trio.turns.events import ToolFinished, ToolStarted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hermes_trio.http.responses.objects import ResponseObject
    from hermes_trio.store.messages import StoredMessage
    from hermes_trio.turns.events import TurnEvent


@dataclass(frozen=True, slots=True)
class Begun:
    """The response has begun."""

    response: ResponseObject


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """An item begins."""

    index: int
    item: OutputItem


class TextAdded(msgspec.Struct, frozen=True, gc=False):
    """A message that has begun goes on."""

    index: int
    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ItemDone:
    """An item is complete."""

    index: int
    item: OutputItem


OutputChange = Begun | ItemAdded | TextAdded | ItemDone


class ResponseOutput:
    """The output of one response, while it comes into being."""

    def __init__(self) -> None:
        self._items: list[OutputItem] = []
        self._text: list[str] | None = None
        self._call_ids: dict[str, str] = {}
        self._used_ids: set[str] = set()

    def take(self, events: Sequence[TurnEvent]) -> list[OutputChange]:
        """What changes with events that came together; nothing for those that the format cannot show."""
        changes: list[OutputChange] = []
        for event in events:
            if type(event) is TextDelta:
                changes += self._grow(event.text)
            elif type(event) is ToolStarted or type(event) is ToolFinished:
                changes += self._close_message("commentary")
                changes += self._add_call(event) if isinstance(event, ToolStarted) else self._add_output(event)
        return changes

    def finish(self, text: str) -> list[OutputChange]:
        """The turn is over.

        Args:
            text: The agent's answer; said now, if it has not been said piece by piece.
        """
        changes = [] if self._text is not None else self._grow(text)
        return changes + self._close_message("final_answer")

    @property
    def items(self) -> tuple[OutputItem, ...]:
        """All items so far; a message that was broken off says so."""
        if self._text is None:
            return tuple(self._items)
        content = (OutputText("".join(self._text)),)
        broken = OutputMessage(id=self._items[-1].id, status="incomplete", content=content)
        return (*self._items[:-1], broken)

    def messages(self, at: float) -> tuple[StoredMessage, ...]:
        """The output as history.

        Args:
            at: When it was said, in seconds since the epoch.
        """
        talk = Talk()
        for item in self._items:
            if isinstance(item, OutputMessage):
                talk.say("assistant", item.text)
            elif isinstance(item, FunctionCall):
                talk.call(item.call_id, item.name, item.arguments)
            else:
                talk.result(item.call_id, "".join(part.text for part in item.output))
        return talk.messages(at)

    def _grow(self, text: str) -> list[OutputChange]:
        changes: list[OutputChange] = []
        if self._text is None:
            self._text = []
            changes.append(self._add(OutputMessage(id=_item_id("msg"), status="in_progress")))
        self._text.append(text)
        if text:
            changes.append(TextAdded(len(self._items) - 1, self._items[-1].id, text))
        return changes

    def _close_message(self, phase: Literal["commentary", "final_answer"]) -> list[OutputChange]:
        if self._text is None:
            return []
        content = (OutputText("".join(self._text)),)
        self._text = None
        # A message is closed before anything follows it, so it is the last item.
        item = OutputMessage(id=self._items[-1].id, status="completed", content=content, phase=phase)
        self._items[-1] = item
        return [ItemDone(len(self._items) - 1, item)]

    def _add_call(self, event: ToolStarted) -> list[OutputChange]:
        item = FunctionCall(
            id=_item_id("fc"),
            status="in_progress",
            name=event.tool,
            arguments=event.arguments,
            call_id=self._new_call_id(event.call_id),
        )
        return [self._add(item), self._complete(item)]

    def _add_output(self, event: ToolFinished) -> list[OutputChange]:
        item = FunctionCallOutput(
            id=_item_id("fco"),
            status="in_progress",
            call_id=self._call_ids.get(event.call_id, event.call_id),
            output=(InputText(event.output),),
        )
        return [self._add(item), self._complete(item)]

    def _new_call_id(self, call_id: str) -> str:
        """The call's id, unlike all others of the response: some models count their calls anew in each step."""
        unlike, number = call_id, 1
        while unlike in self._used_ids:
            number += 1
            unlike = f"{call_id}_{number}"
        self._used_ids.add(unlike)
        self._call_ids[call_id] = unlike
        return unlike

    def _add(self, item: OutputItem) -> ItemAdded:
        self._items.append(item)
        return ItemAdded(len(self._items) - 1, item)

    def _complete(self, item: FunctionCall | FunctionCallOutput) -> ItemDone:
        done = msgspec.structs.replace(item, status="completed")
        self._items[-1] = done
        return ItemDone(len(self._items) - 1, done)


def changes_of(items: Iterable[OutputItem]) -> list[OutputChange]:
    """What a response that is complete would have said while it came into being."""
    changes: list[OutputChange] = []
    for index, item in enumerate(items):
        if isinstance(item, OutputMessage):
            begun = OutputMessage(id=item.id, status="in_progress")
            grown = [TextAdded(index, item.id, item.text)] if item.text else []
            changes += [ItemAdded(index, begun), *grown, ItemDone(index, item)]
        else:
            changes += [ItemAdded(index, msgspec.structs.replace(item, status="in_progress")), ItemDone(index, item)]
    return changes


def _item_id(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(12)}"
