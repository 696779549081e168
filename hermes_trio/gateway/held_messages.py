"""Messages that wait for another profile: a route leads there, and it cannot be had at the moment."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from hermes_trio.access.authorize import check_access
from hermes_trio.adapter_api.messages import InboundMessage
from hermes_trio.errors import ProfileUnavailable, ScopeClosed, StoreError
from hermes_trio.gateway.handover import hand_over
from hermes_trio.store import held

if TYPE_CHECKING:
    from hermes_trio.gateway.chats import Chats
    from hermes_trio.routing.decision import RouteDecision
    from hermes_trio.store.held import HeldRow

MOST_HELD: Final = 1000
LONGEST_SECONDS: Final = 24 * 3600.0
AGAIN_SECONDS: Final = 60.0


class HeldMessages:
    """What one profile's bots have received for others that cannot be had.

    Args:
        chats: The conversations of the transport profile.
    """

    def __init__(self, chats: Chats) -> None:
        self._chats = chats
        self._waiting: Counter[str] = Counter()
        self._some = trio.Event()

    def __len__(self) -> int:
        return self._waiting.total()

    def waits_for(self, target: str) -> bool:
        """Whether messages wait for a profile; what comes after them must not overtake them."""
        return self._waiting[target] > 0

    async def hold(self, message: InboundMessage, target: str, reason: str, *, is_chosen: bool) -> str | None:
        """Keep a message until its profile can be had.

        Args:
            message: The message.
            target: The profile that is to answer it.
            reason: Why it cannot be had, as a stable code.
            is_chosen: Whether a hook chose the profile.

        Returns:
            Why it is not kept: ``held_full``, or ``duplicate``; None when it is.

        Raises:
            StoreError: It was not stored: the platform must keep it.
            ScopeClosed: The profile is over.
        """
        if len(self) >= MOST_HELD:
            return "held_full"
        source = message.source
        row = held.NewHeldRow(
            platform=source.platform,
            chat_id=source.chat_id or source.user_id or "",
            message_id=message.message_id,
            target=target,
            is_chosen=is_chosen,
            message=msgspec.json.encode(message).decode(),
            reason=reason,
        )
        if not await held.hold(self._chats.scope, row):
            return "duplicate"
        self._waiting[target] += 1
        self._some.set()
        return None

    async def load(self) -> None:
        """Count what an earlier generation has left waiting.

        Raises:
            StoreError: It cannot be read.
        """
        self._waiting.update(row.target for row in await held.list_held(self._chats.scope))
        if len(self):
            self._some.set()

    async def serve(self) -> None:
        """Hand messages over as soon as their profiles can be had, until cancelled.

        Raises:
            StoreError: What waits cannot be read.
        """
        router = self._chats.router
        while True:
            if not len(self):
                self._some = trio.Event()
                await self._some.wait()
            changed = router.changes()
            if not self._chats.draining:
                await self._hand_over_all()
            if len(self):
                with trio.move_on_after(AGAIN_SECONDS):
                    await changed.wait()

    async def _hand_over_all(self) -> None:
        behind: set[str] = set()
        for row in await held.list_held(self._chats.scope):
            if row.target in behind:
                continue
            try:
                if not await self._hand_over(row):
                    behind.add(row.target)
            except (ProfileUnavailable, ScopeClosed, StoreError) as error:
                self._chats.scope.check_open()
                self._chats.log.warning(f"a message goes on waiting for profile {row.target}: {error}")
                behind.add(row.target)

    async def _hand_over(self, row: HeldRow) -> bool:
        """Deal with one message; False when it goes on waiting."""
        chats, router = self._chats, self._chats.router
        message = _decode(row)
        if message is None:
            await self._give_up(row, "unreadable")
            return True
        chosen = row.target if row.is_chosen else None
        decision = router.decide(chats.scope.name, message.source, chosen=chosen)
        if decision.runtime_profile is None:
            return await self._wait_on(row, decision)
        access = await check_access(chats.scope, message.source)
        if not access.allowed:
            await self._give_up(row, str(access.reason))
            return True
        await hand_over(router, decision.runtime_profile, chats.scope.name, message)
        await self._release(row)
        return True

    async def _wait_on(self, row: HeldRow, decision: RouteDecision) -> bool:
        chats, reason = self._chats, decision.reason or row.reason
        is_old = chats.scope.clock.now() - row.held_at > LONGEST_SECONDS
        if (decision.is_transient or chats.router.holds) and not is_old:
            return False
        await self._give_up(row, reason)
        return True

    async def _give_up(self, row: HeldRow, reason: str) -> None:
        self._chats.count_dropped(row.platform, reason)
        self._chats.log.warning(
            f"a message for profile {row.target} is dropped after all", reason=reason, message_id=row.message_id
        )
        await self._release(row)

    async def _release(self, row: HeldRow) -> None:
        await held.release(self._chats.scope, row.id)
        self._waiting[row.target] -= 1


def _decode(row: HeldRow) -> InboundMessage | None:
    try:
        return msgspec.json.decode(row.message, type=InboundMessage)
    except msgspec.DecodeError:
        return None
