"""What a wire format has to offer to `hermes_trio.models.stream`; one file per wire format implements it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.models.events import ModelEvent


class Attempt(Protocol):
    """One request to one model and its answer. Except for connecting, the deadlines are the caller's."""

    @property
    def ending(self) -> bool:
        """Whether the answer is complete except for what providers add after it (usage, end marks)."""
        ...

    async def open(self) -> None:
        """Send the request and wait for the head of the answer.

        Raises:
            ModelError: The provider could not be reached or refused.
        """
        ...

    async def receive(self) -> Sequence[ModelEvent] | None:
        """What the next read brings, or None after the end.

        Returns whenever the provider showed that it is at work, even if no event came of it. The last events of a
        good answer are ``Usage``, if there is one, and ``Finish``.

        Raises:
            ModelError: The answer broke off, is broken, or is an error.
        """
        ...

    def conclude(self) -> Sequence[ModelEvent]:
        """The last events, when the caller no longer waits for the end; only while `ending`."""
        ...

    async def close(self) -> None:
        """Give up the connection. Takes at most 2 s, also when the caller is cancelled."""
        ...
