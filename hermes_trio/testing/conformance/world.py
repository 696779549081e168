"""The world that a check acts in: a stand-in for the platform, and a gateway with two profiles that have bots there."""

from __future__ import annotations

import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hermes_trio.errors import ConfigError
from hermes_trio.gateway.adapter_runner import CredentialLocks
from hermes_trio.home.process_record import current_process_record
from hermes_trio.testing.conformance.observed import Observed, observing
from hermes_trio.testing.conformance.rig import EffectKind
from hermes_trio.testing.conformance.waiting import WAIT_SECONDS, eventually, require
from hermes_trio.testing.conformance.wire import Wire
from hermes_trio.testing.gateway import open_gateway
from hermes_trio.testing.home import ProfileFiles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from hermes_trio.adapter_api import Adapter, AdapterFactory
    from hermes_trio.gateway.adapter_runner import AdapterRunner
    from hermes_trio.gateway.adapter_slot import AdapterSlot
    from hermes_trio.gateway.chats import Chats
    from hermes_trio.scope import ProfileScope
    from hermes_trio.testing.conformance.rig import Effect, PlatformRig, StandIn, StandInBot
    from hermes_trio.testing.gateway import GatewayFixture

_TOLD: Final = 6


@dataclass(slots=True, eq=False)
class Side:
    """One of the two profiles, and its bot.

    Attributes:
        name: The profile.
        persona: The name in which it answers.
        bot: Its bot at the stand-in.
        canary: A secret of the profile that has nothing to do with the bot.
        observed: What its adapter does.
        has_credential: Whether its files hold the credential.
    """

    world: World
    name: str
    persona: str
    bot: StandInBot
    canary: str
    observed: Observed
    has_credential: bool = True

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that nobody else may see."""
        return (*self.bot.secrets, self.canary)

    @property
    def scope(self) -> ProfileScope:
        """The scope of the profile's present generation."""
        return self._chats.scope

    @property
    def slot(self) -> AdapterSlot:
        """The adapter's place in the gateway."""
        return self._chats.slots[self.world.rig.platform]

    @property
    def runner(self) -> AdapterRunner:
        """What keeps the adapter running."""
        return self._chats.runners[self.world.rig.platform]

    @property
    def texts(self) -> list[str]:
        """What its bot has said, oldest first."""
        return [message.text for message in self.messages]

    @property
    def messages(self) -> list[Effect]:
        """What stands in the chat of its bot: what it has sent, as it reads after edits; an answer may grow so."""
        found: dict[str, Effect] = {}
        for one in self.bot.effects:
            if one.kind is EffectKind.MESSAGE:
                found[one.message_id] = one
            elif one.kind is EffectKind.EDIT and one.message_id in found:
                found[one.message_id] = replace(
                    found[one.message_id], text=one.text, formatted=one.formatted, buttons=one.buttons
                )
            elif one.kind is EffectKind.DELETE:
                found.pop(one.message_id, None)
        return list(found.values())

    def effects(self, *kinds: EffectKind) -> list[Effect]:
        """What its bot has done, oldest first."""
        return [effect for effect in self.bot.effects if effect.kind in kinds]

    def describe(self) -> str:
        """How it is doing, for a failure."""
        try:
            slot = self.slot
            state = f"{slot.state} ({slot.reason}: {slot.detail})" if slot.reason else str(slot.state)
        except AssertionError as error:
            state = str(error)
        last = [f"{one.kind} {one.text[:80]!r}" for one in self.bot.effects[-_TOLD:]]
        offered = [message.text[:40] for message in self.observed.offered[-_TOLD:]]
        return (
            f"profile {self.name}: adapter {state}; {self.observed.runs} runs; {self.bot.unconfirmed} unconfirmed\n"
            f"  handed over: {offered or 'nothing'}\n  arrived at the platform: {last or 'nothing'}"
        )

    async def connected(self, *, seconds: float = WAIT_SECONDS) -> Adapter:
        """Wait until the adapter is connected and well."""
        await eventually(lambda: self.slot.state == "connected", f"{self.name} connects", seconds=seconds, side=self)
        adapter = self.slot.adapter
        if adapter is None:
            raise AssertionError(f"{self.name} is connected, but its adapter cannot be used")
        return adapter

    async def unwell(self) -> None:
        """Wait until the status tells that the adapter is in trouble."""
        await eventually(lambda: self.slot.state != "connected", f"{self.name}'s status tells of it", side=self)

    async def enters(self, state: str, reason: str | None = None) -> None:
        """Wait until the adapter is in a state, for a reason."""

        def there() -> bool:
            return self.slot.state == state and reason in (None, self.slot.reason)

        await eventually(there, f"{self.name} becomes {state}{f' ({reason})' if reason else ''}", side=self)

    async def said(self, text: str, *, seconds: float = WAIT_SECONDS) -> Effect:
        """Wait until its bot has said a text; the first message that holds it."""

        found: list[Effect] = []

        def look() -> bool:
            found[:] = [one for one in self.messages if text in one.text]
            return bool(found)

        await eventually(look, f"{self.name} says {text[:80]!r}", seconds=seconds, side=self)
        return found[0]

    async def answers(self, word: str, *, seconds: float = WAIT_SECONDS) -> Effect:
        """Say a word to the bot and wait for the answer, which names the persona."""
        await self.bot.hear(word)
        return await self.answered(word, seconds=seconds)

    async def answered(self, word: str, *, seconds: float = WAIT_SECONDS) -> Effect:
        """Wait for the answer to a word."""
        effect = await self.said(self.answer_to(word), seconds=seconds)
        require(effect.chat_id == self.bot.chat_id, f"the answer went to the chat {effect.chat_id}")
        return effect

    def writes_since(self, moment: float) -> int:
        """How often something was sent since then on connections that carry the bot's credential."""
        secrets = [secret.encode() for secret in self.bot.secrets]
        return sum(
            at >= moment
            for connection in self.world.wire.connections
            if any(secret in connection.sent for secret in secrets)
            for at in connection.writes
        )

    def answer_to(self, word: str) -> str:
        """What the profile answers to a word."""
        return f"{self.persona} here. You said: {word}"

    def count(self, text: str) -> int:
        """How many messages of its bot hold a text."""
        return sum(text in one for one in self.texts)

    @property
    def _chats(self) -> Chats:
        slot = self.world.gateway.slot(self.name)
        if slot.runtime is None or slot.runtime.chats is None:
            raise AssertionError(f"the profile {self.name} does not serve: {slot.state} ({slot.detail})")
        return slot.runtime.chats


