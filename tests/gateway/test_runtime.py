"""Work that outsiders ask a profile to do."""

from types import SimpleNamespace

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from hermes_trio.errors import CapacityExceeded, ModelError, ProfileUnavailable
from hermes_trio.gateway import runtime as runtime_module
from hermes_trio.gateway.capacity import TurnCapacity
from hermes_trio.gateway.runtime import ProfileRuntime, SessionLocks
from hermes_trio.turns.turn import TurnRequest


def make_runtime(nursery: trio.Nursery) -> ProfileRuntime:
    scope = SimpleNamespace(name="ada", generation=1)
    return ProfileRuntime(scope, None, nursery, TurnCapacity(10, 1))


async def test_a_call_gets_the_profiles_scope_and_its_value_comes_back():
    async def work(scope, number):
        return f"{scope.name} {number}"

    async with trio.open_nursery() as nursery:
        assert await make_runtime(nursery).call(work, 7) == "ada 7"


async def test_an_error_goes_to_the_caller_and_leaves_the_profile_alone():
    async def work(scope):
        raise ValueError("mine")

    async with trio.open_nursery() as nursery:
        runtime = make_runtime(nursery)
        with pytest.raises(ValueError, match="mine"):
            await runtime.call(work)
        assert not nursery.cancel_scope.cancel_called


async def test_a_cancelled_caller_takes_the_work_with_it():
    ended = []

    async def work(scope):
        try:
            await trio.sleep_forever()
        finally:
            ended.append("work")

    async with trio.open_nursery() as nursery:
        runtime = make_runtime(nursery)
        with trio.CancelScope() as scope:
            nursery.start_soon(cancel_when_blocked, scope)
            await runtime.call(work)
        assert ended == ["work"]


async def cancel_when_blocked(scope: trio.CancelScope) -> None:
    await wait_all_tasks_blocked()
    scope.cancel()


async def test_the_end_of_the_profile_is_told_to_those_who_wait(autojump_clock):
    told = []

    async def ask(runtime):
        try:
            await runtime.call(lambda scope: trio.sleep_forever())
        except ProfileUnavailable as error:
            told.append(error.retry_after)

    async with trio.open_nursery() as outside, trio.open_nursery() as nursery:
        outside.start_soon(ask, make_runtime(nursery))
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert told == [1.0]


async def test_draining_waits_for_running_work_and_refuses_new(autojump_clock):
    async with trio.open_nursery() as nursery:
        runtime = make_runtime(nursery)
        nursery.start_soon(runtime.call, lambda scope: trio.sleep(7))
        await wait_all_tasks_blocked()
        nursery.start_soon(refuse, runtime)
        begun = trio.current_time()
        assert await runtime.drain(30)
        assert trio.current_time() - begun == pytest.approx(7)


async def refuse(runtime: ProfileRuntime) -> None:
    with pytest.raises(ProfileUnavailable):
        await runtime.call(lambda scope: trio.sleep(0))


async def test_draining_gives_up_at_its_deadline(autojump_clock):
    async with trio.open_nursery() as nursery:
        runtime = make_runtime(nursery)
        nursery.start_soon(runtime.call, lambda scope: trio.sleep_forever())
        await wait_all_tasks_blocked()
        assert not await runtime.drain(5)
        nursery.cancel_scope.cancel()


async def test_draining_waits_for_what_was_admitted_and_admits_nothing_new(autojump_clock):
    async def work(runtime):
        with runtime.admission():
            await trio.sleep(7)

    async with trio.open_nursery() as nursery:
        runtime = make_runtime(nursery)
        nursery.start_soon(work, runtime)
        await wait_all_tasks_blocked()
        begun = trio.current_time()
        assert await runtime.drain(30)
        assert trio.current_time() - begun == pytest.approx(7)
        with pytest.raises(ProfileUnavailable):
            await work(runtime)


async def test_what_was_admitted_is_told_when_draining_gives_up(autojump_clock):
    told = []

    async def work(runtime):
        with pytest.raises(ProfileUnavailable), runtime.admission():
            await trio.sleep_forever()
        told.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        runtime = make_runtime(nursery)
        nursery.start_soon(work, runtime)
        await wait_all_tasks_blocked()
        begun = trio.current_time()
        assert not await runtime.drain(5)
    assert told == [pytest.approx(begun + 5)]


async def test_draining_an_idle_profile_takes_no_time(autojump_clock):
    async with trio.open_nursery() as nursery:
        begun = trio.current_time()
        assert await make_runtime(nursery).drain(30)
        assert trio.current_time() == begun


