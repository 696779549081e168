"""What a running adapter may ask of the core; one for each run of an adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.gateway.adapter_slot import AdapterState
from hermes_trio.gateway.migration import move_chat
from hermes_trio.turns.commands.registry import load_menu

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from hermes_trio.adapter_api.adapter import Adapter, CommandInfo, WebHandler
    from hermes_trio.adapter_api.messages import ButtonPress, InboundMessage
    from hermes_trio.gateway.adapter_slot import AdapterSlot
    from hermes_trio.gateway.chats import Chats


class CoreContext:
    """The core's side of `hermes_trio.adapter_api.adapter.AdapterContext`; see there for the methods.

    Args:
        chats: The conversations of the profile whose bot the adapter is.
        slot: The adapter's place.
        adapter: The adapter.
    """

    def __init__(self, chats: Chats, slot: AdapterSlot, adapter: Adapter) -> None:
        self._chats = chats
        self._slot = slot
        self._adapter = adapter

    async def load_commands(self) -> Sequence[CommandInfo]:
        """The slash commands for the platform's menu."""
        return await load_menu(self._chats.scope, self._slot.platform)

    async def receive(self, messages: Sequence[InboundMessage]) -> None:
        """Take messages over."""
        await self._chats.ingress(self._slot).receive(messages)

    async def press(self, press: ButtonPress) -> str:
        """Take a press of a button."""
        return await self._chats.press(self._slot, press)

    async def migrate(self, old_chat_id: str, new_chat_id: str) -> None:
        """A chat's conversations go on under its new id, also those with profiles that answer through this bot."""
        transport, router = self._slot.transport, self._chats.router
        await move_chat(self._chats.scope, transport, old_chat_id, new_chat_id)
        for other in router.all_chats():
            if router.is_target(other.scope.name) and other is not self._chats:
                await other.runtime.call(move_chat, transport, old_chat_id, new_chat_id)
        if any(route.chat_id == old_chat_id for route in router.routes.routes):
            self._chats.log.warning(
                f"{self._slot.platform} chat {old_chat_id} is now {new_chat_id}; routes still name the old id",
                reason="route_chat_moved",
            )

    def connected(self) -> None:
        """All is well again."""
        if self._slot.adapter is not None and self._slot.state is not AdapterState.CONNECTED:
            self._slot.enter(AdapterState.CONNECTED, adapter=self._adapter)

    def troubled(self, reason: str, detail: str, retry_in: float | None = None) -> None:
        """Something is wrong. Sending goes on: the way out may work while the way in does not."""
        detail = self._chats.scope.log.redact(detail)
        self._chats.log.warning(f"{self._slot.platform} is in trouble: {detail}", reason=reason)
        self._slot.enter(AdapterState.RETRYING, reason, detail, retry_in=retry_in, adapter=self._slot.adapter)

    def mount(self, path: str, handler: WebHandler) -> AbstractContextManager[str]:
        """Serve a path of the gateway's listener."""
        return self._chats.mounts.mount(self._slot.profile, path, handler)
