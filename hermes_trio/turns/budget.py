"""What a profile may spend within a window: money, tokens, turns. Kept in its own database, exact under concurrency."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hermes_trio.errors import HermesTrioError
from hermes_trio.models.prices import Price, cost_usd
from hermes_trio.store.spending import Spending, add_spending, load_spending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.home.agent_config import BudgetConfig
    from hermes_trio.models.events import Usage
    from hermes_trio.models.target import ModelTarget
    from hermes_trio.scope import ProfileScope


class BudgetExceeded(HermesTrioError):
    """The profile has spent what it may within its window.

    Args:
        retry_after: Seconds until the window ends.
    """

    default_code = "budget_exceeded"

    def __init__(self, problem: str, *, profile: str, found: str, retry_after: float) -> None:
        super().__init__(
            problem,
            profile=profile,
            where="budget",
            found=found,
            mend="wait for the window's end, or raise the budget in config.yaml",
        )
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class _Limit:
    name: str
    most: float
    spent: float


class Budget:
    """A profile's budget. One object counts for all its turns, so the count is exact however many run at once.

    A call is admitted while less than the budget is spent; what calls that run then cost more is counted, and stops the
    next one.
    """

    def __init__(self, config: BudgetConfig | None, spending: Spending) -> None:
        self._config = config
        self._spending = spending
        self._told = False

    @property
    def spending(self) -> Spending:
        """What has been spent in the running window."""
        return self._spending

    async def admit_turn(self, scope: ProfileScope) -> None:
        """Count a turn in before it begins; stored before this returns.

        Raises:
            BudgetExceeded: No turn is left.
            StoreError: It could not be stored.
        """
        if self._config is None:
            return
        self._begin_window(scope)
        self._check(scope)
        self._spending = replace(self._spending, turns=self._spending.turns + 1)
        await add_spending(scope, Spending(self._spending.since, turns=1))

    def admit_call(self, scope: ProfileScope) -> None:
        """Let a model call begin.

        Raises:
            BudgetExceeded: The money or the tokens are spent.
        """
        if self._config is None:
            return
        self._begin_window(scope)
        self._check(scope, calls_only=True)

    async def spend(self, scope: ProfileScope, target: ModelTarget, usage: Usage) -> None:
        """Count what a model call took; stored before this returns.

        Raises:
            StoreError: It could not be stored; it is counted all the same until the profile restarts.
        """
        if self._config is None:
            return
        cost = cost_usd(target, usage, own_prices(scope)) or 0.0
        tokens = usage.input_tokens + usage.output_tokens
        now = self._spending
        self._spending = replace(now, usd=now.usd + cost, tokens=now.tokens + tokens)
        await add_spending(scope, Spending(now.since, cost, tokens))

    def _begin_window(self, scope: ProfileScope) -> None:
        now = scope.clock.now()
        if self._config is not None and now >= self._spending.since + self._config.window_seconds:
            self._spending = Spending(now)
            self._told = False

    def _check(self, scope: ProfileScope, *, calls_only: bool = False) -> None:
        for limit in self._limits():
            if limit.spent < limit.most or (calls_only and limit.name == "turns"):
                continue
            ends_in = self._spending.since + self._config.window_seconds - scope.clock.now() if self._config else 0.0
            found = f"{limit.spent:g} of {limit.most:g} {limit.name}"
            if not self._told:
                self._told = True
                scope.log.bind(component="gateway.budget").warning(
                    "the budget is spent; no more model calls in this window", spent=found
                )
            raise BudgetExceeded(
                "the profile's budget is spent", profile=scope.name, found=found, retry_after=max(1.0, ends_in)
            )

    def _limits(self) -> tuple[_Limit, ...]:
        config, spent = self._config, self._spending
        if config is None:
            return ()
        return (
            _Limit("usd", math.inf if config.usd is None else config.usd, spent.usd),
            _Limit("tokens", math.inf if config.tokens is None else config.tokens, spent.tokens),
            _Limit("turns", math.inf if config.turns is None else config.turns, spent.turns),
        )


def own_prices(scope: ProfileScope) -> Mapping[str, Price]:
    """The prices that the user gives; what a price leaves out costs as much as other input, or nothing."""
    return scope.files.derive(
        "prices",
        (scope.config,),
        lambda: {
            name: Price(one.input or 0.0, one.output or 0.0, one.cache_read, one.cache_write)
            for name, one in scope.config.prices.items()
        },
    )


async def open_budget(scope: ProfileScope) -> Budget:
    """Take up the profile's budget where its last generation left it."""
    config = scope.config.budget
    if config is None:
        return Budget(None, Spending(scope.clock.now()))
    return Budget(config, await load_spending(scope, config.window_seconds))
