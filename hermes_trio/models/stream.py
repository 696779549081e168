"""Asks a model and streams its answer: the main model with retries, then the fallbacks."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from hermes_trio.errors import ModelError
from hermes_trio.models import failures
from hermes_trio.models.echo import EchoAttempt
from hermes_trio.models.events import Finish, ReasoningDelta, TextDelta, ToolCallDelta
from hermes_trio.models.provider_gate import enter_gate
from hermes_trio.models.resolve import BUILTIN, resolve_targets
from hermes_trio.models.retry import may_fall_back, wait_before_retry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from hermes_trio.models.events import ModelEvent
    from hermes_trio.models.provider_gate import Seat
    from hermes_trio.models.request import ModelRequest
    from hermes_trio.models.target import ModelTarget
    from hermes_trio.models.wire import Attempt
    from hermes_trio.scope import ProfileScope

END_SECONDS = 5.0
"""How long the end of a complete answer is waited for: most providers send the usage after it."""

DRAIN_SECONDS = 0.25
"""How long the connection may take to become free for the next request, once all is known."""


@asynccontextmanager
async def open_stream(scope: ProfileScope, request: ModelRequest) -> AsyncIterator[ModelStream]:
    """Ask the profile's model; the answer, and every failure, comes while the stream is iterated.

    The model is asked again after a passing failure (``agent.api_max_retries`` attempts, back-off, ``Retry-After``),
    then the fallbacks are, but never once text or a tool call has been handed out. At the end the connection is given
    up at once.

    Raises:
        ModelError: About the settings, here: ``provider_unknown``, ``model_not_configured``. About the provider, from
            the iteration, after all retries and fallbacks: ``partial`` when text or a tool call had been handed out.
        ScopeClosed: This generation of the profile is over.
    """
    scope.check_open()
    try:
        targets = resolve_targets(scope.config, scope.secrets, request.route)
    except ModelError as error:
        error.profile = scope.name
        raise
    stream = ModelStream(scope, request, targets)
    try:
        yield stream
    finally:
        await stream.close()


class ModelStream:
    """The answer of a model while it comes: an async iterator of batches of events.

    A batch holds all events that one read from the network brought, at least one. The last one ends with ``Finish``.

    Attributes:
        target: The model that answers; a fallback may take over as long as no text came.
        attempts: Requests begun so far, over all models.
    """

    def __init__(self, scope: ProfileScope, request: ModelRequest, targets: Sequence[ModelTarget]) -> None:
        self._scope = scope
        self._request = request
        self._fallbacks = list(targets[1:])
        self._attempt: Attempt | None = None
        self._seat: Seat | None = None
        self._attempts_at_target = 0
        self._first_deadline = 0.0
        self._begun = False  # the running attempt brought text, reasoning or a tool call
        self._committed = False  # text or a tool call has been handed out
        self._finished = False  # Finish has been handed out
        self._over = False
        self.target = targets[0]
        self.attempts = 0

    def __aiter__(self) -> ModelStream:
        return self

    async def __anext__(self) -> Sequence[ModelEvent]:
        """The next batch. After a cancellation the stream can only be closed."""
        while not self._over:
            try:
                batch = await self._receive()
            except ModelError as error:
                if self._finished:
                    break  # the answer is complete; what the connection does now concerns nobody
                await self._recover(error)
                continue
            if batch:
                self._note(batch)
                return batch
            if batch is None:
                self._over = True
        self._over = True
        await self.close()
        raise StopAsyncIteration

    async def close(self) -> None:
        """Give up the running request, if there is one. Takes at most 2 s, also when cancelled."""
        await self._end_attempt(None)

    async def _end_attempt(self, error: ModelError | None) -> None:
        attempt, self._attempt = self._attempt, None
        seat, self._seat = self._seat, None
        try:
            if attempt is not None:
                await attempt.close()
        finally:
            if seat is not None:
                seat.leave(error, complete=self._finished)

    async def _receive(self) -> Sequence[ModelEvent] | None:
        """What the provider sends next, within the deadline that holds now."""
        attempt = self._attempt
        opened = attempt is not None
        if attempt is None:
            self._seat = await enter_gate(self._scope.shared.provider_gate, self.target)
            attempt = self._begin_attempt()
        with trio.CancelScope(deadline=self._deadline(attempt)):
            if not opened:
                await attempt.open()
            return await attempt.receive()
        if self._finished or attempt.ending:
            self._over = True
            return () if self._finished else attempt.conclude()
        raise self._too_late()

    def _begin_attempt(self) -> Attempt:
        attempt = make_attempt(self._scope, self.target, self._request)
        self._attempt = attempt
        self.attempts += 1
        self._attempts_at_target += 1
        self._begun = False
        self._first_deadline = trio.current_time() + self.target.timeouts.first_token
        return attempt

    def _deadline(self, attempt: Attempt) -> float:
        if self._finished:
            return trio.current_time() + DRAIN_SECONDS
        if attempt.ending:
            return trio.current_time() + END_SECONDS
        if self._begun:
            return trio.current_time() + self.target.timeouts.between_tokens
        return self._first_deadline

    def _too_late(self) -> ModelError:
        timeouts = self.target.timeouts
        if self._begun:
            return failures.timed_out(self.target, f"the provider fell silent for {timeouts.between_tokens:g} s")
        return failures.timed_out(self.target, f"the provider sent no token within {timeouts.first_token:g} s")

    def _note(self, batch: Sequence[ModelEvent]) -> None:
        """Remember what kinds of events have been handed out."""
        for event in batch:
            kind = type(event)
            if kind is TextDelta or kind is ToolCallDelta:
                self._begun = self._committed = True
                break
            if kind is ReasoningDelta:
                self._begun = True
        if type(batch[-1]) is Finish:
            self._finished = True

    async def _recover(self, error: ModelError) -> None:
        """Wait, or turn to the next model, so that the request can be sent again; raises ``error`` if neither helps."""
        await self._end_attempt(error)
        error.profile = self._scope.name
        error.partial = self._committed
        if not self._committed:
            attempts = self._scope.config.agent.api_max_retries
            wait = wait_before_retry(error, self._attempts_at_target, attempts, self._scope.shared.jitter())
            if wait is not None:
                self._warn(f"{error}; asking again in {wait:.1f} s", error)
                await trio.sleep(wait)
                return
            if self._fallbacks and may_fall_back(error):
                self.target = self._fallbacks.pop(0)
                self._attempts_at_target = 0
                self._warn(f"{error}; falling back to {self.target}", error)
                return
        self._over = True
        raise error

    def _warn(self, message: str, error: ModelError) -> None:
        self._scope.log.bind(component="models").warning(message, code=error.code, attempt=self.attempts)


def make_attempt(scope: ProfileScope, target: ModelTarget, request: ModelRequest) -> Attempt:
    """The request in the target's wire format. What needs the network is imported here: httpx costs 95 ms and 7 MB."""
    if target.api_mode == BUILTIN:
        return EchoAttempt(target, request)
    from hermes_trio.models.formats import find_format
    from hermes_trio.models.http_attempt import HttpAttempt

    return HttpAttempt(scope, target, request, find_format(target.api_mode))
