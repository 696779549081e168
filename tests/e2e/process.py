"""A real gateway process for end-to-end tests."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hermes_trio.testing.home import test_key

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 20.0


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class GatewayProcess:
    """``python -m hermes_trio run`` over a home.

    Attributes:
        port: Where it listens.
        log: File with everything that it prints.
    """

    def __init__(
        self, root: Path, *arguments: str, env: dict[str, str] | None = None, module: str = "hermes_trio"
    ) -> None:
        self.root = root
        self._module = module
        self.port = free_port()
        self.log = root.parent / f"{root.name}.out"
        self._arguments = arguments
        # Coverage of the child processes is not wanted, an inherited HERMES_HOME even less.
        self._env = {"PATH": os.environ["PATH"], "HOME": str(root.parent), "LANG": "C.UTF-8", **(env or {})}
        self.child: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str) -> list[str]:
        """A command line of the product."""
        return [sys.executable, "-m", self._module, *arguments]

    def start(self) -> GatewayProcess:
        """Start it and wait until it answers."""
        self.spawn()
        self.wait_for(lambda: self.get("/health")[0] == 200)
        return self

    def spawn(self) -> None:
        """Start it and wait for nothing."""
        command = self.command("run", "--home", str(self.root), "--port", str(self.port), *self._arguments)
        with self.log.open("ab") as out:
            self.child = subprocess.Popen(command, stdout=out, stderr=out, cwd=REPOSITORY, env=self._env)

    def wait_for(self, condition) -> None:
        """Look every 20 ms, because a process sets no event; fails with the output when it takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.child is not None and self.child.poll() is not None:
                break
            with contextlib.suppress(OSError, http.client.HTTPException):
                if condition():
                    return
            time.sleep(0.02)
        raise AssertionError(f"not up:\n{self.log.read_text()}")

    def get(self, path: str, key: str | None = None) -> tuple[int, bytes]:
        """One GET request: status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {key}"} if key else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ready(self, *profiles: str) -> GatewayProcess:
        """Wait until these profiles serve."""
        for name in profiles:
            prefix = "" if name == "default" else f"/p/{name}"
            self.wait_for(lambda prefix=prefix: self.get(f"{prefix}/v1/health")[0] == 200)
            self.wait_for(lambda name=name, prefix=prefix: self.get(f"{prefix}/v1/models", test_key(name))[0] == 200)
        return self

    def run(self, *arguments: str, check: bool = False, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run another command of the product in the same environment."""
        return subprocess.run(
            self.command(*arguments),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            cwd=REPOSITORY,
            env=self._env,
            check=check,
        )

    def stop(self, number: int = signal.SIGTERM, seconds: float = 40) -> int:
        """Send a signal and wait for the exit code."""
        assert self.child is not None
        self.child.send_signal(number)
        return self.child.wait(seconds)

    def close(self) -> None:
        """Make sure that nothing is left."""
        if self.child is not None and self.child.poll() is None:
            self.child.kill()
            self.child.wait(5)

    def url(self, profile: str = "default") -> str:
        """Base URL for a client of the OpenAI API."""
        prefix = "" if profile == "default" else f"/p/{profile}"
        return f"http://127.0.0.1:{self.port}{prefix}/v1"


@contextlib.contextmanager
def running(
    root: Path, *arguments: str, env: dict[str, str] | None = None, module: str = "hermes_trio"
) -> Iterator[GatewayProcess]:
    """A gateway process for the length of a block."""
    process = GatewayProcess(root, *arguments, env=env, module=module)
    try:
        yield process.start()
    finally:
        process.close()
