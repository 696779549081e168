"""What the HTTP API keeps for one profile between requests; it outlives the profile's generations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from hermes_trio.gateway.runtime import SessionLocks
from hermes_trio.http.idempotency import IdempotencyCache
from hermes_trio.http.runs.table import RunTable

if TYPE_CHECKING:
    from hermes_trio.http.responses.objects import FinishedResponse
    from hermes_trio.turns.turn import TurnResult


def _result_size(result: TurnResult) -> int:
    return len(result.text)


def _response_size(finished: FinishedResponse) -> int:
    return len(msgspec.json.encode(finished.response))


@dataclass(frozen=True, slots=True)
class ApiState:
    """One profile's part of the API's memory; holds no scope, and nothing of a scope but what ends running runs.

    Attributes:
        idempotency: Results of recent requests.
        responses: Responses to recent requests.
        conversations: Lets the responses of one conversation come one after the other.
        runs: The runs that clients have started.
    """

    idempotency: IdempotencyCache[TurnResult] = field(default_factory=lambda: IdempotencyCache(_result_size))
    responses: IdempotencyCache[FinishedResponse] = field(default_factory=lambda: IdempotencyCache(_response_size))
    conversations: SessionLocks = field(default_factory=SessionLocks)
    runs: RunTable = field(default_factory=RunTable)
