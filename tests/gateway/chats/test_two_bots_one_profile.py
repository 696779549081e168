"""Two bots whose routes lead to one profile: one conversation with it, and two messages may have the same number."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from hermes_trio.testing.home import ProfileFiles, write_profile
from tests.gateway.chats.rig import Bot, open_home, profile_files

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.gateway.chats.rig import Chats

QUEUED = {"display": {"busy_input_mode": "queue"}, "group_sessions_per_user": True}
ROUTES = [{"platform": "telegram", "bot_profile": bot, "profile": "dora"} for bot in ("default", "bea")]


@asynccontextmanager
async def open_two_bots(root: Path) -> AsyncIterator[Chats]:
    """Dora answers whatever the bots of the default profile and of Bea receive."""
    async with open_home(root, default=Bot(QUEUED), bea=Bot(QUEUED)) as chats:
        given = Bot({**QUEUED, "gateway": {"profile_routes": ROUTES}})
        write_profile(chats.home, "default", profile_files(chats.telegram, "default", chats.bots["default"], given))
        write_profile(chats.home, "dora", ProfileFiles("You are Dora.", {"model": "builtin/echo", **QUEUED}))
        yield chats


async def crash_while_both_wait(chats: Chats, **where: object) -> None:
    """One message is being answered and one waits for that when the gateway goes."""
    async with chats.serving():
        if where:
            await chats.say("!sleep 4", **where)
        else:
            await chats.say("!sleep 4", of="default")
            await chats.say("!sleep 5", of="bea")
        await chats.until(lambda: chats.inbox("dora") == ["running", "running"])


def told(chats: Chats) -> list[object]:
    return [text for role, text in chats.history("dora") if role == "user"]


async def test_messages_of_one_number_from_two_bots_are_both_told_after_a_crash(tmp_path, autojump_clock):
    async with open_two_bots(tmp_path) as chats:
        await crash_while_both_wait(chats)
        async with chats.serving():
            await chats.settled("dora")
            assert {"!sleep 4", "!sleep 5"} <= set(told(chats))
            assert "4" in chats.texts("default")[-1]
            assert "5" in chats.texts("bea")[-1]


async def test_one_message_that_two_bots_heard_is_answered_by_both_after_a_crash(tmp_path, autojump_clock):
    async with open_two_bots(tmp_path) as chats:
        group = chats.telegram.supergroup("Garden", *chats.bots.values())
        await crash_while_both_wait(chats, group=group)
        async with chats.serving():
            await chats.settled("dora")
            assert len([text for text in told(chats) if text == "!sleep 4"]) == 2
            for bot in ("default", "bea"):
                assert [text for text in chats.texts(bot) if "4" in text] == chats.texts(bot) != []
