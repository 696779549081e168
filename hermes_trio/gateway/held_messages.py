"""Messages that wait for another profile: a route leads there, and it cannot be had at the moment."""

from __future__ import annotations

import traceback
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from hermes_trio.access.authorize import check_access
from hermes_trio.adapter_api.messages import InboundMessage
from hermes_trio.errors import HermesTrioError
from hermes_trio.gateway.handover import hand_over
from hermes_trio.store import held

if TYPE_CHECKING:
    from hermes_trio.gateway.chats import Chats
    from hermes_trio.routing.decision import RouteDecision
    from hermes_trio.store.held import HeldRow

MOST_HELD: Final = 1000
LONGEST_SECONDS: Final = 24 * 3600.0
AGAIN_SECONDS: Final = 60.0
#: After so many crashes a message is given up, or it would hold up all that come after it.
MOST_CRASHES: Final = 3


class HeldMessages:
    """What one profile's bots have received for others that cannot be had.

    Args:
        chats: The conversations of the transport profile.
    """

    def __init__(self, chats: Chats) -> None:
        self._chats = chats
        self._waiting: dict[int, str] = {}
        self._crashes: Counter[int] = Counter()
        self._wake = trio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def waits_for(self, target: str) -> bool:
        """Whether messages wait for a profile; what comes after them must not overtake them."""
        return target in self._waiting.values()

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
        # Also after an error: what took too long may be stored all the same, and nobody else would look.
        try:
            row_id = await held.hold(self._chats.scope, row)
        finally:
            self._wake.set()
        if row_id is None:
            return "duplicate"
        self._waiting[row_id] = target
        return None

    async def load(self) -> None:
        """Count what an earlier generation has left waiting.

        Raises:
            StoreError: It cannot be read.
        """
        if await self._list():
            self._wake.set()

    async def serve(self) -> None:
        """Hand messages over as soon as their profiles can be had, until cancelled.

        Raises:
            StoreError: What waits cannot be read.
        """
        while True:
            await self._wake.wait()
            self._wake, changed = trio.Event(), self._chats.router.changes()
            if not self._chats.draining:
                await self._hand_over_all()
            if self._waiting:
                with trio.move_on_after(AGAIN_SECONDS):
                    await _either(changed, self._wake)
                self._wake.set()

    async def _list(self) -> tuple[HeldRow, ...]:
        """What waits, oldest first, which from now on counts as what waits."""
        known = tuple(self._waiting)
        rows = await held.list_held(self._chats.scope)
        found = {row.id: row.target for row in rows}
        for row_id in known:  # what was held during the look stays
            if row_id not in found:
                del self._waiting[row_id]
        self._waiting |= found
        return rows

    async def _hand_over_all(self) -> None:
        behind: set[str] = set()
        for row in await self._list():
            if row.target not in behind and not await self._try_to_hand_over(row):
                behind.add(row.target)

    async def _try_to_hand_over(self, row: HeldRow) -> bool:
        """Deal with one message, whatever goes wrong with it; False when it goes on waiting."""
        chats = self._chats
        try:
            return await self._hand_over(row)
        except HermesTrioError as error:
            chats.scope.check_open()
            chats.log.warning(f"a message goes on waiting for profile {row.target}: {error}")
            reason, is_over = error.code, self._is_old(row)
        except Exception as error:  # noqa: BLE001  a message that trips us up must not end its bot's profile
            text = chats.scope.log.redact("".join(traceback.format_exception(error)))
            chats.log.error(f"a message that waits for profile {row.target} crashes: {text}")  # noqa: TRY400
            self._crashes[row.id] += 1
            reason, is_over = "crashed", self._crashes[row.id] >= MOST_CRASHES
        if is_over:
            await self._give_up(row, reason)
        return is_over

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
        if (decision.is_transient or chats.router.holds) and not self._is_old(row):
            return False
        await self._give_up(row, reason)
        return True

    def _is_old(self, row: HeldRow) -> bool:
        return self._chats.scope.clock.now() - row.held_at > LONGEST_SECONDS

    async def _give_up(self, row: HeldRow, reason: str) -> None:
        self._chats.count_dropped(row.platform, reason)
        self._chats.log.warning(
            f"a message for profile {row.target} is dropped after all", reason=reason, message_id=row.message_id
        )
        await self._release(row)

    async def _release(self, row: HeldRow) -> None:
        await held.release(self._chats.scope, row.id)
        self._waiting.pop(row.id, None)
        self._crashes.pop(row.id, None)


async def _either(one: trio.Event, other: trio.Event) -> None:
    """Wait until one of two things has happened."""
    async with trio.open_nursery() as nursery:

        async def wait(event: trio.Event) -> None:
            await event.wait()
            nursery.cancel_scope.cancel()

        nursery.start_soon(wait, one)
        nursery.start_soon(wait, other)


def _decode(row: HeldRow) -> InboundMessage | None:
    try:
        return msgspec.json.decode(row.message, type=InboundMessage)
    except msgspec.DecodeError:
        return None
