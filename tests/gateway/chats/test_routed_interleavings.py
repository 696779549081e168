"""Whatever is routed where, whatever happens in between: who is meant answers, through the bot that was told."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from hermes_trio.home.route_config import RouteConfig
from hermes_trio.routing.route_table import build_route_table, resolve_route
from hermes_trio.routing.source import MessageSource
from hermes_trio.testing.home import ProfileFiles, write_profile
from hermes_trio.turns.resuming import ONCE_MORE_NOTE
from tests.gateway.chats.rig import Bot, open_home, profile_files

if TYPE_CHECKING:
    from tests.gateway.chats.rig import Chats

BOTS = ("default", "bea", "cleo")
TARGETS = (*BOTS, "dora")
PEOPLE = {"alice": 1001, "bob": 1002}
#: All that is waited for takes a minute at most: what waits for a profile is looked after once a minute.
SECONDS = 150
LABEL = "(possibly sent before)\n"
#: Whatever a bot says is an answer, so nothing that waits is acknowledged.
QUEUED = {"display": {"busy_input_mode": "queue", "busy_ack_enabled": False}, "group_sessions_per_user": True}
#: An example is the life of a whole gateway: to find a smaller one takes minutes, and its steps say enough.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


@dataclass(frozen=True)
class Said:
    """Somebody writes to a bot in private, or in a group to all; the chats of all bots have the same ids."""

    bot: str
    by: str
    in_group: bool
    is_slow: bool


@dataclass(frozen=True)
class Restarted:
    """A profile is started again."""

    profile: str


@dataclass(frozen=True)
class Crashed:
    """The gateway is gone at once and comes back."""


routes = st.builds(
    dict,
    bot_profile=st.sampled_from(BOTS),
    profile=st.sampled_from(TARGETS),
    user_id=st.sampled_from([None, *map(str, PEOPLE.values())]),
    chat_id=st.sampled_from([None, "group", *map(str, PEOPLE.values())]),
)
messages = st.builds(Said, st.sampled_from(BOTS), st.sampled_from(sorted(PEOPLE)), st.booleans(), st.booleans())
incidents = st.one_of(st.builds(Restarted, st.sampled_from(TARGETS)), st.just(Crashed()), st.just(1.0))


@pytest.mark.slow
@settings(max_examples=25, phases=PHASES)
@given(st.lists(routes, max_size=6), st.lists(st.one_of(messages, messages, messages, incidents), max_size=12))
def test_who_is_meant_answers_through_the_bot_that_was_told_and_nobody_else(given_routes, steps):
    with tempfile.TemporaryDirectory() as folder:
        trio.run(_live_through, Path(folder), given_routes, steps, clock=MockClock(autojump_threshold=0))


async def _live_through(root: Path, given_routes: list[dict[str, object]], steps: list[object]) -> None:
    async with open_home(root, **dict.fromkeys(BOTS, Bot(QUEUED))) as chats:
        group = chats.telegram.supergroup("Garden", *chats.bots.values())
        wanted = [_named(route, str(group.id)) for route in given_routes]
        _write(chats, wanted)
        table = build_route_table(RouteConfig(platform="telegram", **route) for route in wanted)
        said: list[tuple[str, str, str]] = []
        rest = list(enumerate(steps))
        while True:
            async with chats.serving():
                crashed = False
                while rest and not crashed:
                    number, step = rest.pop(0)
                    crashed = isinstance(step, Crashed)
                    await _take(chats, group, number, step, table, said)
                if crashed:
                    continue
                await _settle(chats)
                _check(chats, said)
                return


def _named(route: dict[str, object], group: str) -> dict[str, object]:
    return {**route, "chat_id": group if route["chat_id"] == "group" else route["chat_id"]}


def _write(chats: Chats, wanted: list[dict[str, object]]) -> None:
    config = [
        {"platform": "telegram", **{name: value for name, value in route.items() if value is not None}}
        for route in wanted
    ]
    default = Bot({**QUEUED, "gateway": {"profile_routes": config}})
    files = profile_files(chats.telegram, "default", chats.bots["default"], default)
    write_profile(chats.home, "default", files)
    write_profile(chats.home, "dora", ProfileFiles("You are Dora.", {"model": "builtin/echo", **QUEUED}))


async def _take(chats: Chats, group, number: int, step: object, table, said: list[tuple[str, str, str]]) -> None:
    match step:
        case Said(bot, by, in_group, is_slow):
            text = f"!sleep 2.{number:05}" if is_slow else f"message-{number:05}"
            where = {"group": group} if in_group else {"of": bot}
            await chats.say(text, by=getattr(chats, by), **where)
            user = str(PEOPLE[by])
            place = MessageSource("telegram", chat_id=str(group.id) if in_group else user, user_id=user)
            heard = BOTS if in_group else (bot,)
            said += [(text, told, resolve_route(table, told, place).runtime_profile) for told in heard]
        case Restarted(profile):
            chats.gateway.slot(profile).restart_wanted.set()
        case float(seconds):
            await trio.sleep(seconds)
        case _:
            pass


async def _settle(chats: Chats) -> None:
    with trio.move_on_after(SECONDS):
        await trio.sleep(5)
        while _unsettled(chats):
            await trio.sleep(1)
    assert _unsettled(chats) == [], f"not done after {SECONDS} s"


def _unsettled(chats: Chats) -> list[str]:
    """What is still to be done."""
    left = [f"updates of {name}: {bot.pending_updates}" for name, bot in chats.bots.items() if bot.pending_updates]
    for name in TARGETS:
        rows = chats.rows(name, "SELECT target, reason FROM trio_held")
        left += [f"held by {name}: {row}" for row in rows]
        for box, states in (("inbox", {"accepted", "running"}), ("outbox", {"pending", "sending"})):
            left += [f"{box} of {name}: {state}" for state in getattr(chats, box)(name) if state in states]
    return left


def _check(chats: Chats, said: list[tuple[str, str, str]]) -> None:
    """Each message was stored by who is meant, once for each bot that heard it, and answered by that bot alone."""
    spoken = {bot: [text.removeprefix(LABEL) for text in chats.texts(bot)] for bot in BOTS}
    for profile in TARGETS:
        told = sorted((bot, text) for text, bot, meant in said if meant == profile)
        kept = [str(content) for (content,) in chats.rows(profile, "SELECT content FROM messages WHERE role = 'user'")]
        # Told once more it is when another bot's message for the same conversation was answered first, after a crash.
        new = [content for content in kept if not content.startswith(ONCE_MORE_NOTE)]
        lines = sorted(line for content in new for line in content.split("\n"))
        assert lines == sorted(text for _, text in told), f"what {profile} was told"
        rows = chats.rows(profile, "SELECT transport_profile, state FROM trio_inbox")
        assert sorted(rows) == [(bot, "done") for bot, _ in told], f"whose bots told {profile}"
        for bot, text in told:
            # An answer to several messages that were told together names at least one of them.
            names = {_name_of(line) for content in kept for line in content.split("\n") if text in content}
            answers = [answer for answer in spoken[bot] if answer.startswith(profile.title())]
            assert any(name in answer for name in names for answer in answers), f"{profile} answers {text} to {bot}"
    for bot in BOTS:
        speakers = {answer.split()[0] for answer in spoken[bot]}
        assert speakers <= {profile.title() for _, told, profile in said if told == bot}, f"who spoke through {bot}"


def _name_of(line: str) -> str:
    """What the answer to a message says of it."""
    return line.removeprefix("!sleep ")