class World:
    """A stand-in, a network, a home, and, within `served`, a gateway with the profiles ``ada`` and ``bob``.

    Attributes:
        rig: The platform.
        wire: The network.
        root: The home.
        ada: A profile.
        bob: Its sibling, which must not notice anything.
    """

    def __init__(self, rig: PlatformRig, stand_in: StandIn, root: Path) -> None:
        self.rig = rig
        self.wire = Wire(stand_in.connect)
        self.root = root
        self._stand_in = stand_in
        bots = (stand_in.bot("ada"), stand_in.bot("bob"))
        self.ada = Side(self, "ada", "Ada", bots[0], "canary-of-ada-5c1f9e", Observed())
        self.bob = Side(self, "bob", "Bob", bots[1], "canary-of-bob-e07d23", Observed())
        self._gateway: GatewayFixture | None = None

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both profiles."""
        return self.ada, self.bob

    @property
    def gateway(self) -> GatewayFixture:
        """The gateway."""
        if self._gateway is None:
            raise AssertionError("the gateway does not run")
        return self._gateway

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """Run the gateway for the length of a block."""
        observed = {side.name: side.observed for side in self.sides}
        record = current_process_record(("conformance",))
        async with open_gateway(
            {side.name: self._files(side) for side in self.sides},
            root=self.root,
            connect=self.wire.connect,
            find_adapter=self._finder(observing(self.rig.factory, observed)),
            credential_locks=CredentialLocks(self.root.parent / "locks", record),
        ) as gateway:
            self._gateway = gateway
            self._stand_in.attach(gateway.connect)
            try:
                yield
            finally:
                self._stand_in.attach(None)
                self._gateway = None

    def describe(self) -> str:
        """How everybody is doing."""
        if self._gateway is None:
            return "the gateway does not run"
        return "\n".join(side.describe() for side in self.sides)

    def _files(self, side: Side) -> ProfileFiles:
        platforms = {self.rig.platform: {"enabled": True, **side.bot.settings}}
        credential: Mapping[str, str] = side.bot.variables if side.has_credential else {}
        return ProfileFiles(
            soul=f"You are {side.persona}.",
            config={"model": "builtin/echo", "platforms": platforms, "agent": {"restart_drain_timeout": 1}},
            env={**credential, "GATEWAY_ALLOW_ALL_USERS": "true", "CONFORMANCE_CANARY": side.canary},
        )

    def _finder(self, factory: AdapterFactory) -> Callable[[str], AdapterFactory]:
        def find(platform: str) -> AdapterFactory:
            if platform != self.rig.platform:
                raise ConfigError(f"the conformance kit knows {self.rig.platform} only, not {platform}")
            return factory

        return find


@asynccontextmanager
async def open_world(rig: PlatformRig) -> AsyncIterator[World]:
    """Open a stand-in, without a gateway yet, for the length of a block; a failure says how everybody was doing."""
    with tempfile.TemporaryDirectory() as folder:
        async with rig.open() as stand_in:
            yield World(rig, stand_in, Path(folder) / "home")


@asynccontextmanager
async def open_served_world(rig: PlatformRig) -> AsyncIterator[World]:
    """A world whose gateway runs and whose adapters are both connected."""
    async with open_world(rig) as world, world.served():
        for side in world.sides:
            await side.connected()
        yield world
