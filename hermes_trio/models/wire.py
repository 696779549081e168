"""What a wire format has to offer to `hermes_trio.models.stream`; one file per wire format implements it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hermes_trio.models.events import ModelEvent
    from hermes_trio.models.request import ModelRequest
    from hermes_trio.models.target import ModelTarget


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


class Reader(Protocol):
    """Reads one answer, payload by payload. Pure.

    Attributes:
        finish_reason: Why the model stopped, once it said so; empty before.
        done: Whether the answer is over; nothing after it counts.
    """

    finish_reason: str
    done: bool

    def read(self, payloads: Iterable[bytes]) -> list[ModelEvent]:
        """The events in the data of some server-sent events, or in a whole answer that came as one JSON object.

        Raises:
            ModelError: ``model_bad_response`` for what is not in the format; what the provider says if it is an error.
        """
        ...

    def last_events(self) -> list[ModelEvent]:
        """What ends the answer: what is to be sent back, the usage if the provider told it, and the reason."""
        ...


@dataclass(frozen=True, slots=True)
class WireFormat:
    """A wire format over HTTP.

    Attributes:
        path: Where requests go, below the base address.
        base_ends: Beginnings of ``path`` that base addresses may already end with.
        headers: The format's own headers, the key among them.
        build_body: The request's JSON, without the parts named last.
        make_reader: Reads one answer; also gets the secrets that errors must not show.
        optional: Parts that some providers refuse, each with the words by which a refusal names it.
        lasting: Those of them that a model refuses whatever the conversation; they are not tried again.
    """

    path: str
    headers: Callable[[ModelTarget], Mapping[str, str]]
    build_body: Callable[[ModelTarget, ModelRequest, frozenset[str]], bytes]
    make_reader: Callable[[ModelTarget, Sequence[str]], Reader]
    base_ends: tuple[str, ...] = ()
    optional: tuple[tuple[str, bytes], ...] = ()
    lasting: frozenset[str] = frozenset()

    def refused_parts(self, refusal: bytes) -> frozenset[str]:
        """The optional parts that a refusal's body names."""
        return frozenset(part for part, words in self.optional if words in refusal)
