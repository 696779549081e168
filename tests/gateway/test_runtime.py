"""Work that outsiders ask a profile to do."""

from types import SimpleNamespace

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from hermes_trio.errors import ProfileUnavailable
from hermes_trio.gateway.capacity import TurnCapacity
from hermes_trio.gateway.runtime import ProfileRuntime, SessionLocks


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
