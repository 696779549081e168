"""Asks a model and streams its answer: the main model with retries, then the fallbacks."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from hermes_trio.models.events import ModelEvent
    from hermes_trio.models.request import ModelRequest
    from hermes_trio.models.target import ModelTarget
    from hermes_trio.scope import ProfileScope


class ModelStream:
    """The answer of a model while it comes: an async iterator of batches of events.

    Attributes:
        target: The model that answers now; changes when a fallback takes over before any text came.
        attempts: How many requests have been begun.
    """

    target: ModelTarget
    attempts: int

    def __aiter__(self) -> ModelStream:
        return self

    async def __anext__(self) -> Sequence[ModelEvent]:
        """The next events, never none; all that one read from the network brought are together."""
        raise NotImplementedError


@asynccontextmanager
async def open_stream(scope: ProfileScope, request: ModelRequest) -> AsyncIterator[ModelStream]:
    """Ask the profile's model."""
    raise NotImplementedError
    yield ModelStream()
