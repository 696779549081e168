"""How many requests may run at a provider at once, per account, over all profiles of a gateway.

An account is an address together with a key. It has no limit of its own until the provider answers with 429: then the
limit is half of what ran, at least one, and grows again by one with each limit's worth of good answers (additive
increase, multiplicative decrease, as TCP does it). A ``Retry-After`` with the 429 holds back all new requests of the
account until then. Whoever waits is served in the order of coming.

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

    __slots__ = ("changed",)

    def __init__(self) -> None:
        self.changed = trio.Event()


class Account:
    """One account at one provider.

    Attributes:
        name: Host of the provider, for people.
        running: Requests that run.
        limit: Most requests at once; None while no limit is known.
        paused_until: No request begins before this time of `trio.current_time`.
        limited_at: When the limit was last lowered, or minus infinity.
    """

    __slots__ = ("_most", "_waiting", "limit", "limited_at", "name", "paused_until", "running")

    def __init__(self, name: str, most: int | None) -> None:
        self._most = most
        self._waiting: deque[_Waiter] = deque()
        self.name = name
        self.running = 0
        self.limit: float | None = most
        self.paused_until = 0.0
        self.limited_at = -math.inf

    @property
    def waiting(self) -> int:
        """Requests that wait to begin."""
        return len(self._waiting)

    def is_idle(self, now: float) -> bool:
        """Whether nothing would be lost if the account were forgotten."""
        return (
            not self.running and not self._waiting and now >= self.paused_until and now >= self.limited_at + REMEMBERED
        )

    def is_open(self, now: float) -> bool:
        """Whether one more request may begin now, were nobody waiting."""
        return (self.limit is None or self.running + 1 <= self.limit) and now >= self.paused_until

    async def wait_turn(self, target: ModelTarget) -> None:
        """Wait until all who came before have begun and the account is open. Holds nothing meanwhile.

        Raises:
            ModelError: ``model_rate_limited``: the pause is longer than anybody waits.
        """
        waiter = _Waiter()
        self._waiting.append(waiter)
        try:
            while True:
                now = trio.current_time()
                if self.paused_until - now > LONGEST_WAIT:
                    raise rate_limited(target, self.paused_until - now)
                first = self._waiting[0] is waiter
                if first and self.is_open(now):
                    return
                waiter.changed = trio.Event()
                with trio.CancelScope(deadline=self.paused_until if first and now < self.paused_until else math.inf):
                    await waiter.changed.wait()
        finally:
            self._waiting.remove(waiter)
            self.wake_first()

    def wake_first(self) -> None:
        """Let the first in the line look again whether it may begin."""
        if self._waiting:
            self._waiting[0].changed.set()

    def note_rate_limit(self, begun: float, retry_after: float | None, now: float) -> None:
        """A request that began at ``begun`` was answered with 429.

        Requests that ran together are refused together, so only one that began after the last lowering lowers again.
        """
        if begun >= self.limited_at:
            self.limit = max(1.0, self.running // 2)
            self.limited_at = now
        if retry_after is not None:
            self.paused_until = max(self.paused_until, now + min(retry_after, LONGEST_PAUSE))
            for waiter in self._waiting:
                waiter.changed.set()

    def note_success(self) -> None:
        """A request was answered well: when the limit is in use, it grows."""
        if self.limit is None or self.running < int(self.limit):
            return
        self.limit += 1 / self.limit
        if self._most is not None:
            self.limit = min(self.limit, float(self._most))


class Seat:
    """The right to run one request; given back with `leave`, which may be called twice."""

    __slots__ = ("_account", "_begun", "_over")

    def __init__(self, account: Account, begun: float) -> None:
        self._account = account
        self._begun = begun
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
            account.note_rate_limit(self._begun, error.retry_after, trio.current_time())
        elif complete:
            account.note_success()
        account.running -= 1
        account.wake_first()


async def enter_gate(gate: object | None, target: ModelTarget) -> Seat | None:
    """Wait for a seat; None, at once, without a gate or for a model that runs in this process."""
    return await gate.enter(target) if isinstance(gate, ProviderGate) and target.base_url else None


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
        if account.waiting or not account.is_open(now):
            await account.wait_turn(target)
            now = trio.current_time()
        return Seat(account, now)

    def accounts(self) -> Iterator[Account]:
        """The accounts in use or remembered, for reports."""
        return iter(self._accounts.values())

    def _forget_idle(self, now: float) -> None:
        self._next_sweep = now + SWEEP
        for fingerprint in [key for key, account in self._accounts.items() if account.is_idle(now)]:
            del self._accounts[fingerprint]
