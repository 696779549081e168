"""A stream of messages to several bots while their gateway is killed time and again: what was lost, what came twice.

    python -m tests.e2e.kill_rig --seeds 50 --platform loopback --storm all

runs one seed after the other and prints how each of them went.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hermes_trio.home.paths import HomePaths
from hermes_trio.testing.home import ProfileFiles, write_home
from tests.e2e.process import REPOSITORY, GatewayProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

BOTS = ("ada", "bea", "cleo", "dora", "ella")
LABEL = "(possibly sent before)"
ANSWER_SECONDS = 60.0
STORMS = {
    "none": (),
    "drops": ("drop_before", "drop_after"),
    "refusals": ("too_many_requests", "server_error", "bad_gateway"),
    "all": ("drop_before", "drop_after", "too_many_requests", "server_error"),
}
_NUMBER = re.compile(r"message-(\d{5})|slept 0\.2(\d{5}) s")


@dataclass
class Platform:
    """A fake of a platform in a process of its own, driven over its control surface."""

    name: str
    address: str

    def ask(self, verb: str, body: object = None, method: str | None = None) -> dict[str, object]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/_control/{verb}", data, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def say(self, bot: str, text: str, person: int) -> None:
        """A person writes to a bot in private."""
        if self.name == "telegram":
            self.ask("messages", {"token": token_of(bot), "text": text, "user": person})
        else:
            self.ask("messages", {"token": token_of(bot), "text": text, "user": str(person), "chat": str(person)})

    def answers(self) -> list[tuple[str, str]]:
        """Every new message of every bot: its token and text."""
        if self.name == "telegram":
            rows = self.ask("sent")["rows"]
            return [(row["token"], row["text"]) for row in rows if row["method"] == "sendMessage"]
        return [(row["token"], row["text"]) for row in self.ask("done")["rows"] if row["action"] == "send"]

    def errors(self) -> list[str]:
        """What went wrong inside the fake itself."""
        return list(self.ask("state")["errors"])

    def storm(self, kinds: tuple[str, ...], probability: float) -> None:
        """Let calls go wrong until `calm`."""
        for kind in kinds:
            self.ask("faults", {"kind": kind, "times": None, "probability": probability, "seconds": 1})

    def calm(self) -> None:
        """End the storm."""
        self.ask("faults", method="DELETE")

    def files(self, bot: str, attempts: int = 50) -> ProfileFiles:
        """The files of a profile with a bot here that talks to everybody.

        Args:
            bot: Its name.
            attempts: How often a process may die over a message until that is put aside.
        """
        if self.name == "telegram":
            extra = {"base_url": f"{self.address}/bot", "base_file_url": f"{self.address}/file/bot"}
        else:
            extra = {"url": self.address}
        upper = self.name.upper()
        return ProfileFiles(
            soul=f"You are {bot.title()}.",
            config={
                "model": "builtin/echo",
                "inbox_attempts": attempts,
                "display": {"busy_input_mode": "queue", "busy_ack_enabled": False},
                "platforms": {self.name: {"extra": extra}},
            },
            env={f"{upper}_BOT_TOKEN": token_of(bot), f"{upper}_ALLOW_ALL_USERS": "true"},
        )


def token_of(bot: str) -> str:
    """A bot's token, fit for both platforms."""
    return f"{BOTS.index(bot) + 41}:token-of-{bot}-012345678901234567"


@contextlib.contextmanager
def platform(name: str, seed: int = 0) -> Iterator[Platform]:
    """A fake for the length of a block."""
    command = [sys.executable, "-m", f"hermes_trio.testing.{name}", "--port", "0", "--seed", str(seed)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPOSITORY)
    try:
        assert child.stdout is not None
        yield Platform(name, f"http://127.0.0.1:{int(child.stdout.readline())}")
    finally:
        child.terminate()
        child.wait(10)
        child.stdout.close()


@dataclass
class Outcome:
    """What came of one seed.

    Attributes:
        lost: Messages that were never answered.
        repeated: Messages that were answered twice without a word about it.
        marked: Answers that came again and said so.
        strays: Answers through a bot that was not asked.
        told: Messages that were put aside, whose chats were told.
        states: What the inboxes say of the messages.
        kills: How often the gateway was killed.
        seconds: How long it took.
    """

    lost: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    marked: int = 0
    strays: list[str] = field(default_factory=list)
    told: int = 0
    states: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.repeated or self.strays)


