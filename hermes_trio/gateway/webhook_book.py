"""The routes of the webhook platform, from the default profile's settings and from the file of subscriptions."""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.errors import CapacityExceeded, HermesTrioError, ProfileUnavailable
from hermes_trio.gateway.runtime import SessionLocks
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.webhook_subscriptions import Subscriptions, parse_subscriptions
from hermes_trio.io.files import FileCache

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from hermes_trio.gateway.gateway import Gateway
    from hermes_trio.home.webhook_config import WebhookConfig, WebhookRoute

RATE_SECONDS: Final = 60.0
REMARK_SECONDS: Final = 10.0
#: Of one profile's deliveries; another one's slow scripts are none of its business.
SCRIPTS_AT_ONCE: Final = 4
#: Senders wait in vain after some seconds, and each delivery that waits is held in memory.
SCRIPTS_WAITING: Final = 16
#: While the settings cannot be read nothing is accepted anyway.
_SMALL: Final = 65_536
_NONE: Final = Subscriptions({}, ())


class WebhookBook:
    """What is known about the routes, and what is remembered of their deliveries.

    Args:
        gateway: Whose default profile says which routes there are.

    Attributes:
        address: Where webhooks have a listener of their own, or empty.
        in_progress: Lets two deliveries with the same id pass one after the other.
    """

    def __init__(self, gateway: Gateway) -> None:
        self.address = ""
        self.in_progress = SessionLocks()
        self._scripts: dict[str, trio.CapacityLimiter] = {}
        self._gateway = gateway
        self._path = gateway.home.profile(DEFAULT_PROFILE).webhook_subscriptions
        self._files = FileCache(gateway.shared.workers, trio.CapacityLimiter(1))
        self._parse = partial(parse_subscriptions, path=self._path)
        self._config = None if gateway.settings.problem is not None else gateway.settings.webhook
        self._subscriptions = _NONE
        self._file_problem = ""
        self._listener_problem = ""
        self._recent: dict[str, deque[float]] = {}
        self._remarked: dict[str, float] = {}

    @property
    def problem(self) -> str:
        """What is wrong, for people; empty for nothing."""
        return "; ".join(filter(None, (self._listener_problem, self._file_problem)))

    @property
    def max_body_bytes(self) -> int:
        """Size of a delivery that is read at all."""
        return self._config.max_body_bytes if self._config is not None else _SMALL

    def config(self) -> WebhookConfig:
        """The settings as the default profile serves them now; the last ones when it does not serve.

        Raises:
            ProfileUnavailable: They could not be read yet.
        """
        if DEFAULT_PROFILE in self._gateway.table:
            runtime = self._gateway.table[DEFAULT_PROFILE].runtime
            if runtime is not None:
                self._config = runtime.scope.config.webhook
        if self._config is None:
            raise ProfileUnavailable("its settings cannot be read", profile=DEFAULT_PROFILE, retry_after=30.0)
        return self._config

    async def find(self, name: str) -> WebhookRoute | None:
        """The route of a name, or None; one of the settings goes before a subscription.

        Raises:
            ProfileUnavailable: The settings could not be read yet.
        """
        config = self.config()
        if not config.enabled:
            return None
        return config.routes.get(name) or (await self.subscriptions()).get(name)

    async def subscriptions(self) -> Mapping[str, WebhookRoute]:
        """The routes of the file, read again when it has changed; while it cannot be read, those of before."""
        try:
            found = await self._files.get(self._path, self._parse)
        except HermesTrioError as error:
            self._note_file_problem(str(error))
        else:
            if found is not self._subscriptions:
                for notice in found.notices:
                    self._gateway.log.warning(f"webhooks: {notice.location} {notice.path}: {notice.text}")
            self._subscriptions = found
            self._note_file_problem("")
        return self._subscriptions.routes

    def note_listener_problem(self, problem: str) -> None:
        """Webhooks have no listener of their own, though they should; empty when they have."""
        if problem and problem != self._listener_problem:
            self._gateway.log.warning(f"webhooks: {problem}")
        self._listener_problem = problem

    def remark(self, name: str, text: str) -> None:
        """Log something about a route, or about all, that strangers can make happen: at most once in 10 s."""
        now = trio.current_time()
        if now - self._remarked.get(name, -REMARK_SECONDS) >= REMARK_SECONDS:
            self._remarked[name] = now
            self._gateway.log.warning(f"webhooks: {name}: {text}" if name else f"webhooks: {text}")

    def wait_for_rate(self, name: str, limit: int) -> float | None:
        """Count a delivery of a route; None when it may pass, else the seconds after which the next one may.

        Remembers ``limit`` times per route that exists.
        """
        now = trio.current_time()
        recent = self._recent.setdefault(name, deque())
        while recent and recent[0] <= now - RATE_SECONDS:
            recent.popleft()
        if len(recent) >= limit:
            return recent[0] + RATE_SECONDS - now
        recent.append(now)
        if len(recent) == 1:
            self._forget_idle(now)
        return None

    @asynccontextmanager
    async def script_seat(self, profile: str) -> AsyncIterator[None]:
        """Wait until a script may run for a delivery of a profile, and hold its seat.

        Raises:
            CapacityExceeded: Too many wait already.
        """
        seats = self._scripts.setdefault(profile, trio.CapacityLimiter(SCRIPTS_AT_ONCE))
        if seats.statistics().tasks_waiting >= SCRIPTS_WAITING:
            raise CapacityExceeded(
                f"{SCRIPTS_WAITING} deliveries wait for their routes' scripts already",
                profile=profile,
                limit="scripts of webhooks",
                retry_after=RATE_SECONDS,
            )
        async with seats:
            yield

    def _forget_idle(self, now: float) -> None:
        """Routes come and go; what has had no delivery for a while needs no memory."""
        for name in [name for name, recent in self._recent.items() if recent[-1] <= now - RATE_SECONDS]:
            del self._recent[name]

    def _note_file_problem(self, problem: str) -> None:
        if problem and problem != self._file_problem:
            self._gateway.log.warning(f"webhooks: the subscriptions of before go on: {problem}")
        self._file_problem = problem
