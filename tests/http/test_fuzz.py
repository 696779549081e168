"""Six hundred odd, broken and hostile clients against a listener on a real socket."""

from __future__ import annotations

import collections
import gc
import random
import re
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio

from hermes_trio.http.listener import open_tcp_listeners, serve_listener
from hermes_trio.http.types import ListenerLimits
from tests.http.raw_client import RawClient, echo, get, post

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SEED = 20260
ROUNDS = 40
LIMITS = ListenerLimits(
    head_seconds=0.3, head_bytes=4096, body_seconds=0.3, body_bytes=2000, idle_seconds=0.3, write_stall_seconds=0.5
)
GOOD = (
    get("/a?b=c"),
    post(b'{"model": "m"}', "/chat"),
    b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;a=b\r\n!\r\n0\r\nT: v\r\n\r\n",
    get("/stream", "Accept: text/event-stream"),
    b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    post(b"{}", "/raise"),
    b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
)
CURIOUS = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: \r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /%zz%00%ff?%=%&&&=;%c0%ae HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\nabc",
    b"GET / HTTP/1.1\nHost: a\n\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
    b"GET / HTTP/1.1\r\n: empty\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nA: \x00\r\n\r\n",
    b"\r\n\r\n\r\n",
    b"\x00" * 500,
    b"",
)


@dataclass(frozen=True)
class Visit:
    """What one client does.

    ``pieces`` are sent one after the other with ``pause`` seconds between; then the client reads to the end, or resets
    the connection at once.
    """

    pieces: tuple[bytes, ...]
    pause: float = 0
    reset: bool = False


def whole(rng: random.Random) -> Visit:
    return Visit((rng.choice(GOOD) + rng.choice(GOOD),))


def mutated(rng: random.Random) -> Visit:
    data = bytearray(rng.choice(GOOD))
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(data))
        data[at : at + rng.randint(0, 3)] = rng.randbytes(rng.randint(0, 3))
    return Visit((bytes(data),))


def truncated(rng: random.Random) -> Visit:
    data = rng.choice(GOOD)
    return Visit((data[: rng.randrange(len(data))],), reset=rng.random() < 0.3)


def bad_length(rng: random.Random) -> Visit:
    length = rng.choice((b"-5", b"1e3", b"0x10", b"", b"5, 6", b"2001", b"10", b"\xff", b" 5 "))
    return Visit((b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\nhello",))


def garbage(rng: random.Random) -> Visit:
    return Visit((rng.randbytes(rng.randint(1, 3000)),))


def huge_head(rng: random.Random) -> Visit:
    line = b"X-%d: " % rng.randrange(100) + b"y" * rng.randint(1, 9000)
    return Visit((b"GET / HTTP/1.1\r\nHost: x\r\n" + b"\r\n".join([line] * rng.randint(1, 60)) + b"\r\n\r\n",))


def huge_body(rng: random.Random) -> Visit:
    return Visit((post(b"z" * rng.randint(2001, 200_000)),))


def pipelined_junk(rng: random.Random) -> Visit:
    return Visit((b"".join(rng.choices((*GOOD, b"\r\n", b"junk"), k=rng.randint(2, 30))),))


def in_pieces(rng: random.Random) -> Visit:
    data = rng.choice(GOOD)
    size = rng.randint(1, 40)
    return Visit(tuple(data[at : at + size] for at in range(0, len(data), size)))


def slow_bytes(rng: random.Random) -> Visit:
    return Visit(tuple(bytes([byte]) for byte in rng.choice(GOOD)[:30]), pause=0.03)


def abrupt(rng: random.Random) -> Visit:
    return Visit((rng.choice(GOOD),), reset=True)


def broken_chunks(rng: random.Random) -> Visit:
    lines = rng.choices(
        (b"5\r\nhello\r\n", b"5\r\nhell\r\n", b"g\r\n", b"\r\n", b"0\r\n\r\n", b"3;\x00\r\nabc\r\n"), k=4
    )
    return Visit((b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(lines),))


def curious(rng: random.Random) -> Visit:
    return Visit((rng.choice(CURIOUS),))


KINDS: tuple[Callable[[random.Random], Visit], ...] = (
    whole,
    mutated,
    mutated,
    truncated,
    bad_length,
    garbage,
    huge_head,
    huge_body,
    pipelined_junk,
    in_pieces,
    slow_bytes,
    abrupt,
    broken_chunks,
    curious,
)


def visits(rng: random.Random) -> Iterator[Visit]:
    for data in CURIOUS:
        yield Visit((data,))
    for _ in range(ROUNDS):
        for kind in KINDS:
            yield kind(rng)


async def handler(request, responder):
    if request.path == "/raise":
        raise LookupError("on purpose")
    if request.path == "/stream":
        await responder.start_stream(200, [("Content-Type", "text/event-stream")])
        for _ in range(3):
            await responder.write(b"data: x\n\n")
        await responder.finish()
        return
    await echo(request, responder)


async def visit(port: int, what: Visit) -> bytes:
    """Do it; returns all that the server said."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    said = b""
    try:
        for piece in what.pieces:
            await stream.send_all(piece)
            if what.pause:
                await trio.sleep(what.pause)
        if not what.reset:
            with trio.fail_after(5):
                async for data in stream:
                    said += data
    except trio.BrokenResourceError:
        pass
    if what.reset:
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await stream.aclose()
    return said


async def visit_all(port: int, all_visits: list[Visit]) -> collections.Counter[str]:
    """Every visit, 60 at a time; returns how often which status was the last one said."""
    seen: collections.Counter[str] = collections.Counter()
    limiter = trio.CapacityLimiter(60)

    async def one(what: Visit) -> None:
        async with limiter:
            said = await visit(port, what)
        statuses = re.findall(rb"(?:^|[^\r]\n|\}|\n)HTTP/1\.1 (\d{3}) ", said)
        assert not said or said.startswith(b"HTTP/1.1 "), said[:200]
        seen[statuses[-1].decode() if statuses else "nothing"] += 1

    async with trio.open_nursery() as nursery:
        for what in all_visits:
            nursery.start_soon(one, what)
    return seen


def open_descriptors() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.slow
async def test_no_client_can_end_the_listener_or_leave_anything_behind():
    errors: list[BaseException] = []
    all_visits = list(visits(random.Random(SEED)))
    assert len(all_visits) > 500
    async with trio.open_nursery() as nursery:
        listeners = await open_tcp_listeners("127.0.0.1", 0)
        listener = await nursery.start(serve_listener, listeners, handler, LIMITS, errors.append)
        descriptors, tasks = open_descriptors(), trio.lowlevel.current_statistics().tasks_living
        port = listener.address[1]

        seen = await visit_all(port, all_visits)

        stream = await trio.open_tcp_stream("127.0.0.1", port)
        assert (await RawClient(stream).ask(get())).status == 200
        await stream.aclose()
        with trio.fail_after(5):
            while listener.connections:
                await trio.sleep(0.01)
        await trio.lowlevel.checkpoint()
        assert trio.lowlevel.current_statistics().tasks_living == tasks
        assert open_descriptors() == descriptors
        listener.drain()
    assert {type(error) for error in errors} == {LookupError}
    assert sum(seen.values()) == len(all_visits)
    assert {"200", "400", "408", "413", "431", "500", "505", "nothing"} <= set(seen), seen
