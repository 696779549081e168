"""Checks that an adapter keeps to itself: nothing left behind, nothing shared, no secret anywhere else."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.testing.conformance import residue
from hermes_trio.testing.conformance.rig import Moment, Trouble
from hermes_trio.testing.conformance.waiting import eventually, require
from hermes_trio.testing.conformance.world import open_served_world, open_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.testing.conformance.rig import PlatformRig
    from hermes_trio.testing.conformance.world import Side, World

_MOST_IDLE_WRITES: Final = 120
_IDLE_SECONDS: Final = 1000.0
_POISON: Final = "poison-5f0c"


async def leaves_nothing_behind(rig: PlatformRig) -> None:
    """An adapter that is cancelled leaves no task, thread, connection or file descriptor."""
    async with open_world(rig) as world:
        await _exchange(world, "first")  # so that what is made once in a process has been made
        gc.collect()
        before = residue.system_tasks(), residue.threads(), residue.open_descriptors()
        await _exchange(world, "second")
        gc.collect()
        after = residue.system_tasks(), residue.threads(), residue.open_descriptors()
        for what, earlier, later in zip(("system tasks", "threads", "file descriptors"), before, after, strict=True):
            require(earlier == later, f"{what} before: {earlier}; after: {later}")
        left = [connection for connection in world.wire.connections if not connection.closed]
        require(not left, f"{len(left)} connections are still open")


async def ends_when_cancelled(rig: PlatformRig, moment: Moment) -> None:
    """An adapter ends at once when it is cancelled, even while the platform does not answer."""
    async with open_world(rig) as world:
        ada = world.ada
        ada.bot.trouble(Trouble.HANG, moment, times=None)
        async with world.served():
            await world.bob.connected()
            await ada.bot.hear("hello")
            await trio.sleep(10)
            begun = trio.current_time()
            ada.runner.pause()
            await ada.enters("paused")
            took = trio.current_time() - begun
            require(took < 2, f"it took {took:.1f} s to end")


async def starts_again_with_its_profile(rig: PlatformRig) -> None:
    """A profile that is started again has its bot again; the sibling notices nothing."""
    async with open_served_world(rig) as world:
        ada, bob = world.sides
        await ada.answers("before")
        slot = world.gateway.slot("ada")
        slot.restart_wanted.set()
        await eventually(lambda: slot.generation == 2 and slot.runtime is not None, "the profile starts again")
        await ada.connected()
        await ada.answers("after")
        require(world.gateway.slot("bob").generation == 1 and bob.observed.runs == 1, "the sibling was started again")


async def is_quiet_when_idle(rig: PlatformRig) -> None:
    """While nobody says anything the platform is asked seldom."""
    async with open_served_world(rig) as world:
        await trio.sleep(60)
        begun = trio.current_time()
        await trio.sleep(_IDLE_SECONDS)
        for side in world.sides:
            writes = side.writes_since(begun)
            require(writes <= _MOST_IDLE_WRITES, f"{side.name} sent something {writes} times in {_IDLE_SECONDS:g} s")


async def holds_no_module_state(rig: PlatformRig) -> None:
    """Nothing in the adapter's modules, classes and caches changes while bots work, and nothing there could."""
    live = residue.live_objects_of(rig.packages)
    require(not live, f"modules hold what only one profile can use: {live}")
    async with open_world(rig) as world:
        await _exchange(world, "hello")
    before = residue.contents_of(rig.packages)
    require(before, f"no module of {rig.packages} is loaded")
    async with open_world(rig) as world:
        ada = world.ada
        ada.bot.trouble(Trouble.SERVER_ERROR, Moment.SEND if rig.calls_us else Moment.RECEIVE, times=2)
        await _exchange(world, "other words")
    after = residue.contents_of(rig.packages)
    changed = {name: (before.get(name), text) for name, text in after.items() if before.get(name) != text}
    require(not changed, f"modules have changed: {changed}")


async def reads_no_environment(rig: PlatformRig) -> None:
    """The adapter works with a poisoned environment and never looks at it: settings come from the profile's files."""
    async with open_world(rig) as world:
        names = {name for side in world.sides for name in side.bot.variables}
        poison = dict.fromkeys((*names, "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _POISON)
        await _exchange(world, "before")
        with residue.guarded_environment(rig.packages, poison) as found:
            await _exchange(world, "poisoned")
        require(not found, f"the environment was read: {found}")
        sent = b"".join(connection.sent for connection in world.wire.connections)
        require(_POISON.encode() not in sent, "a value from the environment was sent")
    places = residue.readers_of_environment(rig.packages)
    require(not places, f"these places name the environment: {places}")


async def leaks_no_secret(rig: PlatformRig) -> None:
    """No secret of a profile is in a log, the status, the sibling's files, or a request of somebody else's."""
    async with open_world(rig) as world:
        async with world.served():
            for side in world.sides:
                await side.answers(f"mark-of-{side.name}")
            for kind in (Trouble.SERVER_ERROR, Trouble.MALFORMED, Trouble.RATE_LIMITED, Trouble.DROP_BEFORE):
                world.ada.bot.trouble(kind, Moment.SEND)
                if not rig.calls_us:
                    world.ada.bot.trouble(kind, Moment.RECEIVE)
                await world.ada.answers(f"after {str(kind).replace('_', ' ')}", seconds=900)
            world.ada.bot.trouble(Trouble.CREDENTIAL_REFUSED, Moment.SEND)
            await world.ada.answers("the last", seconds=900)
            for side in world.sides:
                _require_silent(side, f"{world.gateway.gateway.status()} {side.slot.detail}", "the status")
        for connection in world.wire.connections:
            users = [side.name for side in world.sides if any(s.encode() in connection.sent for s in side.secrets)]
            require(len(users) <= 1, "one connection carried secrets of both profiles")
            for side in world.sides:
                require(side.canary.encode() not in connection.sent, f"a secret of {side.name}'s was sent")
        for side in world.sides:
            for name, content in _files(world, side):
                _require_silent(side, content, name)


async def _exchange(world: World, word: str) -> None:
    """Serve, let both answer, and stop."""
    async with world.served():
        for side in world.sides:
            await side.connected()
            await side.answers(word)


def _files(world: World, side: Side) -> Iterator[tuple[str, str]]:
    """All files in which a profile's secrets must not be: everything but its own settings."""
    own = world.root / "profiles" / side.name
    for path in sorted(world.root.rglob("*")):
        if path.is_file() and path != own / ".env":
            yield str(path.relative_to(world.root)), path.read_bytes().decode("latin-1")


def _require_silent(side: Side, text: str, where: str) -> None:
    for secret in side.secrets:
        require(secret not in text, f"{where} shows a secret of {side.name}")
    others = f"/profiles/{side.name}/" not in f"/{where}" and where.startswith("profiles/")
    require(not others or f"mark-of-{side.name}" not in text, f"{where} holds what was said to {side.name}")
