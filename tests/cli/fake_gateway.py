"""A stand-in for the running gateway: what `status` and `chat` see of it, served by threads."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import msgspec

from hermes_trio.gateway.report import AdapterReport, GatewayReport, ProfileReport, TurnReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.home.paths import HomePaths


def profile_report(name: str, **changes: object) -> ProfileReport:
    """A profile that serves, but for the changes."""
    usual = ProfileReport(name, "running", None, None, 1000.0, None, 1, 0, "builtin/echo", f"/p/{name}")
    return msgspec.structs.replace(usual, **changes)


def adapter_report(**changes: object) -> AdapterReport:
    """A bot that is connected, but for the changes."""
    usual = AdapterReport("telegram", "connected", None, None, 1000.0, None, "@ada_bot", 12, 11, {})
    return msgspec.structs.replace(usual, **changes)


def turn_report(**changes: object) -> TurnReport:
    """An answer to a chat that is being made, but for the changes."""
    usual = TurnReport("turn_1", "agent:main:telegram:dm:7", "default", 61.0, 2.0, "terminal", 3, 1)
    return msgspec.structs.replace(usual, **changes)


def gateway_report(*profiles: ProfileReport, address: str = "http://127.0.0.1:8642") -> GatewayReport:
    """A gateway with these profiles."""
    return GatewayReport(4711, "9.9.9", "/home/u/.hermes", address, "running", 1000.0, 3, list(profiles))


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class QuietHandler(BaseHTTPRequestHandler):
    def address_string(self) -> str:
        return "client"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def answer(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def _served(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def control_socket(
    home: HomePaths, report: GatewayReport | bytes, status: int = 200, told: list[tuple[str, object]] | None = None
) -> Iterator[None]:
    """Answer on the home's control socket; what it is told goes into ``told``."""
    body = report if isinstance(report, bytes) else msgspec.json.encode(report)

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            self.answer(status if self.path == "/control/status" else 404, body)

        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if told is not None:
                told.append((self.path, content))
            self.answer(status if told is not None else 404, b"")

    with _served(UnixServer(str(home.control_socket), Handler)):
        yield


class ChatServer:
    """The HTTP side: remembers what it was asked and answers from a list.

    Attributes:
        asked: Path, headers and body of every request.
        answers: For each request a status and a body, or a list of events to stream.
    """

    def __init__(self, port: int = 0) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, object]]] = []
        self.answers: list[tuple[int, bytes] | list[object]] = []
        self.url = ""

    @contextlib.contextmanager
    def serve(self) -> Iterator[ChatServer]:
        """Serve until the end of the block."""
        chat = self

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                chat.asked.append((self.path, dict(self.headers), body))
                answer = chat.answers.pop(0)
                if isinstance(answer, tuple):
                    self.answer(*answer)
                else:
                    self.answer(200, chat.events(answer), "text/event-stream")

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        with _served(server):
            yield self

    @staticmethod
    def events(texts: list[object]) -> bytes:
        """A stream with these pieces of text; what is not text is sent as it is."""
        opening = {"choices": [{"index": 0, "delta": {"role": "assistant"}}]}
        pieces = [
            {"choices": [{"index": 0, "delta": {"content": piece}}]} if isinstance(piece, str) else piece
            for piece in texts
        ]
        lines = [f"data: {json.dumps(piece)}\n\n" for piece in (opening, *pieces)]
        return "".join([": keepalive\n\n", *lines, "data: [DONE]\n\n"]).encode()
