"""A fake Telegram in a process of its own, for end-to-end tests."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

from tests.e2e.process import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

REPLY_SECONDS = 15.0


class TelegramProcess:
    """``python -m hermes_trio.testing.telegram``, driven over its control surface.

    Attributes:
        base_url: For the setting of that name.
    """

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"
        self.base_url = f"{self._address}/bot"

    def say(self, token: str, text: str, user: int = 1001) -> None:
        """A person writes to a bot in private."""
        self.ask("messages", {"token": token, "text": text, "user": user})

    def fail(self, kind: str, **fault: object) -> None:
        """Let calls fail; see `hermes_trio.testing.telegram.faults.Fault`."""
        self.ask("faults", {"kind": kind, **fault})

    def bot(self, token: str) -> dict[str, object]:
        """How the bot of a token is doing; empty when nobody has used it."""
        return dict(self.ask("state")["bots"].get(token, {}))

    def texts(self, token: str) -> list[str]:
        """What the bot of a token has sent, as it stands now."""
        shown: dict[object, str] = {}
        for row in self.ask("sent")["rows"]:
            if row["token"] == token and row["method"] in ("sendMessage", "editMessageText"):
                shown[row["chat_id"], row["message_id"]] = row["text"]
        return list(shown.values())

    def wait_text(self, token: str, part: str) -> str:
        """Wait until the bot has sent a text with this in it."""
        found: list[str] = []

        def look() -> bool:
            found[:] = [text for text in self.texts(token) if part in text]
            return bool(found)

        wait_until(look, f"no {part!r} from {token}")
        return found[-1]

    def ask(self, verb: str, body: object = None) -> dict[str, object]:
        """One request to the control surface; see `hermes_trio.testing.telegram.control`."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._address}/_control/{verb}", data)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


def wait_until(condition, problem: str, seconds: float = REPLY_SECONDS) -> None:
    """Look every 20 ms, because other processes set no event."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, problem
        time.sleep(0.02)


@contextlib.contextmanager
def fake_telegram(*arguments: str) -> Iterator[TelegramProcess]:
    """The fake for the length of a block."""
    command = [sys.executable, "-m", "hermes_trio.testing.telegram", "--port", "0", *arguments]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPOSITORY)
    try:
        assert child.stdout is not None
        yield TelegramProcess(int(child.stdout.readline()))
    finally:
        child.terminate()
        child.wait(10)
        child.stdout.close()
