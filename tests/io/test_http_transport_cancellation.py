"""Wherever a request is cancelled, its connection is closed or usable, never lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from tests.io.fake_upstream import OK, URL, answer_ok, calling

if TYPE_CHECKING:
    import httpx

PIECES = (
    b"HTTP/1.1 103 Early Hints\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
)


class CancelAtCheckpoint(trio.abc.Instrument):
    """Cancels a scope after the task has been scheduled ``count`` times, that is at its ``count``-th checkpoint."""

    def __init__(self, task: trio.lowlevel.Task, scope: trio.CancelScope, count: int) -> None:
        self.task = task
        self.scope = scope
        self.left = count

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if task is self.task:
            self.left -= 1
            if self.left < 0:
                self.scope.cancel()


async def slowly(side):
    while await side.request() is not None:
        for piece in PIECES:
            await trio.sleep(1)
            await side.send(piece)


async def cancel_at(count: int, client: httpx.AsyncClient) -> bool:
    """Make a request and cancel it at its ``count``-th checkpoint; returns whether it had ended before."""
    ended = False

    async def run(scope: trio.CancelScope) -> None:
        nonlocal ended
        instrument = CancelAtCheckpoint(trio.lowlevel.current_task(), scope, count)
        trio.lowlevel.add_instrument(instrument)
        try:
            with scope:
                await client.post(URL, content=b"x" * 200_000)
                ended = True
        finally:
            trio.lowlevel.remove_instrument(instrument)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, trio.CancelScope())
    return ended


@pytest.mark.parametrize("warm", [False, True], ids=["on a new connection", "on a kept connection"])
async def test_a_request_may_be_cancelled_at_every_checkpoint(autojump_clock, warm):
    for count in range(200):
        async with calling(slowly, timeout=50) as rig:
            if warm:
                await rig.client.get(URL)
            ended = await cancel_at(count, rig.client)
            active, idle, opened = rig.counts
            assert (active, opened) == (0, idle), f"at checkpoint {count}"
            assert idle == (1 if ended else idle)
            response = await rig.client.get(URL)
            assert response.text == "hello"
        if ended:
            break
    assert ended
    assert count > 10


async def test_a_response_may_be_cancelled_while_it_is_read(autojump_clock):
    async with calling(slowly) as rig:
        with trio.move_on_after(2.5) as scope:
            async with rig.client.stream("GET", URL) as response:
                async for _ in response.aiter_raw():
                    pass
        assert scope.cancelled_caught
        assert rig.counts == (0, 0, 0)


async def test_connecting_may_be_cancelled(autojump_clock):
    async with calling(answer_ok) as rig:
        connect = rig.upstream.connect

        async def slow(scheme, host, port):
            await trio.sleep(10)
            return await connect(scheme, host, port)

        rig.transport._connect = slow
        with trio.move_on_after(5):
            await rig.client.get(URL)
        assert rig.counts == (0, 0, 0)


async def test_a_cancelled_owner_still_closes_every_connection(autojump_clock):
    async with calling(answer_ok) as rig:
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(rig.client.get, URL)
        with trio.CancelScope() as scope:
            scope.cancel()
            await rig.transport.aclose()
        assert rig.counts == (0, 0, 0)


async def test_many_cancelled_requests_leave_nothing(autojump_clock):
    async with calling(slowly) as rig:
        async with trio.open_nursery() as nursery:
            for count in range(100):
                nursery.start_soon(give_up_after, 0.05 * count, rig.client)
        active, idle, opened = rig.counts
        assert (active, opened) == (0, idle)
        await trio.sleep(31)
        assert rig.counts == (0, 0, 0)


async def give_up_after(seconds: float, client: httpx.AsyncClient) -> None:
    with trio.move_on_after(seconds):
        await client.get(URL)


async def test_a_cancelled_request_does_not_end_up_in_the_next_ones_answer(autojump_clock):
    async def numbered(side):
        number = 0
        while await side.request() is not None:
            number += 1
            await trio.sleep(1)
            await side.send(OK.replace(b"ok", b"%02d" % number))

    async with calling(numbered) as rig:
        with trio.move_on_after(0.5):
            await rig.client.get(URL)
        assert (await rig.client.get(URL)).text == "01"
        assert rig.upstream.connections == 2
