"""Of several adapters that want one credential the one that goes before has it, and never two at once."""

from __future__ import annotations

import math
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from hermes_trio.adapter_api import ExclusiveResource
from hermes_trio.gateway.credential_claims import RETURN_SECONDS, CredentialClaims

NAMES = ("default", "ada", "bea", "cleo")
TOKENS = ("x", "y", "z")


def tokens(*identities):
    return [ExclusiveResource("token", identity) for identity in identities]


class Claimants:
    """Claims of several profiles on one table."""

    def __init__(self):
        self.table = CredentialClaims()
        self.restarting = set()

    @contextmanager
    def open(self, name, *identities, platform="telegram"):
        with self.table.of(name, lambda: name in self.restarting).open(platform) as claim:
            claim.want(tokens(*identities))
            yield claim


@pytest.fixture
def claimants():
    return Claimants()


async def test_nobody_is_in_the_way_of_a_token_of_ones_own(claimants):
    with claimants.open("ada", "x") as ada, claimants.open("default", "y") as default:
        assert (ada.may_hold, default.may_hold) == (True, True)


@pytest.mark.parametrize("first", [0, 1])
async def test_default_goes_before_others_whoever_comes_first(claimants, first):
    names = ["ada", "default"]
    with claimants.open(names[first], "x") as one, claimants.open(names[1 - first], "x") as other:
        found = {one.profile: one, other.profile: other}
        assert found["default"].may_hold
        assert found["ada"].goes_before is found["default"]


async def test_the_others_go_by_name(claimants):
    with claimants.open("bea", "x") as bea, claimants.open("cleo", "x") as cleo, claimants.open("ada", "x") as ada:
        assert (bea.goes_before, cleo.goes_before, ada.goes_before) == (ada, ada, None)


async def test_who_cannot_have_all_that_it_wants_keeps_nothing_from_others(claimants):
    with (
        claimants.open("default", "x"),
        claimants.open("ada", "x", "y") as ada,
        claimants.open("bea", "y") as bea,
    ):
        assert not ada.may_hold
        assert bea.may_hold


async def test_who_wants_nothing_any_more_is_in_nobodys_way(claimants):
    with claimants.open("default", "x") as default, claimants.open("ada", "x") as ada:
        default.drop()
        assert ada.may_hold
        default.want(tokens("x"))
        assert not ada.may_hold


async def test_who_has_it_gives_way_and_only_then_it_is_free(claimants, autojump_clock):
    async def use(claim, *, task_status):
        with claim.hold():
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await trio.sleep(3)

    async with trio.open_nursery() as nursery:
        with claimants.open("ada", "x") as ada:
            await nursery.start(use, ada)
            with claimants.open("default", "x") as default:
                assert (default.goes_before, default.may_hold) == (None, False)
                with trio.fail_after(10):
                    while not default.may_hold:
                        await default.changed()
                assert trio.current_time() == pytest.approx(3)
                assert ada.goes_before is default


async def test_what_is_free_is_told_to_who_waits(claimants, autojump_clock):
    free = trio.Event()

    async def wait(claim):
        while not claim.may_hold:
            await claim.changed()
        free.set()

    async with trio.open_nursery() as nursery:
        with claimants.open("ada", "x") as ada:
            with claimants.open("default", "x"):
                nursery.start_soon(wait, ada)
                await wait_all_tasks_blocked()
                assert not free.is_set()
            await wait_all_tasks_blocked()
            assert free.is_set()


class TestWhoIsStartedAgain:
    async def test_keeps_its_turn_for_a_moment(self, claimants, autojump_clock):
        claimants.restarting.add("default")
        with claimants.open("ada", "x") as ada:
            with claimants.open("default", "x"):
                pass
            assert not ada.may_hold
            with trio.fail_after(RETURN_SECONDS + 1):
                while not ada.may_hold:
                    await ada.changed()
            assert trio.current_time() == pytest.approx(RETURN_SECONDS)

    async def test_has_it_when_it_returns_in_time(self, claimants, autojump_clock):
        claimants.restarting.add("default")
        with claimants.open("ada", "x") as ada:
            with claimants.open("default", "x"):
                pass
            with claimants.open("default", "x") as returned:
                assert (returned.may_hold, ada.may_hold) == (True, False)
                await trio.sleep(2 * RETURN_SECONDS)
                assert ada.goes_before is returned

    async def test_frees_the_old_token_when_it_has_another(self, claimants, autojump_clock):
        claimants.restarting.add("default")
        with claimants.open("ada", "x") as ada:
            with claimants.open("default", "x"):
                pass
            with claimants.open("default", "y"):
                assert ada.may_hold

    async def test_frees_the_token_of_a_platform_that_it_has_no_more(self, claimants, autojump_clock):
        claimants.restarting.add("default")
        with claimants.open("ada", "x") as ada:
            with claimants.open("default", "x"):
                pass
            claimants.table.of("default", lambda: False).returned({"discord"})
            assert ada.may_hold

    async def test_is_forgotten_after_that_moment_by_those_who_come_later(self, claimants, autojump_clock):
        claimants.restarting.add("default")
        with claimants.open("default", "x"):
            pass
        await trio.sleep(RETURN_SECONDS)
        with claimants.open("ada", "x") as ada:
            assert ada.may_hold

    async def test_lets_those_who_come_after_it_give_way_to_each_other_when_it_stays_away(
        self, claimants, autojump_clock
    ):
        async def use(claim, *, task_status):
            with claim.hold():
                task_status.started()
                await trio.sleep_forever()

        claimants.restarting.add("default")
        async with trio.open_nursery() as nursery:
            with claimants.open("ada", "x", "y") as ada, claimants.open("bea", "y") as bea:
                with claimants.open("default", "x"):
                    await nursery.start(use, bea)
                with trio.fail_after(RETURN_SECONDS + 1):
                    while not ada.may_hold:
                        await ada.changed()


