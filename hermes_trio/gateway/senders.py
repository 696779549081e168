"""Finds the bot through which a profile may send: the one of the named transport profile, and no other."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, TypeVar

import trio

from hermes_trio.adapter_api.errors import AdapterError, Unreachable
from hermes_trio.gateway.adapter_slot import PLAIN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hermes_trio.adapter_api.adapter import Adapter
    from hermes_trio.adapter_api.capabilities import Capabilities
    from hermes_trio.adapter_api.outgoing import OutgoingText, SentMessage, Target
    from hermes_trio.delivery.outbox_worker import Senders as AnySenders
    from hermes_trio.gateway.adapter_slot import AdapterSlot
    from hermes_trio.home.platform_config import PlatformConfig
    from hermes_trio.io.log import ProfileLogger

T = TypeVar("T")


class Senders:
    """The adapters of all profiles of a gateway, by transport profile and platform.

    Args:
        announce: Tells the gateway that an adapter has changed.
    """

    def __init__(self, announce: Callable[[], None]) -> None:
        self._announce = announce
        self._slots: dict[tuple[str, str], AdapterSlot] = {}
        self._rules: dict[tuple[str, str], PlatformConfig] = {}
        self._change = trio.Event()

    def add(self, slot: AdapterSlot) -> None:
        """A generation of a profile has this adapter now."""
        self._slots[slot.profile, slot.platform] = slot
        self._rules[slot.profile, slot.platform] = slot.config
        self.note_change()

    def remove(self, slot: AdapterSlot) -> None:
        """The generation is over."""
        if self._slots.get((slot.profile, slot.platform)) is slot:
            del self._slots[slot.profile, slot.platform]
            self.note_change()

    def note_change(self) -> None:
        """The state of an adapter has changed."""
        change, self._change = self._change, trio.Event()
        change.set()
        self._announce()

    def slot(self, transport_profile: str, platform: str) -> AdapterSlot | None:
        """The place of an adapter, whether connected or not; None when its profile has none."""
        return self._slots.get((transport_profile, platform))

    def rules(self, transport_profile: str, platform: str) -> PlatformConfig | None:
        """The settings of an adapter, the last ones while its profile is away; None when it has not been there yet."""
        return self._rules.get((transport_profile, platform))

    def find(self, transport_profile: str, platform: str) -> Adapter | None:
        """See `hermes_trio.delivery.outbox_worker.Senders.find`."""
        slot = self.slot(transport_profile, platform)
        return None if slot is None else slot.adapter

    def unreachable(self) -> set[tuple[str, str]]:
        """The adapters that cannot be used now: transport profile and platform."""
        return {slot.transport for slot in self._slots.values() if slot.adapter is None}

    def capabilities(self, transport_profile: str, platform: str) -> Capabilities:
        """What the platform can do; the least that can be assumed when its adapter could not be made."""
        slot = self.slot(transport_profile, platform)
        return PLAIN if slot is None else slot.capabilities

    async def changed(self) -> None:
        """See `hermes_trio.delivery.outbox_worker.Senders.changed`."""
        await self._change.wait()

    def note_sent(self, transport_profile: str, platform: str) -> None:
        """See `hermes_trio.delivery.outbox_worker.Senders.note_sent`."""
        slot = self.slot(transport_profile, platform)
        if slot is not None:
            slot.sent += 1


class BotSender:
    """Shows things through a bot for as long as it is there; a `hermes_trio.delivery.shown.Sender`.

    An adapter that crashes harms what is shown, and not the turn that shows it: the crash is logged, and an
    `AdapterError` for the caller.

    Args:
        senders: The bots of all profiles.
        transport_profile: Whose bot.
        platform: On which platform.
        log: Of the profile that shows something.
    """

    def __init__(self, senders: AnySenders, transport_profile: str, platform: str, log: ProfileLogger) -> None:
        self._senders = senders
        self._transport_profile = transport_profile
        self._platform = platform
        self._log = log

    async def send(self, target: Target, text: OutgoingText) -> SentMessage:
        """Send a message."""
        return await self._ask(lambda adapter: adapter.send(target, text))

    async def edit(self, target: Target, message_id: str, text: OutgoingText) -> None:
        """Replace a sent message."""
        await self._ask(lambda adapter: adapter.edit(target, message_id, text))

    async def delete(self, target: Target, message_id: str) -> None:
        """Delete a sent message."""
        await self._ask(lambda adapter: adapter.delete(target, message_id))

    async def show_typing(self, target: Target) -> None:
        """Show that somebody is about to write."""
        await self._ask(lambda adapter: adapter.show_typing(target))

    async def react(self, target: Target, message_id: str, reaction: str) -> None:
        """Put a reaction below a message."""
        await self._ask(lambda adapter: adapter.react(target, message_id, reaction))

    async def _ask(self, call: Callable[[Adapter], Awaitable[T]]) -> T:
        adapter = self._senders.find(self._transport_profile, self._platform)
        if adapter is None:
            raise Unreachable(f"{self._platform} is not connected", profile=self._transport_profile)
        try:
            return await call(adapter)
        except AdapterError:
            raise
        except Exception as error:
            text = self._log.redact("".join(traceback.format_exception(error)))
            self._log.error(f"the adapter of {self._platform} crashed while it showed something: {text}")
            raise AdapterError(
                f"crashed: {type(error).__name__}",
                code="adapter_crashed",
                profile=self._transport_profile,
                may_have_arrived=True,
            ) from error
