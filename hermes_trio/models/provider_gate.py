"""How many requests may run at a provider at once, per account, over all profiles of a gateway.

An account is an address together with a key. It has no limit of its own until the provider answers with 429: then the
limit is half of what ran, at least one, and grows again by one with each limit's worth of good answers (additive
increase, multiplicative decrease, as TCP does it). A ``Retry-After`` with the 429 holds back the account's new requests
to the same model until then; the others go on, so that a fallback at the same provider can answer. Whoever waits is
served in the order of coming.

The gate is one object, made by the gateway and handed down to all profiles. It is used from one thread.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.models.addresses import host_of
from hermes_trio.models.failures import LONGEST_WAIT, rate_limited

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.errors import ModelError
    from hermes_trio.models.target import ModelTarget

LONGEST_PAUSE: Final = 3600.0
"""Seconds after which a provider is tried again, however long its ``Retry-After`` was."""

REMEMBERED: Final = 600.0
"""Seconds that an idle account's limit is remembered after its last 429."""

SWEEP: Final = 60.0
"""Seconds between two looks for accounts to forget."""


class _Waiter:
    """One place in the line."""

    __slots__ = ("changed", "model")

    def __init__(self, model: str) -> None:
        self.model = model
        self.changed = trio.Event()


class Account:
    """One account at one provider.

    Attributes:
        name: Host of the provider, for people.
        running: Requests that run.
        limit: Most requests at once; None while no limit is known.
        lowered: How often the limit was lowered.
        pauses: By model, until when of `trio.current_time` no request to it begins.
    """

    __slots__ = ("_limited_at", "_most", "_waiting", "limit", "lowered", "name", "pauses", "running")

    def __init__(self, name: str, most: int | None) -> None:
        self._most = most
        self._waiting: deque[_Waiter] = deque()
        self._limited_at = -math.inf
        self.name = name
        self.running = 0
        self.limit: float | None = most
        self.lowered = 0
        self.pauses: dict[str, float] = {}

    @property
    def waiting(self) -> int:
        """Requests that wait to begin."""
        return len(self._waiting)

    def is_idle(self, now: float) -> bool:
        """Whether nothing would be lost if the account were forgotten."""
        busy = self.running or self._waiting or any(until > now for until in self.pauses.values())
        return not busy and now >= self._limited_at + REMEMBERED

    def may_begin(self, model: str) -> bool:
        """Whether a request that just came may begin at once."""
        if self.limit is None and not self.pauses and not self._waiting:
            return True
        now = trio.current_time()
        return self._has_room() and self._pause(model, now) <= 0 and self._first(now) is None

    async def wait_turn(self, target: ModelTarget) -> None:
        """Wait until the account has room and all who came before have begun, except to paused models. Holds nothing.

        Raises:
            ModelError: ``model_rate_limited``: the model's pause is longer than anybody waits.
        """
        waiter = _Waiter(target.model)
        self._waiting.append(waiter)
        try:
            while True:
                now = trio.current_time()
                pause = self._pause(target.model, now)
                if pause > LONGEST_WAIT:
                    raise rate_limited(target, pause)
                if self._has_room() and self._first(now) is waiter:
                    return
                waiter.changed = trio.Event()
                with trio.CancelScope(deadline=now + pause if pause > 0 else math.inf):
                    await waiter.changed.wait()
        finally:
            self._waiting.remove(waiter)
            self.wake_first()

    def wake_first(self) -> None:
        """Let the first in the line who is not held back by a pause look again whether it may begin."""
        first = self._first(trio.current_time()) if self._waiting else None
        if first is not None:
            first.changed.set()

    def note_rate_limit(self, model: str, lowered_before: int, retry_after: float | None) -> None:
        """A request was answered with 429 that began when the limit had been lowered ``lowered_before`` times.

        Requests that ran together are refused together: only one of them lowers the limit.
        """
        now = trio.current_time()
        if lowered_before == self.lowered:
            self.limit = max(1.0, self.running // 2)
            self._limited_at = now
            self.lowered += 1
        if retry_after:
            until = now + min(retry_after, LONGEST_PAUSE)
            self.pauses[model] = max(self.pauses.get(model, 0.0), until)
            for waiter in self._waiting:
                if waiter.model == model:
                    waiter.changed.set()

    def note_success(self) -> None:
        """A request was answered well: when the limit is in use, it grows."""
        if self.limit is None or self.running < int(self.limit):
            return
        self.limit += 1 / self.limit
        if self._most is not None:
            self.limit = min(self.limit, float(self._most))

    def _has_room(self) -> bool:
        return self.limit is None or self.running + 1 <= self.limit

    def _pause(self, model: str, now: float) -> float:
        """Seconds that a model's pause still lasts; zero or less when it is over."""
        until = self.pauses.get(model)
        if until is None:
            return 0.0
        if until <= now:
            del self.pauses[model]
        return until - now

    def _first(self, now: float) -> _Waiter | None:
        if not self.pauses:
            return self._waiting[0] if self._waiting else None
        return next((waiter for waiter in self._waiting if self._pause(waiter.model, now) <= 0), None)


class Seat:
    """The right to run one request; given back with `leave`, which may be called twice."""

    __slots__ = ("_account", "_lowered_before", "_model", "_over")

    def __init__(self, account: Account, model: str) -> None:
        self._account = account
        self._model = model
        self._lowered_before = account.lowered
        self._over = False
        account.running += 1

    def leave(self, error: ModelError | None = None, *, complete: bool = False) -> None:
        """The request is over.

        Args:
            error: How it failed, if it did; only a passing 429 counts.
            complete: Whether it was answered to the end.
        """
        if self._over:
            return
        self._over = True
        account = self._account
        if error is not None and error.status == 429 and error.retryable:
            account.note_rate_limit(self._model, self._lowered_before, error.retry_after)
        elif complete:
            account.note_success()
        account.running -= 1
        account.wake_first()


class ProviderGate:
    """The accounts of a gateway; see the module's text.

    Args:
        most: Most requests at once per account; None leaves that to the providers.
    """

    __slots__ = ("_accounts", "_most", "_next_sweep")

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._accounts: dict[int, Account] = {}
        self._next_sweep = 0.0

    async def enter(self, target: ModelTarget) -> Seat:
        """Wait until a request to ``target`` may begin. A checkpoint only if it has to wait.

        Cancellation: leaves the line.

        Raises:
            ModelError: ``model_rate_limited``: the provider asked for a pause longer than anybody waits.
        """
        now = trio.current_time()
        if now >= self._next_sweep:
            self._forget_idle(now)
        # A hash, not the key itself: the gate outlives profiles, and Python's hash of a text is different each run.
        fingerprint = hash((target.base_url, target.api_key))
        account = self._accounts.get(fingerprint)
        if account is None:
            account = self._accounts[fingerprint] = Account(host_of(target.base_url) or "", self._most)
        if not account.may_begin(target.model):
            await account.wait_turn(target)
        return Seat(account, target.model)

    def accounts(self) -> Iterator[Account]:
        """The accounts in use or remembered, for reports."""
        return iter(self._accounts.values())

    def _forget_idle(self, now: float) -> None:
        self._next_sweep = now + SWEEP
        for fingerprint in [key for key, account in self._accounts.items() if account.is_idle(now)]:
            del self._accounts[fingerprint]


async def enter_gate(gate: object | None, target: ModelTarget) -> Seat | None:
    """Wait for a seat; None, at once, without a gate or for a model that runs in this process.

    Args:
        gate: A `ProviderGate`; the scope that hands it down lies below this package and knows no more than an object.
        target: The model.

    Raises:
        ModelError: See `ProviderGate.enter`.
    """
    return await gate.enter(target) if isinstance(gate, ProviderGate) and target.base_url else None
