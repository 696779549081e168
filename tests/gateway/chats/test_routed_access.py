"""Who may do what in a routed chat: that is said by the bot's profile, also while it is away."""

from __future__ import annotations

import trio

from hermes_trio.testing.home import ProfileFiles
from tests.gateway.chats.forum import open_forum
from tests.gateway.chats.rig import Bot

ADMIN_ONLY = Bot(telegram={"extra": {"allow_admin_from": ["1002"]}})
REFUSED = "Only admins may use /restart"


async def hang(*_args: object) -> None:
    await trio.sleep_forever()


async def test_a_command_that_waits_while_the_bots_profile_restarts_is_for_its_admins_only(tmp_path, autojump_clock):
    async with open_forum(tmp_path, bot=ADMIN_ONLY) as forum, forum.serving() as gateway:
        await forum.say_in("career", "!sleep 20")
        await forum.until(lambda: forum.inbox("career") == ["running"])
        await forum.say_in("career", "/restart")
        await forum.until(lambda: len(forum.inbox("career")) == 2)
        accepted = gateway.slot("career").runtime.chats.lanes
        (lane,) = accepted
        broken = forum.home.profile("default").config
        broken.write_text("model: [broken")
        gateway.slot("default").restart_wanted.set()
        await forum.until(lambda: str(gateway.slot("default").state) == "failed", seconds=120)
        core = gateway.slot("career").runtime.chats
        assert core.platform(lane.messages()[0]).access.admins == {"1002"}


async def test_a_command_is_refused_when_nobody_can_say_who_the_bots_admins_are(tmp_path, autojump_clock, monkeypatch):
    async with open_forum(tmp_path, bot=ADMIN_ONLY) as forum:
        with monkeypatch.context() as never_run:
            never_run.setattr("hermes_trio.gateway.chats.run_command_of", hang)
            async with forum.serving():
                await forum.say_in("career", "/restart")
                await forum.until(lambda: forum.inbox("career") == ["accepted"])
        forum.home.profile("default").config.write_text("model: [broken")
        async with forum.serving() as gateway:
            await forum.until(lambda: forum.inbox("career") == ["done"])
            (content,) = forum.rows("career", "SELECT content FROM trio_outbox")[0]
            assert REFUSED in str(content)
            assert gateway.slot("career").generation == 1


async def test_a_command_that_was_left_waits_for_the_bots_profile_to_say_who_its_admins_are(
    tmp_path, autojump_clock, monkeypatch
):
    async with open_forum(tmp_path, bot=ADMIN_ONLY) as forum:
        with monkeypatch.context() as never_run:
            never_run.setattr("hermes_trio.gateway.chats.run_command_of", hang)
            async with forum.serving():
                await forum.say_in("career", "/profile", by=forum.bob)
                await forum.say_in("systems", "/restart")
                await forum.until(lambda: forum.inbox("career") + forum.inbox("systems") == ["accepted"] * 2)
        async with forum.serving():
            assert "career" in await forum.hears("career", of="default")
            await forum.hears(REFUSED, of="default")


async def test_nobody_answers_by_a_button_for_a_profile_that_does_not_answer_them(tmp_path, autojump_clock):
    config = {"model": "builtin/echo", "group_sessions_per_user": False}
    dora = ProfileFiles("You are Dora.", config)
    async with open_forum(tmp_path, dora=dora) as forum:
        forum.write_default(
            {"profile_routes": [{"platform": "telegram", "user_id": "1001", "profile": "dora"}]},
            Bot({"group_sessions_per_user": False}),
        )
        async with forum.serving():
            ask = 'please\n!tool clarify {"question": "Which?", "choices": ["red", "blue"]}'
            question = await forum.ask_in(forum.elsewhere, ask)
            pressed = await forum.bob.presses(question, "red")
            assert (await pressed.answer())["text"] == "This question is not for you."
            await forum.alice.presses(question, "blue")
            await forum.hears('"user_response":"blue"', of="default")
