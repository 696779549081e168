import trio
from trio.testing import wait_all_tasks_blocked

from hermes_trio.http.event_buffer import EVENTS_AHEAD, EventBuffer
from hermes_trio.models.events import TextDelta


async def test_events_that_are_ready_together_are_taken_together():
    buffer = EventBuffer()
    await buffer.put([TextDelta("a")])
    await buffer.put([TextDelta("b"), TextDelta("c")])
    assert [event.text for event in await buffer.take()] == ["a", "b", "c"]


async def test_take_waits_for_the_first_event(autojump_clock):
    buffer = EventBuffer()

    async def produce() -> None:
        await trio.sleep(5)
        await buffer.put([TextDelta("late")])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(produce)
        assert [event.text for event in await buffer.take()] == ["late"]


async def test_a_closed_buffer_gives_what_is_left_and_then_nothing():
    buffer = EventBuffer()
    await buffer.put([TextDelta("last")])
    buffer.close()
    assert len(await buffer.take()) == 1
    assert await buffer.take() == []


async def test_a_producer_far_ahead_waits_for_the_reader():
    buffer = EventBuffer()
    done = trio.Event()

    async def produce() -> None:
        await buffer.put([TextDelta("x")] * (EVENTS_AHEAD + 1))
        done.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(produce)
        await wait_all_tasks_blocked()
        assert not done.is_set()
        await buffer.take()
        with trio.fail_after(1):
            await done.wait()


async def test_every_producer_that_waits_is_woken():
    buffer, done = EventBuffer(), []

    async def produce(name: str) -> None:
        await buffer.put([TextDelta(name)] * (EVENTS_AHEAD + 1))
        done.append(name)

    async with trio.open_nursery() as nursery:
        for name in "ab":
            nursery.start_soon(produce, name)
            await wait_all_tasks_blocked()
        await buffer.take()
        await wait_all_tasks_blocked()
        assert sorted(done) == ["a", "b"]
        nursery.cancel_scope.cancel()