@dataclass(frozen=True)
class Life:
    """One life of one profile: it comes, wants something, leaves, and may be about to return.

    Attributes:
        pause: Seconds before it comes.
        wants: Its credentials.
        stays: Seconds until it leaves.
        closing: Seconds that its adapter takes to end.
        ends_itself: Seconds after which its adapter fails, to be tried again a second later; none of them for never.
        is_restart: Whether it is about to return.
    """

    pause: float
    wants: frozenset[str]
    stays: float
    closing: float
    ends_itself: float
    is_restart: bool


moments = st.integers(0, 12).map(float)
lives = st.builds(
    Life,
    pause=moments,
    wants=st.frozensets(st.sampled_from(TOKENS), min_size=1, max_size=2),
    stays=moments,
    closing=st.sampled_from([0.0, 0.0, 1.5]),
    ends_itself=st.sampled_from([math.inf, math.inf, 2.5]),
    is_restart=st.booleans(),
)
histories = st.fixed_dictionaries({name: st.lists(lives, max_size=4) for name in NAMES})


class Play:
    """Plays histories, and looks at each instant at which something happens who holds what."""

    def __init__(self):
        self.claimants = Claimants()
        self.holding = Counter()
        self.held_by = {}
        self.wanting = {}

    async def run(self, histories, *, last):
        async with trio.open_nursery() as nursery:
            for name, own in histories.items():
                nursery.start_soon(self._live, name, own, last.get(name))
            await trio.sleep(200)
            self.expect_rightful_holders()
            nursery.cancel_scope.cancel()

    async def _live(self, name, own, last):
        for life in own:
            await trio.sleep(life.pause)
            with trio.move_on_after(life.stays):
                await self._adapter(name, life)
        if last:
            await self._adapter(name, Life(0, last, 0, 0, math.inf, is_restart=False))

    async def _adapter(self, name, life):
        (self.claimants.restarting.add if life.is_restart else self.claimants.restarting.discard)(name)
        try:
            with self.claimants.open(name, *life.wants) as claim:
                self.wanting[name] = life.wants
                while True:
                    while not claim.may_hold:
                        await claim.changed()
                    with claim.hold():
                        await self._connected(name, life)
                    await trio.sleep(1)
        finally:
            del self.wanting[name]

    async def _connected(self, name, life):
        self.holding.update(life.wants)
        assert max(self.holding.values()) == 1
        for token in life.wants:
            self.held_by[token] = name
        try:
            await trio.sleep(life.ends_itself)
        finally:
            if life.closing:
                with trio.CancelScope(shield=True):
                    await trio.sleep(life.closing)
            self.holding.subtract(life.wants)
            for token in life.wants:
                del self.held_by[token]

    def expect_rightful_holders(self):
        """By precedence, everybody whose credentials are still free has all of them."""
        expected = {}
        for name in NAMES:
            wants = self.wanting.get(name, frozenset())
            if not any(token in expected for token in wants):
                expected.update(dict.fromkeys(wants, name))
        assert self.held_by == expected


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    histories,
    st.dictionaries(
        st.sampled_from(NAMES), st.frozensets(st.sampled_from(TOKENS), min_size=1, max_size=2), max_size=len(NAMES)
    ),
)
def test_whatever_comes_and_goes_one_has_it_at_a_time_and_in_the_end_the_rightful_one(histories, last):
    play = Play()

    async def main():
        await play.run(histories, last=last)

    trio.run(main, clock=MockClock(autojump_threshold=0))
