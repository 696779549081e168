from __future__ import annotations

import errno
import json
import socket
import stat
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from hermes_trio.errors import GatewayBusy, HomeError
from hermes_trio.http.listener import Listener, open_tcp_listeners, open_unix_listener, serve_listener
from hermes_trio.http.types import ListenerLimits
from tests.http.raw_client import RawClient, echo, get

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class MemoryListener(trio.abc.Listener[trio.abc.Stream]):
    """Accepts memory streams, or raises what it is given."""

    def __init__(self) -> None:
        self.send, self._receive = trio.open_memory_channel[trio.abc.Stream | OSError](100)
        self.closed = False

    def connect(self) -> RawClient:
        ours, theirs = trio.testing.memory_stream_pair()
        self.send.send_nowait(theirs)
        return RawClient(ours)

    async def accept(self) -> trio.abc.Stream:
        accepted = await self._receive.receive()
        if isinstance(accepted, OSError):
            raise accepted
        return accepted

    async def aclose(self) -> None:
        self.closed = True
        await trio.lowlevel.checkpoint()


class Served:
    def __init__(self, source: MemoryListener, errors: list[BaseException]) -> None:
        self.source = source
        self.errors = errors
        self.ended = trio.Event()
        self.listener: Listener

    async def run(self, handler, limits, task_status):
        await serve_listener([self.source], handler, limits, self.errors.append, task_status=task_status)
        self.ended.set()


@asynccontextmanager
async def serving(handler=echo, **limits) -> AsyncIterator[Served]:
    served = Served(MemoryListener(), [])
    async with trio.open_nursery() as nursery:

        async def run(task_status=trio.TASK_STATUS_IGNORED):
            await served.run(handler, ListenerLimits(**limits), task_status)

        served.listener = await nursery.start(run)
        yield served
        nursery.cancel_scope.cancel()


async def test_connections_are_served_side_by_side(autojump_clock):
    async with serving() as served:
        clients = [served.source.connect() for _ in range(3)]
        for client in clients:
            await client.send(get())
        assert [(await client.answer()).status for client in clients] == [200, 200, 200]
        assert served.listener.connections == 3


async def test_an_ended_connection_is_counted_out(autojump_clock):
    async with serving() as served:
        client = served.source.connect()
        await client.ask(get())
        await client.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert served.listener.connections == 0


async def test_a_failing_handler_harms_no_other_connection(autojump_clock):
    async def handler(request, responder):
        if request.path == "/bad":
            raise RuntimeError("bad")
        await echo(request, responder)

    async with serving(handler) as served:
        good, bad = served.source.connect(), served.source.connect()
        assert (await bad.ask(get("/bad"))).status == 500
        assert (await good.ask(get("/good"))).status == 200
        assert (await served.source.connect().ask(get("/new"))).status == 200
        assert [repr(error) for error in served.errors] == ["RuntimeError('bad')"]


async def test_draining_lets_a_running_request_end_and_then_returns(autojump_clock):
    async def handler(request, responder):
        await trio.sleep(100)
        await echo(request, responder)

    async with serving(handler) as served:
        client = served.source.connect()
        await client.send(get())
        await trio.sleep(1)
        served.listener.drain()
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert served.source.closed
        await client.stream.aclose()
        await served.ended.wait()
        assert trio.current_time() >= 100


async def test_draining_closes_idle_connections_at_once(autojump_clock):
    async with serving() as served:
        used, silent = served.source.connect(), served.source.connect()
        await used.ask(get())
        start = trio.current_time()
        served.listener.drain()
        assert await used.closed()
        assert await silent.closed()
        await served.ended.wait()
        assert trio.current_time() - start < 0.1


async def test_a_request_that_is_on_its_way_when_draining_begins_is_answered(autojump_clock):
    async with serving() as served:
        client = served.source.connect()
        await client.ask(get())
        served.listener.drain()
        answer = await client.ask(get("/late"))
        assert (json.loads(answer.body)["path"], answer.headers["connection"]) == ("/late", "close")


async def test_a_stream_that_was_promised_to_be_kept_is_closed_after_it_when_draining_began_meanwhile(autojump_clock):
    async def handler(request, responder):
        await responder.start_stream(200, [])
        await responder.write(b"x")
        await trio.sleep(10)

    async with serving(handler) as served:
        client = served.source.connect()
        await client.send(get())
        await trio.sleep(1)
        served.listener.drain()
        assert (await client.answer()).body == b"x"
        assert await client.closed()
        await served.ended.wait()


async def test_a_client_that_stays_after_the_last_answer_holds_up_the_end_only_briefly(autojump_clock):
    async def handler(request, responder):
        await trio.sleep(10)
        await echo(request, responder)

    async with serving(handler) as served:
        client = served.source.connect()
        await client.send(get())
        await trio.sleep(1)
        served.listener.drain()
        await served.ended.wait()
        assert trio.current_time() < 11


async def test_nothing_is_accepted_while_draining(autojump_clock):
    async with serving() as served:
        served.listener.drain()
        served.source.connect()
        await served.ended.wait()
        assert served.listener.connections == 0


async def test_draining_twice_is_harmless(autojump_clock):
    async with serving() as served:
        served.listener.drain()
        served.listener.drain()
        await served.ended.wait()


async def test_being_out_of_file_descriptors_is_waited_out_and_told_once(autojump_clock):
    async with serving() as served:
        start = trio.current_time()
        for code in (errno.EMFILE, errno.ENFILE, errno.ECONNABORTED):
            served.source.send.send_nowait(OSError(code, "no more"))
        assert (await served.source.connect().ask(get())).status == 200
        assert trio.current_time() - start == pytest.approx(0.3)
        assert [error.errno for error in served.errors] == [errno.EMFILE]


