"""Runs the model provider that the end-to-end tests talk to: aimock, which speaks the big providers' wire formats."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.npm import install_package

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent
PACKAGE = FOLDER / "node_modules" / "@copilotkit" / "aimock"
KEY = "emulator-key-0123456789"
START_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator.

    Attributes:
        base_url: Address of its chat-completions API.
        key: The only key it accepts.
    """

    base_url: str
    key: str = KEY


@contextlib.contextmanager
def running_emulator(output: Path) -> Iterator[Emulator]:
    """An emulator process for the length of a block; what it prints goes to ``output``."""
    node = install_package(FOLDER, "@copilotkit/aimock")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [node, str(PACKAGE / "dist" / "cli.js"), "-p", str(port), "-f", str(FOLDER / "fixtures.json")]
    env = {"PATH": os.environ["PATH"], "HOME": str(output.parent), "AIMOCK_API_KEYS": KEY}
    with output.open("wb") as out:
        child = subprocess.Popen(command, stdout=out, stderr=out, env=env)
    try:
        wait_until_it_listens(child, port, output)
        yield Emulator(f"http://127.0.0.1:{port}/v1")
    finally:
        child.kill()
        child.wait(5)


def wait_until_it_listens(child: subprocess.Popen[bytes], port: int, output: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(f"the emulator did not start:\n{output.read_text()}")
