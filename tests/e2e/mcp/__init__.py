"""Runs MCP servers that are not ours: the reference server of the protocol, and one of the Python SDK over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.npm import install

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent
PACKAGE = "@modelcontextprotocol/server-everything"
START_SECONDS = 30.0


def install_everything() -> tuple[str, ...]:
    """Install the reference server from the lock file, once, and say how it is started; skips without npm."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        pytest.skip("the reference server needs node and npm")
    return (node, str(install(FOLDER, PACKAGE) / "dist" / "index.js"), "stdio")


@dataclass
class HttpServer:
    """A server of the SDK on loopback.

    Attributes:
        url: Its address.
        journal: Where it writes what it is asked.
        child: Its process.
    """

    url: str
    journal: Path
    child: subprocess.Popen[bytes]
    port: int

    def asked(self, method: str = "tools/call") -> list[dict[str, str]]:
        """The requests of a method, in order: ``bearer``, ``session`` and ``tool``."""
        entries = [json.loads(line) for line in self.journal.read_text().splitlines()]
        return [entry for entry in entries if entry["method"] == method]


def start_http_server(folder: Path, *mode: str, port: int = 0) -> HttpServer:
    """Start a server and wait until it listens."""
    if port == 0:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    journal, output = folder / "journal", folder / "output"
    journal.touch()
    command = [sys.executable, str(FOLDER / "http_server.py"), str(port), str(journal), *mode]
    with output.open("ab") as out:
        child = subprocess.Popen(command, stdout=out, stderr=out, env={"PATH": os.defpath})
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return HttpServer(f"http://127.0.0.1:{port}/mcp", journal, child, port)
        time.sleep(0.02)
    child.kill()
    raise AssertionError(f"the server did not start:\n{output.read_text()}")


@contextlib.contextmanager
def running_http_server(folder: Path, *mode: str, port: int = 0) -> Iterator[HttpServer]:
    """A server for the length of a block."""
    server = start_http_server(folder, *mode, port=port)
    try:
        yield server
    finally:
        server.child.kill()
        server.child.wait(5)
