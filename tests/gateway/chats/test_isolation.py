"""Two bots of one gateway never speak for each other: R1, R2, R5, R10 and R18 of the regression list, for chats."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.testing.telegram import FaultKind
from tests.gateway.chats.rig import Bot, open_chats, open_home, token_of
from tests.rig import canary

STREAMED = {"display": {"busy_input_mode": "queue"}, "streaming": {"enabled": True}}
POISON = token_of(66, "process")


def effects(chats, name: str) -> list[object]:
    """What a bot did to chats."""
    return [sent for sent in chats.bots[name].sent if sent.method != "setMyCommands"]


# R1: the process environment gives nobody a token.


async def test_each_bot_polls_with_its_own_token_whatever_the_environment_says(tmp_path, autojump_clock):
    poison = {"TELEGRAM_BOT_TOKEN": POISON, "TELEGRAM_ALLOWED_USERS": "666", "OPENAI_API_KEY": canary("env", "KEY")}
    async with open_home(tmp_path, ada=Bot(), bea=Bot()) as chats:
        async with chats.serving(environ=poison):
            assert (await chats.ask("hello")).text == "Ada here. You said: hello"
            assert (await chats.ask("hello", of="bea")).text == "Bea here. You said: hello"
        assert set(chats.telegram.state.bots) == {bot.token for bot in chats.bots.values()}
        assert [bot.conflicts for bot in chats.bots.values()] == [0, 0]


async def test_a_profile_without_a_token_gets_nobody_elses(tmp_path, autojump_clock):
    async with open_home(tmp_path, ada=Bot(), bea=Bot(env={"TELEGRAM_BOT_TOKEN": ""})) as chats:
        chats.telegram.bot(POISON)
        async with chats.serving(environ={"TELEGRAM_BOT_TOKEN": POISON}):
            await chats.ask("hello")
            await trio.sleep(120)
            assert chats.bots["bea"].polls == 0
            assert chats.telegram.bot(POISON).polls <= 1  # the default profile's, whose environment it is
            assert chats.ada.conflicts == 0


async def test_the_default_profiles_token_stays_with_it_when_it_is_in_its_file_only(tmp_path, autojump_clock):
    async with open_home(tmp_path, default=Bot(), bea=Bot(env={"TELEGRAM_BOT_TOKEN": ""})) as chats, chats.serving():
        assert (await chats.ask("!persona", of="default")).text == "Default"
        await trio.sleep(60)
        assert chats.bots["default"].conflicts == 0
        assert chats.bots["bea"].polls == 0


# R2: one person, two bots, at the same time.


@pytest.mark.slow
async def test_whatever_answers_a_person_comes_from_the_bot_that_was_addressed(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(STREAMED), bea=Bot(STREAMED)) as chats:
        for name in ("ada", "bea"):
            (chats.home.profile(name).root / "out.txt").write_text(f"by {name}")
        script = '!tool todo {}\n!tool clarify {"question": "Which?", "choices": ["red", "blue"]}'
        for name in ("ada", "bea"):
            await chats.say(script, of=name)
            await trio.sleep(0.005)
        questions = {name: await chats.reply(of=name) for name in ("ada", "bea")}
        for name in ("ada", "bea"):
            await chats.say("/queue !say MEDIA:out.txt", of=name)
            await chats.say("/status", of=name)
        await chats.alice.presses(questions["bea"], "blue")
        await chats.alice.presses(questions["ada"], "red")
        for name in ("ada", "bea"):
            await chats.say("!tokens 200 50", of=name)
        await trio.sleep(60)
        for name, choice in (("ada", "red"), ("bea", "blue")):
            await chats.settled(name)
            shown = [sent.text for sent in effects(chats, name)]
            assert any(f'"user_response":"{choice}"' in text for text in shown)
            documents = [sent for sent in effects(chats, name) if sent.method == "sendDocument"]
            assert [sent.message.files[0].content for sent in documents] == [f"by {name}".encode()]
            other = "Bea" if name == "ada" else "Ada"
            assert not any(other in text for text in shown)


async def test_what_a_disconnected_bot_has_to_say_is_said_by_no_other(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(), bea=Bot()) as chats:
        await chats.say("!sleep 5", of="bea")
        await chats.until(lambda: chats.inbox("bea") == ["running"])
        chats.telegram.inject(FaultKind.DROP_BEFORE, bot=chats.bots["bea"], times=None)
        await trio.sleep(600)
        assert chats.outbox("bea") == ["pending"]
        assert effects(chats, "ada") == []
        chats.telegram.faults.clear()
        assert "Bea slept 5 s." in (await chats.reply(of="bea", seconds=900)).text
        assert effects(chats, "ada") == []


async def test_notices_of_an_end_go_through_each_ones_own_bot(tmp_path, autojump_clock):
    hurried = Bot({"agent": {"restart_drain_timeout": 1}})
    async with open_chats(tmp_path, ada=hurried, bea=hurried) as chats:
        for name in ("ada", "bea"):
            await chats.say("!sleep 30", of=name)
        await chats.until(lambda: chats.inbox("ada") == chats.inbox("bea") == ["running"])
        await chats.gateway.gateway.drain()
        for name, other in (("ada", "Bea"), ("bea", "Ada")):
            assert not any(other in sent.text for sent in effects(chats, name))


# R5: one authorization function, the same decision at every seam.

ONLY = {"ada": Bot(env={"TELEGRAM_ALLOW_ALL_USERS": "", "TELEGRAM_ALLOWED_USERS": "1001"})}
ONLY["bea"] = Bot(env={"TELEGRAM_ALLOW_ALL_USERS": "", "TELEGRAM_ALLOWED_USERS": "1002"})


async def seam_first_message(chats, person):
    await person.says(chats.bots["bea"], "hello")


async def seam_busy_follow_up(chats, person):
    group = await busy_group(chats)
    await person.says_in(group, "leave that")


async def seam_button(chats, person):
    group = chats.telegram.supergroup("Garden", chats.bots["bea"])
    await chats.bob.says_in(group, 'please\n!tool clarify {"question": "Which?", "choices": ["red"]}')
    question = await chats.bots["bea"].next_reply(group)
    pressed = await person.presses(question, "red")
    assert (await pressed.answer())["text"] == "This question is not for you."


async def seam_stop(chats, person):
    group = await busy_group(chats)
    await person.says_in(group, "/stop")


async def seam_voice(chats, person):
    await person.sends_voice(chats.bots["bea"], b"OggS" + b"\0" * 60)


async def seam_album(chats, person):
    group = await busy_group(chats)
    await person.sends_photo(group, b"\x89PNG\r\n\x1a\n" + b"\0" * 60)


async def busy_group(chats):
    """A group in which Bea is at work for Bob, whom she may talk to, in a conversation that all share."""
    group = chats.telegram.supergroup("Garden", chats.bots["bea"])
    await chats.bob.says_in(group, 'please\n!tool clarify {"question": "Which?"}')
    await chats.bots["bea"].next_reply(group)
    return group


@pytest.mark.parametrize(
    "seam", [seam_first_message, seam_busy_follow_up, seam_button, seam_stop, seam_voice, seam_album]
)
async def test_who_may_talk_to_one_bot_gets_nothing_from_the_other(tmp_path, autojump_clock, seam):
    shared = {"group_sessions_per_user": False}
    bots = {name: Bot(shared, env=bot.env) for name, bot in ONLY.items()}
    async with open_chats(tmp_path, **bots) as chats:
        await chats.ask("hello")  # Alice may talk to Ada
        await seam(chats, chats.alice)
        asked = [row for row in chats.rows("bea", "SELECT message FROM trio_inbox") if '"user_id":"1001"' in str(row)]
        assert asked == []
        await trio.sleep(5)
        mine = [sent for sent in effects(chats, "bea") if sent.chat_id == chats.alice.id]
        assert mine == []
        assert set(chats.inbox("bea")) <= {"running"}, "what Bea does for Bob goes on"


async def test_the_other_bots_own_person_is_served(tmp_path, autojump_clock):
    async with open_chats(tmp_path, **ONLY) as chats:
        assert (await chats.ask("hello", of="bea", by=chats.bob)).text == "Bea here. You said: hello"


async def test_a_stranger_gets_nothing_of_what_is_resumed_after_a_restart(tmp_path, autojump_clock):
    async with open_home(tmp_path, **ONLY) as chats:
        async with chats.serving():
            await chats.say("!hang", of="bea", by=chats.bob)
            await chats.until(lambda: chats.inbox("bea") == ["running"])
        await chats.say("let me in", of="bea")
        chats.rewrite("bea", Bot(env={**ONLY["bea"].env, "TELEGRAM_ALLOWED_USERS": "1002"}))
        async with chats.serving():
            await chats.until(lambda: chats.inbox("bea") == ["running"])
            await trio.sleep(5)
            assert [sent for sent in effects(chats, "bea") if sent.chat_id == chats.alice.id] == []
            assert len(chats.inbox("bea")) == 1


# R10: sessions are found in their owner's store only, also when nothing is in memory.


async def test_equal_places_in_two_profiles_are_two_conversations_also_after_a_restart(tmp_path, autojump_clock):
    async with open_home(tmp_path, ada=Bot(), bea=Bot()) as chats:
        async with chats.serving():
            await chats.ask("the word is plum")
            await chats.ask("the word is fig", of="bea")
            for name in ("ada", "bea"):
                await chats.settled(name)
        async with chats.serving():
            assert "plum" in (await chats.ask("!history")).text
            assert "fig" in (await chats.ask("!history", of="bea")).text
            assert "no earlier" in (await chats.ask("/sessions")).text
    for name, other in (("ada", "fig"), ("bea", "plum")):
        assert not any(other in str(text) for _, text in chats.history(name))


async def test_the_default_profiles_keys_are_those_of_before(tmp_path, autojump_clock):
    async with open_home(tmp_path, default=Bot(), ada=Bot()) as chats, chats.serving():
        await chats.ask("hello", of="default")
        await chats.ask("hello")
    keys = [chats.rows(name, "SELECT session_key FROM sessions") for name in ("default", "ada")]
    assert keys == [[("agent:main:telegram:dm:1001",)], [("agent:ada:telegram:dm:1001",)]]


async def test_a_session_of_another_profile_cannot_be_resumed_by_its_id(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(), bea=Bot()) as chats:
        await chats.ask("the word is plum")
        await chats.settled()
        ((session_id,),) = chats.rows("ada", "SELECT id FROM sessions")
        assert "I know no conversation" in (await chats.ask(f"/resume {session_id} --all", of="bea")).text


# R18: what is removed stays removed.


async def test_a_removed_home_is_not_written_again_by_what_still_ran(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(), bea=Bot()) as chats:
        await chats.say("!sleep 20", of="bea")
        await chats.until(lambda: chats.inbox("bea") == ["running"])
        home = chats.home.profile("bea").root
        home.rename(tmp_path / "gone")
        chats.gateway.slot("bea").restart_wanted.set()
        await trio.sleep(300)
        assert not home.exists()
        assert (await chats.ask("hello")).text == "Ada here. You said: hello"
