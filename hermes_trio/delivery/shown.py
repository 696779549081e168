"""Messages in a chat that change while they are shown: one call at a time, and at what pace."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

import trio

from hermes_trio.adapter_api.errors import AdapterError, MarkupRefused, NotModified, RateLimited

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermes_trio.adapter_api.outgoing import OutgoingText, SentMessage, Target

#: After so many failures nothing is changed any more until the end.
MOST_FAILURES: Final = 3
_LONGEST_BACKOFF: Final = 60.0


class Sender(Protocol):
    """The adapter of the transport profile, as the gateway gives it; every method may raise `AdapterError`."""

    async def send(self, target: Target, text: OutgoingText) -> SentMessage:
        """Send a message."""
        ...

    async def edit(self, target: Target, message_id: str, text: OutgoingText) -> None:
        """Replace a sent message."""
        ...

    async def delete(self, target: Target, message_id: str) -> None:
        """Delete a sent message."""
        ...


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message as the chat shows it.

    Attributes:
        message_id: The platform's id.
        text: What it was told to show last.
    """

    message_id: str
    text: OutgoingText


class ShownMessages:
    """A row of messages of one chat.

    Attributes:
        messages: Those that are shown, oldest first.
    """

    def __init__(self, sender: Sender, target: Target) -> None:
        self.messages: list[ShownMessage] = []
        self._sender = sender
        self._target = target

    def first_difference(self, wished: Sequence[OutgoingText]) -> int | None:
        """Index of the first message that does not show what it should; None when all do and none is too many."""
        for index, text in enumerate(wished):
            if index >= len(self.messages) or not _is_same(self.messages[index].text, text):
                return index
        return len(wished) if len(self.messages) > len(wished) else None

    async def step(self, wished: Sequence[OutgoingText]) -> bool:
        """Make one call that brings the messages nearer to what they should show; whether there was one to make.

        Raises:
            AdapterError: The platform failed or refused; nothing has changed as far as is known.

        Cancellation: the call may have had its effect.
        """
        index = self.first_difference(wished)
        if index is None:
            return False
        if index >= len(wished):
            await self.delete_last()
        elif index < len(self.messages):
            await self._edit(index, wished[index])
        else:
            await self._send(wished[index])
        return True

    async def delete_last(self) -> None:
        """Delete the last message; it is forgotten also when that fails."""
        message = self.messages.pop()
        await self._sender.delete(self._target, message.message_id)

    async def _send(self, text: OutgoingText) -> None:
        try:
            sent = await self._sender.send(self._target, text)
        except MarkupRefused:
            sent = await self._sender.send(self._target, replace(text, formatted=None))
        self.messages.append(ShownMessage(sent.message_id, text))

    async def _edit(self, index: int, text: OutgoingText) -> None:
        message_id = self.messages[index].message_id
        try:
            await self._edit_once(message_id, text)
        except MarkupRefused:
            await self._edit_once(message_id, replace(text, formatted=None))
        self.messages[index] = ShownMessage(message_id, text)

    async def _edit_once(self, message_id: str, text: OutgoingText) -> None:
        try:
            await self._sender.edit(self._target, message_id, text)
        except NotModified:
            return


class Pace:
    """When the next change may be made; slows down when the platform asks for it, and gives up in the end.

    Args:
        interval: Seconds between two changes; half of it when much is new.
    """

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self.failures = 0
        self._last = -math.inf
        self._not_before = -math.inf

    @property
    def is_over(self) -> bool:
        """Whether nothing is to be changed any more."""
        return self.failures >= MOST_FAILURES

    def stop(self) -> None:
        """Change nothing any more."""
        self.failures = MOST_FAILURES

    def made_change(self) -> None:
        """A call has come back."""
        self._last = trio.current_time()

    def failed(self, error: AdapterError) -> None:
        """A call has failed; one that can never succeed, or may have succeeded, ends it all."""
        self._last = trio.current_time()
        self.failures += 1
        if not error.retryable or error.may_have_arrived:
            self.stop()
        backoff = self.interval * 2**self.failures
        if isinstance(error, RateLimited) and error.retry_after is not None:
            backoff = max(backoff, error.retry_after)
        self._not_before = self._last + min(backoff, _LONGEST_BACKOFF)

    def due(self, *, much_is_new: bool) -> float:
        """When the next change may be made, on trio's clock."""
        interval = self.interval / 2 if much_is_new else self.interval
        return max(self._last + interval, self._not_before)


def _is_same(shown: OutgoingText, wished: OutgoingText) -> bool:
    """What a message quotes cannot be changed, and how it is sent does not show."""
    return (shown.text, shown.formatted, shown.buttons) == (wished.text, wished.formatted, wished.buttons)


async def pause(due: Callable[[], float], wake: Callable[[], trio.Event]) -> None:
    """Wait until the next change may be made.

    Args:
        due: When that is, on trio's clock.
        wake: Gives a new event that is set when ``due`` may give another answer.
    """
    while True:
        event = wake()
        if trio.current_time() >= due():
            return
        with trio.move_on_at(due()):
            await event.wait()
