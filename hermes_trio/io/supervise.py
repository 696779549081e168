"""`keep_running`: run something for ever, however often it fails, and say truthfully how it is doing."""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from hermes_trio.errors import HermesTrioError
from hermes_trio.io.groups import leaves

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PERMANENT_CODES = frozenset(
    {
        "config_invalid",
        "secrets_unreadable",
        "home_invalid",
        "unknown_profile",
        "store_corrupt",
        "store_unwritable",
        "provider_unknown",
        "hook_invalid",
        "missing_credential",
        "bad_credential",
        "adapter_not_installed",
        "adapter_broken",
    }
)
"""Errors that come back at every start until somebody mends a file."""


_MOST_DOUBLINGS = 64


class SetbackKind(enum.Enum):
    """What a failure leads to."""

    PERMANENT = "failed"
    TRANSIENT = "backoff"
    TOO_OFTEN = "quarantined"


@dataclass(frozen=True, slots=True)
class Setback:
    """One failure and the wait that follows.

    Attributes:
        kind: What the failure leads to.
        reason: Stable code.
        detail: One line for people, not yet redacted.
        errors: One line for each leaf exception.
        delay: Seconds until the next try, or None when only a mend brings one.
    """

    kind: SetbackKind
    reason: str
    detail: str
    errors: tuple[str, ...]
    delay: float | None


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """When to try again; all times in seconds."""

    base: float = 1.0
    cap: float = 60.0
    max_failures: int = 5
    window: float = 60.0
    probe_every: float = 300.0
    healthy_after: float = 300.0


def describe(error: BaseException) -> str:
    """One line of an exception: its type and text."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001  whoever wrote the exception also wrote its text
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def reason_code(error: BaseException) -> str:
    """The stable code of an error; ``crashed`` for what is not ours."""
    return error.code if isinstance(error, HermesTrioError) else "crashed"


def main_leaf(error: BaseException) -> BaseException:
    """The leaf that explains the most: one of ours before a foreign one."""
    found = list(leaves(error))
    return next((leaf for leaf in found if isinstance(leaf, HermesTrioError)), found[0])


class FailureCounter:
    """Turns failures into setbacks: back-off, then quarantine."""

    def __init__(self, policy: RestartPolicy, jitter: Callable[[], float]) -> None:
        self._policy = policy
        self._jitter = jitter
        self._recent: deque[float] = deque(maxlen=policy.max_failures)
        self._streak = 0
        self._quarantined = False

    def setback(self, error: BaseException, lasted: float) -> Setback:
        """What follows a failure of a run that lasted ``lasted`` seconds."""
        policy, now = self._policy, trio.current_time()
        if lasted >= policy.healthy_after:
            self._streak = 0
            self._quarantined = False
            self._recent.clear()
        leaf = main_leaf(error)
        kind, delay = SetbackKind.PERMANENT, None
        if reason_code(leaf) not in PERMANENT_CODES:
            self._streak += 1
            self._recent.append(now)
            kind, delay = self._transient(now)
            # Whoever says how long to stay away knows better than any back-off.
            delay = max(delay, getattr(leaf, "retry_after", None) or 0.0)
        errors = tuple(describe(one) for one in leaves(error))
        text = str(leaf) if isinstance(leaf, HermesTrioError) else describe(leaf)
        return Setback(kind, reason_code(leaf), text, errors, delay)

    def _transient(self, now: float) -> tuple[SetbackKind, float]:
        policy = self._policy
        full = len(self._recent) == policy.max_failures
        if self._quarantined or (full and now - self._recent[0] <= policy.window):
            self._quarantined = True
            return SetbackKind.TOO_OFTEN, policy.probe_every
        delay = min(policy.cap, policy.base * 2.0 ** min(self._streak - 1, _MOST_DOUBLINGS))
        return SetbackKind.TRANSIENT, delay * (0.8 + 0.4 * self._jitter())


async def keep_running(
    run_once: Callable[[], Awaitable[None]],
    policy: RestartPolicy,
    *,
    jitter: Callable[[], float],
    on_setback: Callable[[Setback], None],
    mended: Callable[[], Awaitable[None]],
) -> None:
    """Call ``run_once`` again and again until it returns.

    Only ``Exception`` is handled; cancellation, KeyboardInterrupt and SystemExit pass through.

    Args:
        run_once: One generation; returning means that it was asked to end.
        policy: When to try again.
        jitter: A random number in [0, 1).
        on_setback: Told of each failure before the wait.
        mended: Returns when there is a reason to try again at once (a file changed, an operator said so).
    """
    counter = FailureCounter(policy, jitter)
    while True:
        started = trio.current_time()
        failure: BaseException | None = None
        try:
            await run_once()
        except* Exception as group:  # noqa: BLE001  a supervisor: whatever the profile raises stops here
            failure = group
        if failure is None:
            return
        setback = counter.setback(failure, trio.current_time() - started)
        on_setback(setback)
        if setback.delay is None:
            await mended()
        else:
            with trio.move_on_after(setback.delay):
                await mended()
