"""What a request costs the HTTP listener and the HTTP client, in CPU time and requests per second.

Run it as ``python -m tests.bench.bench_http``; it starts a second process, so that only one side is measured at a time.

- ``json``: keep-alive connections post 220 bytes and get a JSON answer of 270 bytes.
- ``events``: the answer is a stream of 50 events, each in a write of its own.
- ``client``: `TrioTransport` below httpx posts 220 bytes, 1 to 500 at a time, answered at once or after 0.5 s.
- ``flood``: the client reads one stream of small chunks as fast as it can.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import multiprocessing.connection
import resource
import selectors
import socket
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import trio

from hermes_trio.http.listener import open_tcp_listeners, serve_listener
from hermes_trio.http.types import ListenerLimits, Request, Responder
from hermes_trio.io.http_client import open_http
from hermes_trio.io.tls import SharedTls
from hermes_trio.io.workers import ThreadWorkers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

EVENT = b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"hello "}}]}\n\n'
QUESTION = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * 160}], "stream": False}).encode()
ANSWER = json.dumps({"id": "c", "choices": [{"index": 0, "message": {"role": "assistant", "content": "y" * 190}}]})


async def handle(request: Request, responder: Responder) -> None:
    if request.path == "/json":
        json.loads(request.body)
        await responder.send(200, ANSWER.encode())
    elif request.path == "/slow":
        await trio.sleep(0.5)
        await responder.send(200, ANSWER.encode())
    else:
        count = int(request.query.get("events", "50"))
        pause = float(request.query.get("pause", "0"))
        together = int(request.query.get("together", "1"))
        await responder.start_stream(200, [("Content-Type", "text/event-stream")])
        for _ in range(count // together):
            if pause:
                await trio.sleep(pause)
            await responder.write(EVENT * together)
        await responder.finish()


def serve(pipe: multiprocessing.connection.Connection) -> None:
    """The server's process: tells its port, then answers each message with the CPU seconds it has used."""

    async def answer_questions() -> None:
        while await trio.to_thread.run_sync(pipe.recv, abandon_on_cancel=True):
            usage = resource.getrusage(resource.RUSAGE_SELF)
            pipe.send((usage.ru_utime + usage.ru_stime, usage.ru_maxrss))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            listeners = await open_tcp_listeners("127.0.0.1", 0)
            listener = await nursery.start(serve_listener, listeners, handle, ListenerLimits(), print)
            pipe.send(listener.address[1])
            await answer_questions()
            nursery.cancel_scope.cancel()

    trio.run(main)


def used(pipe: multiprocessing.connection.Connection) -> float:
    pipe.send(True)
    return pipe.recv()[0]


def load(port: int, path: str, connections: int, seconds: float) -> int:
    """Closed loop over raw sockets; returns how many requests were answered."""
    request = b"POST %b HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n" % path.encode()
    request += (
        b"Authorization: Bearer 0123456789abcdef\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        % (len(QUESTION))
    )
    request += QUESTION
    end = b"0\r\n\r\n" if path != "/json" else b"}]}"
    selector = selectors.DefaultSelector()
    for _ in range(connections):
        sock = socket.create_connection(("127.0.0.1", port))
        sock.sendall(request)
        selector.register(sock, selectors.EVENT_READ)
    done, stop = 0, time.perf_counter() + seconds
    while time.perf_counter() < stop:
        for key, _ in selector.select(1):
            if key.fileobj.recv(262_144).endswith(end):
                done += 1
                key.fileobj.sendall(request)
    for key in list(selector.get_map().values()):
        key.fileobj.close()
    return done


def measure_server(port: int, pipe: multiprocessing.connection.Connection, seconds: float) -> None:
    for name, path, events in (("json", "/json", 1), ("events", "/events?events=50", 50)):
        for connections in (1, 64):
            load(port, path, connections, 0.3)
            before, start = used(pipe), time.perf_counter()
            done = load(port, path, connections, seconds)
            cpu, wall = used(pipe) - before, time.perf_counter() - start
            each = cpu / done / events * 1e6
            print(f"server {name:7} conc {connections:3}: {done / wall:7.0f} requests/s, {each:6.1f} us CPU per piece")


async def measure_client(port: int, seconds: float) -> None:
    network = SimpleNamespace(proxy="", no_proxy="")
    async with open_http(network, SharedTls(ThreadWorkers())) as http:
        client = http.client()
        url = f"http://127.0.0.1:{port}"

        async def post(path: str) -> None:
            (await client.post(url + path, content=QUESTION)).raise_for_status()

        for path, callers in (("/json", 1), ("/json", 16), ("/json", 64), ("/slow", 100), ("/slow", 500)):
            await run_callers(lambda path=path: post(path), callers, 0.2)
            cpu, start = time.process_time(), time.perf_counter()
            done = await run_callers(lambda path=path: post(path), callers, seconds)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - start
            print(
                f"client {path:7} conc {callers:3}: {done / wall:7.0f} requests/s, {cpu / done * 1e6:6.0f} us CPU each"
            )
        for together in (1, 8):
            await measure_flood(client, url, together)


async def run_callers(call: Callable[[], Awaitable[None]], callers: int, seconds: float) -> int:
    done = 0
    stop = time.perf_counter() + seconds

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() < stop:
            await call()
            done += 1

    async with trio.open_nursery() as nursery:
        for _ in range(callers):
            nursery.start_soon(caller)
    return done


async def measure_flood(client, url: str, together: int) -> None:
    events = 20_000
    cpu, start, reads = time.process_time(), time.perf_counter(), 0
    async with client.stream("GET", f"{url}/events?events={events}&together={together}") as response:
        async for _ in response.aiter_raw():
            reads += 1
    cpu, wall = time.process_time() - cpu, time.perf_counter() - start
    print(
        f"client flood, {together} a write: {events / wall:7.0f} events/s, {cpu / events * 1e6:5.1f} us an event, "
        f"{cpu / reads * 1e6:5.1f} us a read"
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seconds", type=float, default=3.0, help="for each figure")
    seconds = arguments.parse_args().seconds
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    process.start()
    port = ours.recv()
    measure_server(port, ours, seconds)
    trio.run(measure_client, port, seconds)
    ours.send(False)
    process.join()


if __name__ == "__main__":
    main()
