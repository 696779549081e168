"""What the HTTP API keeps for one profile between requests; it outlives the profile's generations."""

from __future__ import annotations

from dataclasses import dataclass, field

from hermes_trio.http.idempotency import IdempotencyCache
from hermes_trio.http.runs.table import RunTable


@dataclass(frozen=True, slots=True)
class ApiState:
    """One profile's part of the API's memory; holds no scope, and nothing of a scope but what ends running runs.

    Attributes:
        idempotency: Results of recent requests.
        runs: The runs that clients have started.
    """

    idempotency: IdempotencyCache = field(default_factory=IdempotencyCache)
    runs: RunTable = field(default_factory=RunTable)