async def test_turns_of_one_session_run_in_the_order_in_which_they_came(autojump_clock):
    locks, order = SessionLocks(), []

    async def turn(session: str, number: int) -> None:
        async with locks.turn_of(session):
            order.append((session, number))
            await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(turn, "s", number)
            await wait_all_tasks_blocked()
        nursery.start_soon(turn, "other", 0)
    assert [one for one in order if one[0] == "s"] == [("s", 0), ("s", 1), ("s", 2)]
    assert order.index(("other", 0)) == 1


async def test_a_session_nobody_uses_is_forgotten(autojump_clock):
    locks = SessionLocks()
    with trio.move_on_after(1):
        async with locks.turn_of("s"), locks.turn_of("t"):
            await trio.sleep_forever()
    assert locks._locks == {}


class Turns:
    """Turns that a test ends as it likes, instead of an agent's."""

    def __init__(self, monkeypatch) -> None:
        self.outcomes: list[object] = []
        self.go_on = trio.Event()
        self.error: Exception | None = None
        monkeypatch.setattr(runtime_module, "run_turn", self._run)

    async def _run(self, scope, agent, request, emit) -> str:
        await self.go_on.wait()
        if self.error is not None:
            raise self.error
        return f"answer to {request.session_id}"


def seated_runtime(nursery: trio.Nursery, capacity: TurnCapacity) -> ProfileRuntime:
    scope = SimpleNamespace(name="ada", generation=1, config=SimpleNamespace(max_concurrent_sessions=1))
    return ProfileRuntime(scope, None, nursery, capacity)


async def no_reader(events) -> None:
    """Nobody reads."""


async def test_a_turn_that_goes_on_has_its_seat_at_once_and_leaves_it_before_its_end_is_told(monkeypatch):
    turns, capacity, running = Turns(monkeypatch), TurnCapacity(10, 1), []

    def ended(outcome) -> None:
        turns.outcomes.append(outcome)
        running.append(capacity.running())

    async with trio.open_nursery() as nursery:
        runtime = seated_runtime(nursery, capacity)
        runtime.begin_turn(TurnRequest("t", "s", "x"), no_reader, ended)
        assert capacity.running() == 1
        with pytest.raises(CapacityExceeded):
            runtime.begin_turn(TurnRequest("t", "s", "x"), no_reader, ended)
        turns.go_on.set()
    assert turns.outcomes == ["answer to s"]
    assert running == [0]


async def test_a_turn_that_goes_on_tells_its_error_and_leaves_the_profile_alone(monkeypatch):
    turns, capacity = Turns(monkeypatch), TurnCapacity(10, 1)
    turns.error = error = ModelError("no")
    turns.go_on.set()
    async with trio.open_nursery() as nursery:
        runtime = seated_runtime(nursery, capacity)
        runtime.begin_turn(TurnRequest("t", "s", "x", history=()), no_reader, turns.outcomes.append)
        await wait_all_tasks_blocked()
        assert not nursery.cancel_scope.cancel_called
    assert turns.outcomes == [error]


@pytest.mark.parametrize("by_profile", [False, True])
async def test_a_turn_that_goes_on_can_be_cancelled_and_ends_with_the_profile(monkeypatch, by_profile):
    turns, capacity = Turns(monkeypatch), TurnCapacity(10, 1)
    async with trio.open_nursery() as nursery:
        runtime = seated_runtime(nursery, capacity)
        hold = runtime.begin_turn(TurnRequest("t", "s", "x"), no_reader, turns.outcomes.append)
        if by_profile:  # before it has run a single step
            nursery.cancel_scope.cancel()
        else:
            await wait_all_tasks_blocked()
            hold.cancel()
    assert turns.outcomes == [None]
    assert capacity.running() == 0


async def test_a_drain_waits_for_a_turn_that_goes_on_and_takes_no_other_even_if_no_seat_is_free(
    monkeypatch, autojump_clock
):
    turns = Turns(monkeypatch)
    async with trio.open_nursery() as nursery:
        runtime = seated_runtime(nursery, TurnCapacity(10, 1))
        runtime.begin_turn(TurnRequest("t", "s", "x"), no_reader, turns.outcomes.append)
        nursery.start_soon(runtime.drain, 60)
        await wait_all_tasks_blocked()
        with pytest.raises(ProfileUnavailable):
            runtime.begin_turn(TurnRequest("t", "s", "x"), no_reader, turns.outcomes.append)
        await trio.sleep(50)
        assert turns.outcomes == []
        turns.go_on.set()
    assert turns.outcomes == ["answer to s"]