@pytest.mark.parametrize("code", [errno.EPERM, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT])
async def test_a_network_error_of_one_connection_does_not_end_the_listener(autojump_clock, code):
    async with serving() as served:
        served.source.send.send_nowait(OSError(code, "not this one"))
        assert (await served.source.connect().ask(get())).status == 200


async def test_an_unknown_trouble_in_accepting_is_not_hidden(autojump_clock):
    source = MemoryListener()
    source.send.send_nowait(OSError(errno.EBADF, "gone"))
    with pytest.raises(ExceptionGroup) as caught:
        await serve_listener([source], echo, ListenerLimits(), [].append)
    assert caught.group_contains(OSError, depth=2)
    assert source.closed


async def test_above_the_limit_a_connection_waits_until_one_ends(autojump_clock):
    async with serving(connections=2) as served:
        clients = [served.source.connect() for _ in range(3)]
        for client in clients:
            await client.send(get())
        await clients[0].answer()
        await clients[1].answer()
        with trio.move_on_after(1) as scope:
            await clients[2].answer()
        assert scope.cancelled_caught
        await clients[0].stream.aclose()
        assert (await clients[2].answer()).status == 200


async def test_cancelling_cuts_every_connection(autojump_clock):
    async def handler(request, responder):
        await trio.sleep_forever()

    async with serving(handler) as served:
        client = served.source.connect()
        await client.send(get())
        await trio.testing.wait_all_tasks_blocked()
    assert await client.closed()
    assert served.source.closed
    assert served.listener.connections == 0


@pytest.mark.slow
async def test_a_real_socket_is_served_without_delay_and_named():
    peers = []

    async def handler(request, responder):
        peers.append(request.peer)
        await echo(request, responder)

    async with trio.open_nursery() as nursery:
        listeners = await open_tcp_listeners("127.0.0.1", 0)
        listener = await nursery.start(serve_listener, listeners, handler, ListenerLimits(), [].append)
        host, port = listener.address
        stream = await trio.open_tcp_stream(host, port)
        assert (await RawClient(stream).ask(get())).status == 200
        assert peers == [f"127.0.0.1:{stream.socket.getsockname()[1]}"]
        await stream.aclose()
        nursery.cancel_scope.cancel()


@pytest.mark.slow
async def test_the_last_answer_of_a_draining_listener_is_not_lost_to_a_reset():
    running, proceed = trio.Event(), trio.Event()

    async def handler(request, responder):
        running.set()
        await proceed.wait()
        await echo(request, responder)

    async with trio.open_nursery() as nursery:
        listeners = await open_tcp_listeners("127.0.0.1", 0)
        listener = await nursery.start(serve_listener, listeners, handler, ListenerLimits(), [].append)
        client = RawClient(await trio.open_tcp_stream(*listener.address))
        await client.send(get())
        await running.wait()
        listener.drain()
        await client.send(get("/a-second-request-that-nobody-will-read"))
        proceed.set()
        assert (await client.read_to_end()).endswith(b"}")  # closing at once on unread bytes would raise here
        await client.stream.aclose()


@pytest.mark.slow
@pytest.mark.parametrize("reset", [False, True], ids=["close", "reset"])
async def test_a_handler_learns_at_once_that_a_silent_client_has_gone(reset):
    seen = trio.Event()

    async def handler(request, responder):
        await responder.wait_client_gone()
        seen.set()

    async with trio.open_nursery() as nursery:
        listeners = await open_tcp_listeners("127.0.0.1", 0)
        listener = await nursery.start(serve_listener, listeners, handler, ListenerLimits(), [].append)
        stream = await trio.open_tcp_stream(*listener.address)
        await stream.send_all(get())
        if reset:
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await stream.aclose()
        with trio.fail_after(2):
            await seen.wait()
        nursery.cancel_scope.cancel()


@pytest.mark.slow
async def test_a_port_that_is_taken_is_an_error():
    listeners = await open_tcp_listeners("127.0.0.1", 0)
    port = listeners[0].socket.getsockname()[1]
    with pytest.raises(OSError, match="in use"):
        await open_tcp_listeners("127.0.0.1", port)
    for listener in listeners:
        await listener.aclose()


async def test_a_unix_socket_is_private_and_removed_at_the_end(tmp_path):
    path = tmp_path / "socket"
    async with trio.open_nursery() as nursery:
        source = await open_unix_listener(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        listener = await nursery.start(serve_listener, [source], echo, ListenerLimits(), [].append)
        assert listener.address == (str(path), 0)
        client = RawClient(await trio.open_unix_socket(path))
        assert (await client.ask(get())).status == 200
        await client.stream.aclose()
        listener.drain()
    assert not path.exists()


async def test_the_file_of_a_dead_process_is_replaced(tmp_path):
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    listener = await open_unix_listener(path)
    assert path.is_socket()
    await listener.aclose()


async def test_a_live_socket_is_left_alone(tmp_path):
    path = tmp_path / "socket"
    listener = await open_unix_listener(path)
    with pytest.raises(GatewayBusy) as caught:
        await open_unix_listener(path)
    assert str(path) in str(caught.value)
    assert path.exists()
    await listener.aclose()


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path):
    path = tmp_path / "socket"
    path.write_text("mine")
    with pytest.raises(HomeError):
        await open_unix_listener(path)
    assert path.read_text() == "mine"


async def test_a_socket_that_somebody_has_replaced_is_not_removed(tmp_path):
    path = tmp_path / "socket"
    listener = await open_unix_listener(path)
    path.replace(tmp_path / "away")
    path.write_text("theirs")
    await listener.aclose()
    assert path.read_text() == "theirs"
