"""Checks of connecting, outages, and credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.testing.conformance.rig import Moment, Trouble
from hermes_trio.testing.conformance.waiting import eventually, require
from hermes_trio.testing.conformance.world import open_served_world, open_world

if TYPE_CHECKING:
    from hermes_trio.testing.conformance.rig import PlatformRig
    from hermes_trio.testing.conformance.world import Side

OUTAGES: Final = (Trouble.SERVER_ERROR, Trouble.MALFORMED, Trouble.HANG, Trouble.DROP_BEFORE)

_ASKED_SECONDS: Final = 90.0
_OUTAGE_SECONDS: Final = 1800.0
_FEWEST_TRIES: Final = 10
_MOST_TRIES: Final = 400
_MOST_TRIES_IN_A_MINUTE: Final = 60


async def connects(rig: PlatformRig) -> None:
    """Both bots connect, each as an account of its own, with the capabilities that the rig says."""
    async with open_served_world(rig) as world:
        bots = [side.slot.bot for side in world.sides]
        require(all(bot is not None and bot.user_id and bot.name for bot in bots), f"a bot without id or name: {bots}")
        require(bots[0] != bots[1], f"two bots say that they are {bots[0]}")
        for side in world.sides:
            told = side.slot.capabilities
            require(told == rig.capabilities, f"the adapter says {told}\nthe rig says {rig.capabilities}")
            require(side.observed.runs == 1, f"{side.name} needed {side.observed.runs} runs to connect")


async def rides_out_an_outage_at_connect(rig: PlatformRig, kind: Trouble) -> None:
    """While the platform fails from the start, it is tried with pauses, and the sibling answers."""
    async with open_world(rig) as world:
        ada, bob = world.sides
        ada.bot.trouble(kind, Moment.CONNECT, times=None)
        begun = trio.current_time()
        async with world.served():
            await bob.answers("sibling")
            require(ada.slot.adapter is None, "it says that it has connected, and the platform has not answered yet")
            await eventually(lambda: ada.slot.reason, "the status says why it is not connected", side=ada)
            _require_explained(ada)
            await trio.sleep(_OUTAGE_SECONDS)
            _require_patience(ada, begun)
            ada.bot.calm()
            await ada.connected()
            await ada.answers("again")
            require(bob.observed.runs == 1, "the sibling was started again")


async def rides_out_an_outage_while_running(rig: PlatformRig, kind: Trouble) -> None:
    """An outage while messages are received is told in the status, ridden out, and loses and repeats nothing."""
    async with open_served_world(rig) as world:
        ada, bob = world.sides
        ada.bot.trouble(kind, Moment.RECEIVE, times=3)
        await ada.answers("before")
        await ada.unwell()
        _require_explained(ada)
        await bob.answers("sibling")
        await ada.answers("during", seconds=900)
        await ada.connected(seconds=900)
        await trio.sleep(120)
        for word in ("before", "during"):
            require(ada.count(word) == 1, f"{word!r} was answered {ada.count(word)} times")
        require(bob.observed.runs == 1, "the sibling was started again")


async def rides_out_a_lost_network(rig: PlatformRig) -> None:
    """Without a network both bots try again with pauses; what was said meanwhile is answered, once."""
    async with open_served_world(rig) as world:
        await world.wire.cut()
        cut = trio.current_time()
        for side in world.sides:
            await side.unwell()
            _require_explained(side)
            await side.bot.hear("meanwhile")
        await trio.sleep(_OUTAGE_SECONDS)
        tries = sum(at >= cut for at in world.wire.attempts)
        require(tries <= 2 * _MOST_TRIES, f"{tries} tries to connect in {_OUTAGE_SECONDS:g} s")
        world.wire.mend()
        for side in world.sides:
            await side.answered("meanwhile")
            await side.connected()
        await trio.sleep(120)
        for side in world.sides:
            require(side.count("meanwhile") == 1, f"{side.name} answered {side.count('meanwhile')} times")


async def asks_no_sooner_than_it_may(rig: PlatformRig, moment: Moment) -> None:
    """An adapter that is told to wait asks nothing until then, and loses nothing by it."""
    async with open_world(rig) as world:
        ada, bob = world.sides
        if moment is Moment.CONNECT:
            ada.bot.trouble(Trouble.RATE_LIMITED, moment, seconds=_ASKED_SECONDS)
        async with world.served():
            await bob.connected()
            if moment is Moment.RECEIVE:
                await ada.connected()
                await trio.sleep(1)
                ada.bot.trouble(Trouble.RATE_LIMITED, moment, seconds=_ASKED_SECONDS)
                await ada.answers("before")
            await trio.sleep(5)
            begun = trio.current_time()
            await ada.bot.hear("during")
            await bob.answers("sibling")
            await trio.sleep(_ASKED_SECONDS - 10)
            writes = ada.writes_since(begun)
            require(writes == 0, f"the platform asked for {_ASKED_SECONDS:g} s, and was asked {writes} times meanwhile")
            await ada.answered("during", seconds=60)
            await ada.connected()


async def parks_on_a_refused_credential(rig: PlatformRig) -> None:
    """A credential that the platform refuses parks the adapter: no try without a mend; the sibling goes on."""
    async with open_world(rig) as world:
        ada, bob = world.sides
        ada.bot.trouble(Trouble.CREDENTIAL_REFUSED, Moment.CONNECT, times=None)
        async with world.served():
            await ada.enters("parked", "bad_credential")
            await _require_parked(ada)
            await bob.answers("sibling")
            ada.bot.calm()
            ada.runner.resume()
            await ada.connected()
            await ada.answers("mended")


async def parks_on_a_revoked_credential(rig: PlatformRig) -> None:
    """A credential that is refused while the bot runs parks it, too; the sibling goes on."""
    async with open_served_world(rig) as world:
        ada, bob = world.sides
        ada.bot.trouble(Trouble.CREDENTIAL_REFUSED, Moment.RECEIVE, times=None)
        await ada.bot.hear("last words")
        await ada.enters("parked", "bad_credential")
        await _require_parked(ada)
        await bob.answers("sibling")


async def parks_without_a_credential(rig: PlatformRig) -> None:
    """A profile without a credential parks its adapter, which asks the platform nothing; the sibling goes on."""
    async with open_world(rig) as world:
        ada, bob = world.sides
        ada.has_credential = False
        async with world.served():
            await ada.enters("parked", "missing_credential")
            await _require_parked(ada)
            require(ada.observed.runs == 0, "the adapter was run")
            await bob.answers("sibling")


async def parks_the_second_user_of_a_credential(rig: PlatformRig) -> None:
    """Of two profiles with one credential the first by name connects and answers; the other is parked."""
    async with open_world(rig) as world:
        ada, bob = world.sides
        bob.bot = ada.bot
        async with world.served():
            await eventually(lambda: {side.slot.state for side in world.sides} == {"connected", "parked"}, "one parks")
            await ada.connected()
            require(bob.slot.reason == "duplicate_credential", f"it is parked for {bob.slot.reason}")
            await ada.answers("hello")
            await trio.sleep(120)
            require(ada.count("hello") == 1, f"answered {ada.count('hello')} times")
            # The second one may have been there for a moment, and then have given way.
            require(not ada.observed.ran_with + bob.observed.ran_with, "both were run at the same time")


async def parks_on_a_conflict(rig: PlatformRig) -> None:
    """When the platform says that somebody else uses the credential, it is parked and tried from time to time."""
    async with open_served_world(rig) as world:
        ada, bob = world.sides
        ada.bot.trouble(Trouble.CREDENTIAL_CONFLICT, Moment.RECEIVE, times=None)
        await ada.bot.hear("before")
        await ada.enters("parked", "duplicate_credential")
        require(ada.slot.next_retry is not None, "it is never tried again")
        await bob.answers("sibling")
        ada.bot.calm()
        await ada.connected()
        await ada.answers("after")


def _require_explained(side: Side) -> None:
    slot = side.slot
    require(slot.reason and slot.detail, f"the status does not say why: {slot.reason!r}, {slot.detail!r}")
    for secret in side.secrets:
        require(secret not in f"{slot.reason} {slot.detail}", f"the status shows a secret: {slot.detail}")


def _require_patience(side: Side, begun: float) -> None:
    now = trio.current_time()
    tries, late = side.writes_since(begun), side.writes_since(now - _OUTAGE_SECONDS / 2)
    require(tries >= _FEWEST_TRIES, f"{tries} tries in {now - begun:.0f} s: it has given up")
    require(tries <= _MOST_TRIES, f"{tries} tries in {now - begun:.0f} s: it does not pause long enough")
    require(late <= tries / 2, "the pauses do not grow")


async def _require_parked(side: Side) -> None:
    require(side.slot.next_retry is None, f"it is tried again at {side.slot.next_retry}")
    _require_explained(side)
    await trio.sleep(60)  # what was begun before may end
    since = trio.current_time()
    await trio.sleep(3600)
    writes = side.writes_since(since)
    require(writes == 0, f"a parked adapter asked the platform {writes} times in an hour")
    require(side.slot.state == "parked", f"it is {side.slot.state} after an hour")
