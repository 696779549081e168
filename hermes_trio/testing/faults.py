"""Faults on order: what goes wrong, for whom, how often."""

from __future__ import annotations

import random
from enum import StrEnum

import msgspec


class FaultKind(StrEnum):
    """What goes wrong with a call.

    ``DROP_BEFORE`` closes the connection without having done anything. ``DROP_AFTER`` does what was asked and closes
    the connection without saying so: a client that then calls again by itself does it twice. ``HANG`` does nothing and
    never answers; ``SLOW`` waits, then does all as usual. ``ERROR`` answers with a status and description of one's own.
    """

    TOO_MANY_REQUESTS = "too_many_requests"
    SERVER_ERROR = "server_error"
    BAD_GATEWAY = "bad_gateway"
    UNAUTHORIZED = "unauthorized"
    CONFLICT = "conflict"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    HANG = "hang"
    SLOW = "slow"
    MALFORMED = "malformed"
    ERROR = "error"


class Fault(msgspec.Struct, eq=False, forbid_unknown_fields=True):
    """An ordered fault.

    Attributes:
        kind: What goes wrong.
        token: The bot concerned, or None for all.
        method: The method concerned, in any case, or None for all.
        times: How many more calls it strikes; None for any number.
        probability: Chance that it strikes a call it could strike.
        seconds: ``retry_after`` of ``TOO_MANY_REQUESTS``, length of ``SLOW``; a ``HANG`` has no end but the client's.
        status: Status of an ``ERROR``.
        description: Description of an ``ERROR``.
    """

    kind: FaultKind
    token: str | None = None
    method: str | None = None
    times: int | None = 1
    probability: float = 1.0
    seconds: float = 1.0
    status: int = 400
    description: str = "Bad Request"

    def cancel(self) -> None:
        """Strike no more."""
        self.times = 0


class FaultPlan:
    """The faults in force; the oldest one that fits strikes.

    Args:
        seed: Decides what probabilities come to.
    """

    def __init__(self, seed: int = 0) -> None:
        self._chance = random.Random(seed)  # noqa: S311  chance in a test, no secret
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force."""
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """End all faults."""
        self._faults.clear()

    def take(self, token: str, method: str) -> Fault | None:
        """The fault that strikes this call, if any."""
        for fault in self._faults:
            if (
                fault.times != 0
                and fault.token in (None, token)
                and (fault.method is None or fault.method.lower() == method.lower())
                and (fault.probability >= 1 or self._chance.random() < fault.probability)
            ):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None
