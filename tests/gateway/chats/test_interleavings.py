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


bots = st.sampled_from(NAMES)
steps = st.lists(
    st.one_of(
        st.builds(Said, bots, st.sampled_from(["alice", "bob", "group"]), st.booleans()),
        st.builds(Said, bots, st.sampled_from(["alice", "bob", "group"]), st.booleans()),
        st.builds(
            Broken, st.sampled_from(FAULTS), st.sampled_from([None, "sendMessage", "getUpdates"]), st.integers(1, 3)
        ),
        st.builds(Restarted, bots),
        st.just(Crashed()),
        st.builds(Passed, st.sampled_from([0.01, 0.3, 2.0, 20.0])),
    ),
    max_size=14,
)
manner = st.tuples(st.sampled_from(["interrupt", "queue", "steer"]), st.booleans())
manners = st.fixed_dictionaries(dict.fromkeys(NAMES, manner))


@pytest.mark.slow
@settings(max_examples=40)
@given(manners, steps)
def test_every_message_ends_and_every_answer_is_its_own_bots(manners, steps):
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
                    _check(chats, name, manners[name], said[name])
                return


async def _take(chats: Chats, group, number: int, step: object, said: dict[str, list[str]]) -> None:
    match step:
        case Said(bot, where, is_slow):
            text = f"!sleep 2.{number:05}" if is_slow else f"message-{number:05}"
            if where == "group":
                await chats.say(text, group=group)
                for name in NAMES:
                    said[name].append(text)
            else:
                await chats.say(text, of=bot, by=getattr(chats, where))
                said[bot].append(text)
        case Broken(kind, method, times):
            chats.telegram.inject(kind, method=method, times=times, seconds=2)
        case Restarted(profile):
            chats.gateway.slot(profile).restart_wanted.set()
        case Passed(seconds):
            await trio.sleep(seconds)
        case _:
            pass


async def _settle(chats: Chats, name: str) -> None:
    with trio.fail_after(3600):
        while chats.bots[name].pending_updates:
            await trio.sleep(1)
        await trio.sleep(5)
        await chats.settled(name, seconds=3600)


def _check(chats: Chats, name: str, manner: tuple[str, bool], said: list[str]) -> None:
    mode, grows = manner
    assert set(chats.inbox(name)) <= {"done"}
    assert set(chats.outbox(name)) <= {"sent"}
    texts = [sent.message.text for sent in chats.bots[name].sent if sent.is_new_message]
    for text in texts:
        speaker = re.match(r"(?:\(possibly sent before\)\n)?(Ada|Bea|Cleo) ", text)
        assert speaker is None or speaker[1] == name.title(), "an answer of another profile"
    history = chats.rows(name, "SELECT session_id, role, content FROM messages ORDER BY session_id, id")
    asked = [content for _, role, content in history if role == "user"]
    for text in said:
        assert sum(text in content.split("\n") for content in asked) == 1, f"{text} is in the conversation once"
    answers = [content for _, role, content in history if role == "assistant"]
    counts = Counter(texts)
    for answer in answers:
        assert counts[answer] + counts[LABEL + answer] >= 1, f"{answer} was never sent"
        # An answer that has grown to its end in the chat may be cut off before it is stored, and then comes again.
        assert grows or counts[answer] <= 1, f"{answer} was sent twice without a word"
    if mode != "interrupt":
        assert len(asked) == len(answers), "everything is answered"
