"""Stands between an adapter and the core, to see what the adapter hands over, and to refuse it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from hermes_trio.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import trio

    from hermes_trio.adapter_api import (
        Adapter,
        AdapterContext,
        AdapterFactory,
        BotIdentity,
        InboundMessage,
        PlatformConfig,
        ProfileScope,
    )


@dataclass(slots=True)
class Observed:
    """What the adapter of one profile does.

    Attributes:
        runs: How many runs have begun.
        is_running: Whether one is going on.
        ran_with: Names of the other profiles whose adapters were running when one of its runs began.
        offered: Messages that it has offered to the core.
        refusals: How many further offers the core cannot store.
        hold: While set, offers wait until it is released.
    """

    runs: int = 0
    is_running: bool = False
    ran_with: list[str] = field(default_factory=list)
    offered: list[InboundMessage] = field(default_factory=list)
    refusals: int = 0
    hold: trio.Event | None = None

    async def take(self, context: AdapterContext, messages: Sequence[InboundMessage]) -> None:
        """Let the core take messages, unless it is to fail."""
        self.offered += messages
        if self.hold is not None:
            await self.hold.wait()
        if messages and self.refusals:
            self.refusals -= 1
            raise StoreError("there is no room on the disk", code="store_unwritable")
        await context.receive(messages)


def observing(factory: AdapterFactory, observed: dict[str, Observed]) -> AdapterFactory:
    """The same factory, whose adapters are observed; ``observed`` is by profile."""

    def make(scope: ProfileScope, config: PlatformConfig) -> Adapter:
        return cast("Adapter", _ObservedAdapter(factory(scope, config), scope.name, observed))

    return make


class _ObservedAdapter:
    def __init__(self, adapter: Adapter, profile: str, observed: dict[str, Observed]) -> None:
        self._adapter = adapter
        self._observed = observed[profile]
        self._others = {name: one for name, one in observed.items() if name != profile}

    def __getattr__(self, name: str) -> object:
        return getattr(self._adapter, name)

    async def run(self, context: AdapterContext, *, task_status: trio.TaskStatus[BotIdentity]) -> None:
        observed = self._observed
        observed.runs += 1
        observed.ran_with += [name for name, other in self._others.items() if other.is_running]
        observed.is_running = True
        seen = cast("AdapterContext", _ObservedContext(context, observed))
        try:
            await self._adapter.run(seen, task_status=task_status)
        finally:
            observed.is_running = False


class _ObservedContext:
    def __init__(self, context: AdapterContext, observed: Observed) -> None:
        self._context = context
        self._observed = observed

    def __getattr__(self, name: str) -> object:
        return getattr(self._context, name)

    async def receive(self, messages: Sequence[InboundMessage]) -> None:
        await self._observed.take(self._context, messages)
