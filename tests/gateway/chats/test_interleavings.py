"""Whatever happens in whatever order: each bot says its own profile's answers, and none is lost or said twice."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from hermes_trio.testing.telegram import FaultKind
from tests.gateway.chats.rig import Bot, open_home

if TYPE_CHECKING:
    from tests.gateway.chats.rig import Chats

NAMES = ("ada", "bea", "cleo")
LABEL = "(possibly sent before)\n"
FAULTS = (
    FaultKind.TOO_MANY_REQUESTS,
    FaultKind.SERVER_ERROR,
    FaultKind.BAD_GATEWAY,
    FaultKind.DROP_BEFORE,
    FaultKind.DROP_AFTER,
    FaultKind.SLOW,
)


@dataclass(frozen=True)
class Said:
    """Somebody writes to a bot; the chats of all bots have the same ids."""

    bot: str
    where: str
    is_slow: bool


@dataclass(frozen=True)
class Commanded(Said):
    """Somebody gives a bot a command, answers a question that may not be there, or lets the model misbehave."""

    text: str = ""


@dataclass(frozen=True)
class Broken:
    """Something goes wrong at the platform."""

    kind: FaultKind
    method: str | None
    times: int


@dataclass(frozen=True)
class Restarted:
    """A profile is started again."""

    profile: str


@dataclass(frozen=True)
class Crashed:
    """The gateway is gone at once and comes back."""


@dataclass(frozen=True)
class Passed:
    """Time passes."""

    seconds: float


COMMANDS = """
/stop; /new; /retry; /undo; /queue !say q; /steer s; /background !sleep 1; /status; /deny; /approve; /compress
/sessions; /resume 1; /branch; /usage; /yolo; /agents; /title x; /model; /restart; yes; no; 1
!fail 401; !drop x; !tokens 50 100
!tool todo {}; !tool clarify {"question": "Which?", "choices": ["red", "blue"]}
"""

bots = st.sampled_from(NAMES)
places = st.sampled_from(["alice", "bob", "group"])
messages = st.builds(Said, bots, places, st.booleans())
commands = st.builds(
    Commanded, bots, places, st.just(False), st.sampled_from(COMMANDS.strip().replace("\n", "; ").split("; "))
)
incidents = st.one_of(
    st.builds(Broken, st.sampled_from(FAULTS), st.sampled_from([None, "sendMessage", "getUpdates"]), st.integers(1, 3)),
    st.builds(Restarted, bots),
    st.just(Crashed()),
    st.builds(Passed, st.sampled_from([0.01, 0.3, 2.0, 20.0])),
)
manner = st.tuples(st.sampled_from(["interrupt", "queue", "steer"]), st.booleans())
manners = st.fixed_dictionaries(dict.fromkeys(NAMES, manner))


@pytest.mark.slow
@settings(max_examples=25)
@given(manners, st.lists(st.one_of(messages, messages, incidents), max_size=14))
def test_every_message_ends_and_every_answer_is_its_own_bots(manners, steps):
    with tempfile.TemporaryDirectory() as folder:
        trio.run(_live_through, Path(folder), manners, steps, clock=MockClock(autojump_threshold=0))


@pytest.mark.slow
@settings(max_examples=20)
@given(manners, st.lists(st.one_of(messages, commands, commands, incidents), max_size=16))
def test_no_command_at_any_time_crashes_anything_or_speaks_for_another(manners, steps):
    with tempfile.TemporaryDirectory() as folder:
        trio.run(_live_through, Path(folder), manners, steps, clock=MockClock(autojump_threshold=0))


async def _live_through(root: Path, manners: dict[str, tuple[str, bool]], steps: list[object]) -> None:
    profiles = {
        name: Bot({"display": {"busy_input_mode": mode}, "streaming": {"enabled": grows}})
        for name, (mode, grows) in manners.items()
    }
    async with open_home(root, **profiles) as chats:
        group = chats.telegram.supergroup("Garden", *chats.bots.values())
        said: dict[str, list[str]] = {name: [] for name in NAMES}
        rest = list(enumerate(steps))
        while True:
            async with chats.serving():
                crashed = False
                while rest and not crashed:
                    number, step = rest.pop(0)
                    crashed = isinstance(step, Crashed)
                    await _take(chats, group, number, step, said)
                if crashed:
                    continue
                for name in NAMES:
                    await _settle(chats, name)
                for name in NAMES:
                    _check_speaker(chats, name)
                    if not any(isinstance(step, Commanded) for step in steps):
                        _check_conversation(chats, name, manners[name], said[name])
                return


async def _take(chats: Chats, group, number: int, step: object, said: dict[str, list[str]]) -> None:
    match step:
        case Commanded(bot, where, _, text):
            await _say(chats, group, bot, where, text)
        case Said(bot, where, is_slow):
            text = f"!sleep 2.{number:05}" if is_slow else f"message-{number:05}"
            await _say(chats, group, bot, where, text)
            for name in NAMES if where == "group" else (bot,):
                said[name].append(text)
        case Broken(kind, method, times):
            chats.telegram.inject(kind, method=method, times=times, seconds=2)
        case Restarted(profile):
            chats.gateway.slot(profile).restart_wanted.set()
        case Passed(seconds):
            await trio.sleep(seconds)
        case _:
            pass


async def _say(chats: Chats, group, bot: str, where: str, text: str) -> None:
    if where == "group":
        await chats.say(text, group=group)
    else:
        await chats.say(text, of=bot, by=getattr(chats, where))


async def _settle(chats: Chats, name: str) -> None:
    hours = 4 * 3600  # a question may wait for an hour
    with trio.fail_after(hours):
        while chats.bots[name].pending_updates:
            await trio.sleep(1)
        await trio.sleep(5)
        await chats.settled(name, seconds=hours)


def _check_speaker(chats: Chats, name: str) -> None:
    assert set(chats.inbox(name)) <= {"done"}
    assert set(chats.outbox(name)) <= {"sent"}
    for text in _texts(chats, name):
        speaker = re.match(r"(?:\(possibly sent before\)\n)?(Ada|Bea|Cleo) ", text)
        assert speaker is None or speaker[1] == name.title(), "an answer of another profile"


def _texts(chats: Chats, name: str) -> list[str]:
    """All messages of a bot, as they stand now."""
    return [sent.message.text for sent in chats.bots[name].sent if sent.is_new_message]


def _check_conversation(chats: Chats, name: str, manner: tuple[str, bool], said: list[str]) -> None:
    mode, grows = manner
    history = chats.rows(name, "SELECT session_id, role, content FROM messages ORDER BY session_id, id")
    asked = [content for _, role, content in history if role == "user"]
    for text in said:
        assert sum(text in content.split("\n") for content in asked) == 1, f"{text} is in the conversation once"
    answers = [content for _, role, content in history if role == "assistant"]
    counts = Counter(_texts(chats, name))
    for answer in answers:
        assert counts[answer] + counts[LABEL + answer] >= 1, f"{answer} was never sent"
        # An answer that has grown to its end in the chat may be cut off before it is stored, and then comes again.
        assert grows or counts[answer] <= 1, f"{answer} was sent twice without a word"
    if mode != "interrupt":
        assert len(asked) == len(answers), "everything is answered"
