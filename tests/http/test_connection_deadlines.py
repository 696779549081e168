from __future__ import annotations

import json

import pytest
import trio
import trio.testing

from hermes_trio.http.types import ClientGone, ListenerLimits
from tests.http.raw_client import echo, get, post, serve, serving

LIMITS = ListenerLimits(head_seconds=10, body_seconds=30, idle_seconds=75, write_stall_seconds=20)


async def ends_after(client) -> tuple[float, bytes]:
    start = trio.current_time()
    data = await client.read_to_end()
    return trio.current_time() - start, data


async def test_a_silent_new_connection_is_closed_after_the_head_time(autojump_clock):
    async with serving(limits=LIMITS) as client:
        assert await ends_after(client) == (pytest.approx(10), b"")


async def test_an_idle_connection_is_closed_after_the_idle_time(autojump_clock):
    async with serving(limits=LIMITS) as client:
        await client.ask(get())
        assert await ends_after(client) == (pytest.approx(75), b"")


async def test_a_head_sent_slowly_is_cut_off_at_an_absolute_time(autojump_clock):
    async with serving(limits=LIMITS) as client:
        await client.ask(get())
        start = trio.current_time()
        for byte in get()[:8]:
            await client.send(bytes([byte]))
            await trio.sleep(1.2)
        answer = await client.answer()
        assert (answer.status, answer.error["code"]) == (408, "request_timeout")
        assert trio.current_time() - start == pytest.approx(10)


async def test_a_pipelined_half_head_has_the_head_time_too(autojump_clock):
    async with serving(limits=LIMITS) as client:
        await client.send(get() + get()[:8])
        await client.answer()
        seconds, data = await ends_after(client)
        assert seconds == pytest.approx(10, abs=3)
        assert data.startswith(b"HTTP/1.1 408 ")


async def test_a_body_sent_slowly_is_cut_off_at_an_absolute_time(autojump_clock):
    async with serving(limits=LIMITS) as client:
        await client.send(post(b"x" * 100)[:-99])
        start = trio.current_time()
        for _ in range(14):
            await trio.sleep(2)
            await client.send(b"x")
        assert (await client.answer()).status == 408
        assert trio.current_time() - start == pytest.approx(30)


async def test_a_long_answer_has_no_deadline(autojump_clock):
    async def handler(request, responder):
        await trio.sleep(10_000)
        await echo(request, responder)

    async with serving(handler, LIMITS) as client:
        assert (await client.ask(get())).status == 200


async def test_a_stream_may_pause_longer_than_any_limit(autojump_clock):
    async def handler(request, responder):
        await responder.start_stream(200, [])
        for _ in range(3):
            await responder.write(b"x")
            await trio.sleep(1000)

    async with serving(handler, LIMITS) as client:
        assert (await client.ask(get())).body == b"xxx"


async def test_the_deadlines_of_a_request_do_not_shorten_the_next_one(autojump_clock):
    async with serving(limits=LIMITS) as client:
        for _ in range(5):
            await trio.sleep(9)
            data = post(b"body")
            await client.send(data[:10])
            await trio.sleep(9)
            await client.send(data[10:-1])
            await trio.sleep(29)
            assert (await client.ask(data[-1:])).status == 200


class StallingStream(trio.abc.Stream):
    """Delivers one request and does not take the answer; a second write would succeed."""

    def __init__(self, received: bytes) -> None:
        self.received = received
        self.closed = False
        self.writes = 0

    async def receive_some(self, max_bytes=None):
        data, self.received = self.received, b""
        if not data:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        return data

    async def send_all(self, data):
        self.writes += 1
        if self.writes == 1:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self):
        await trio.sleep_forever()

    async def aclose(self):
        self.closed = True
        await trio.lowlevel.checkpoint()


async def test_a_client_that_does_not_read_gets_the_handler_cancelled(autojump_clock):
    cancelled = []

    async def handler(request, responder):
        await responder.start_stream(200, [])
        try:
            await responder.write(b"x")
        except trio.Cancelled:
            cancelled.append(trio.current_time())
            raise

    start, stream, errors = trio.current_time(), StallingStream(get()), []
    await serve(stream, handler, LIMITS, errors.append)
    assert [moment - start for moment in cancelled] == [pytest.approx(20)]
    assert stream.closed
    assert errors == []


async def send_for_ever(client):
    while True:
        await client.send(b"more")
        await trio.sleep(0.1)


async def test_a_refused_client_that_never_leaves_is_left_after_two_seconds(autojump_clock):
    async with serving(limits=LIMITS) as client:
        await client.send(b"garbage\r\n\r\n")
        assert (await client.read_to_end()).startswith(b"HTTP/1.1 400 ")
        start = trio.current_time()
        with pytest.raises(trio.BrokenResourceError):
            await send_for_ever(client)
        assert trio.current_time() - start == pytest.approx(2, abs=0.2)


async def test_a_cancelled_connection_closes_its_stream(autojump_clock):
    async def handler(request, responder):
        await trio.sleep_forever()

    stream = StallingStream(get())
    with trio.move_on_after(5) as scope:
        await serve(stream, handler, LIMITS, [].append)
    assert scope.cancelled_caught
    assert stream.closed


async def test_after_a_write_cut_short_by_the_handlers_own_deadline_nothing_more_is_sent(autojump_clock):
    async def handler(request, responder):
        await responder.start_stream(200, [])
        with trio.move_on_after(1):
            await responder.write(b"x" * 1000)
        with pytest.raises(ClientGone):
            await responder.write(b"y")
        raise LookupError

    stream, errors = StallingStream(get()), []
    start = trio.current_time()
    await serve(stream, handler, LIMITS, errors.append)
    assert trio.current_time() - start == pytest.approx(1)
    assert stream.writes == 1
    assert len(errors) == 1


async def test_an_error_while_being_cancelled_does_not_hide_the_cancellation(autojump_clock):
    errors = []

    async def fail_when_cancelled():
        try:
            await trio.sleep_forever()
        finally:
            raise LookupError

    async def handler(request, responder):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail_when_cancelled)
            nursery.start_soon(trio.sleep_forever)

    with trio.move_on_after(5) as scope:
        await serve(StallingStream(get()), handler, LIMITS, errors.append)
    assert scope.cancelled_caught
    assert [type(error) for error in errors] == [LookupError]


async def test_answers_to_a_slow_reader_arrive_in_full(autojump_clock):
    async def handler(request, responder):
        await responder.send(200, json.dumps("y" * 300_000).encode())

    async with serving(handler, LIMITS) as client:
        await client.send(get())
        await trio.sleep(15)
        assert len((await client.answer()).body) == 300_002
