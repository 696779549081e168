"""A model provider in a thread, which answers every question alike and notes who asked it for what."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class ModelProvider:
    """Speaks OpenAI's chat completions, streamed.

    Attributes:
        base_url: For a provider's setting of that name.
        asked: Key, model and last message of each request.
    """

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self.asked: list[tuple[str, str, str]] = []

    def note(self, key: str, body: dict[str, object]) -> str:
        """Take a request; returns the answer."""
        text = body["messages"][-1]["content"]
        self.asked.append((key, str(body["model"]), text if isinstance(text, str) else json.dumps(text)))
        return f"{body['model']} has been asked"


@contextlib.contextmanager
def model_provider() -> Iterator[ModelProvider]:
    """The provider for the length of a block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = provider.note(self.headers["Authorization"].removeprefix("Bearer "), body)
            delta = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": text}}]}
            end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
            data = "".join(f"data: {json.dumps(one)}\n\n" for one in (delta, end)) + "data: [DONE]\n\n"
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data.encode())

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = ModelProvider(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