def live_through(
    seed: int, name: str, root: Path, *, messages: int = 200, kills: int = 5, storm: str = "none"
) -> Outcome:
    """Send a stream of messages, kill the gateway at random moments meanwhile, and look at what came of it.

    Args:
        seed: Decides all moments, chats and texts.
        name: ``telegram`` or ``loopback``.
        root: Where the home goes.
        messages: How many, over all bots.
        kills: How often the gateway is killed.
        storm: Which calls go wrong meanwhile, see `STORMS`.
    """
    chance, begun = random.Random(seed), time.monotonic()
    with platform(name, seed) as fake:
        write_home(root, {bot: fake.files(bot) for bot in BOTS})
        asked = {number: chance.choice(BOTS) for number in range(messages)}
        pauses = [chance.random() * 0.03 for _ in asked]
        slow = {number for number in asked if chance.random() < 0.2}
        # Texts that follow each other closely are answered together, which a slow one's answer would not show.
        people = [2000 + number if number in slow else 1000 + chance.randrange(12) for number in asked]

        def stream() -> None:
            for number, bot in asked.items():
                text = f"!sleep 0.2{number:05}" if number in slow else f"message-{number:05}"
                fake.say(bot, text, people[number])
                time.sleep(pauses[number])

        fake.storm(STORMS[storm], 0.05)
        gateway = GatewayProcess(root)
        talker = threading.Thread(target=stream)
        talker.start()
        try:
            for _ in range(kills):
                gateway.spawn()
                time.sleep(0.3 + chance.random() * 1.5)
                gateway.stop(signal.SIGKILL)
            talker.join()
            gateway.spawn()
            time.sleep(1.0)
            fake.calm()
            _wait_until_quiet(fake, set(asked))
        finally:
            talker.join()
            gateway.close()
        outcome = _judge(fake, asked)
    outcome.states = _states(root)
    outcome.kills, outcome.seconds = kills, time.monotonic() - begun
    return outcome


def _states(root: Path) -> Counter[str]:
    states = Counter[str]()
    for bot in BOTS:
        with contextlib.closing(sqlite3.connect(HomePaths(root).profile(bot).state_db)) as connection:
            try:
                states.update(dict(connection.execute("SELECT state, count(*) FROM trio_inbox GROUP BY state")))
            except sqlite3.OperationalError as error:
                states[f"{bot}: {error}"] += 1
    return states


def numbers_in(text: str) -> list[int]:
    """The messages that a text answers."""
    return [int(plain or slow) for plain, slow in _NUMBER.findall(text)]


def _wait_until_quiet(fake: Platform, wanted: set[int]) -> None:
    """Until all is answered, and a while longer in which something might come twice."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        answered = {number for _, text in fake.answers() for number in numbers_in(text)}
        if wanted <= answered:
            break
        time.sleep(0.1)
    time.sleep(0.7)


def _judge(fake: Platform, asked: dict[int, str]) -> Outcome:
    assert fake.errors() == [], "the fake itself failed"
    outcome, plain, all_answers = Outcome(), Counter[int](), Counter[int]()
    for token, text in fake.answers():
        outcome.told += "put it aside" in text
        for number in numbers_in(text):
            all_answers[number] += 1
            plain[number] += LABEL not in text
            outcome.marked += LABEL in text
            if token != token_of(asked[number]):
                outcome.strays.append(f"{number} was answered by another bot")
    outcome.lost = [number for number in asked if not all_answers[number]]
    outcome.repeated = [number for number in asked if plain[number] > 1]
    return outcome


def main() -> int:
    """Run the seeds that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--platform", choices=["telegram", "loopback"], default="loopback")
    parser.add_argument("--storm", choices=list(STORMS), default="none")
    parser.add_argument("--kills", type=int, default=5)
    given = parser.parse_args()
    bad, begun = 0, time.monotonic()
    for seed in range(given.first, given.first + given.seeds):
        with tempfile.TemporaryDirectory(prefix="kill-", ignore_cleanup_errors=True) as folder:
            root = Path(folder) / "home"
            outcome = live_through(seed, given.platform, root, kills=given.kills, storm=given.storm)
        bad += not outcome.is_good
        print(seed, "good" if outcome.is_good else "BAD", outcome, flush=True)  # noqa: T201
    print(f"{given.seeds} seeds in {time.monotonic() - begun:.0f} s, {bad} bad")  # noqa: T201
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
