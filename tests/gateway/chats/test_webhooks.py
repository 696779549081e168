"""Where the answers to webhooks go: through the bot of the route's own profile, and through no other's."""

import sqlite3

import trio

from hermes_trio.gateway.destinations import find_destination, say_later
from hermes_trio.home.paths import HomePaths
from hermes_trio.testing.faults import Fault, FaultKind
from tests.gateway.chats.rig import Bot, open_home
from tests.http.webhooks.rig import SECRET, deliver

ALICE = "1001"
ADAS = "secret-of-a-route-of-adas-01"


def default(**routes):
    """A default profile with a bot of its own and these routes."""
    return Bot(config={"webhook": {"enabled": True, "secret": SECRET, "routes": routes}})


def bound(**more):
    return {"profile": "ada", "secret": ADAS, "deliver": "telegram", **more}


def mute_speaks_in(chats, group, **routes):
    """A profile without a bot, to which a route leads from a group of the default profile's, and webhooks' routes."""
    folder = HomePaths(chats.root).profile("mute").root
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("model: builtin/echo\n")
    (folder / "SOUL.md").write_text("You are Mute.")
    leading = {"platform": "telegram", "chat_id": str(group.id), "profile": "mute"}
    chats.rewrite("default", Bot(config={**default(**routes).config, "gateway": {"profile_routes": [leading]}}))


async def alice_has_written(chats, *bots):
    """A bot may write to people who have written to it."""
    for name in bots:
        await chats.ask("hello", of=name)


async def test_the_answer_comes_through_the_bot_of_the_bound_profile(tmp_path, autojump_clock):
    route = bound(prompt="Build {id} failed.", deliver_extra={"chat_id": ALICE})
    async with open_home(tmp_path, default=default(ci=route), ada=Bot()) as chats, chats.serving() as gateway:
        await alice_has_written(chats, "default", "ada")
        answer = await deliver(gateway, "/p/ada/webhooks/ci", {"id": 7}, ADAS)
        assert answer.status_code == 202
        heard = await chats.reply(of="ada")
        assert heard.text == "Ada here. You said: Build 7 failed."
        assert heard.reply_to is None
        await chats.settled()
        assert len(chats.texts("default")) == 1
        methods = {sent.method for sent in chats.ada.sent[2:]}
        assert methods <= {"sendMessage", "getUpdates"}


async def test_without_a_chat_it_goes_to_the_home_channel_of_that_profile(tmp_path, autojump_clock):
    ada = Bot(env={"TELEGRAM_HOME_CHANNEL": ALICE})
    bots = {"default": default(ci=bound(prompt="Hi")), "ada": ada}
    async with open_home(tmp_path, **bots) as chats, chats.serving() as gateway:
        await alice_has_written(chats, "ada")
        assert (await deliver(gateway, "/p/ada/webhooks/ci", {}, ADAS)).status_code == 202
        assert (await chats.reply(of="ada")).text == "Ada here. You said: Hi"


async def test_a_topic_may_be_named(tmp_path, autojump_clock):
    async with open_home(tmp_path, default=default(), ada=Bot()) as chats:
        group = chats.telegram.supergroup("Ops", chats.ada, forum=True)
        thread = await group.opens_topic("Builds")
        extra = {"chat_id": str(group.id), "message_thread_id": thread}
        route = bound(prompt="Hi", deliver_extra=extra)
        chats.rewrite("default", default(ci=route))
        async with chats.serving() as gateway:
            assert (await deliver(gateway, "/p/ada/webhooks/ci", {}, ADAS)).status_code == 202
            heard = await chats.reply(of="ada", group=group)
            assert (heard.text, heard.thread) == ("Ada here. You said: Hi", thread)


async def test_a_profile_without_a_bot_or_a_home_channel_is_502_before_anything_is_accepted(tmp_path, autojump_clock):
    routes = {
        "homeless": bound(),
        "elsewhere": bound(deliver="discord"),
        "nobody": bound(profile="mute", deliver_extra={"chat_id": ALICE}),
        "odd": bound(deliver="telegram:not-a-chat"),
    }
    async with open_home(tmp_path, default=default(**routes), ada=Bot()) as chats:
        (tmp_path / "profiles" / "mute").mkdir(parents=True)
        (tmp_path / "profiles" / "mute" / "config.yaml").write_text("model: builtin/echo\n")
        async with chats.serving() as gateway:
            await alice_has_written(chats, "default", "ada")
            for name in routes:
                profile = routes[name]["profile"]
                answer = await deliver(gateway, f"/p/{profile}/webhooks/{name}", {}, ADAS)
                assert answer.status_code == 502, name
                assert answer.json() == {"status": "error", "error": "Delivery failed", "delivery_id": "d1"}
            await chats.quiet()
            assert len(chats.texts("default")) == len(chats.texts("ada")) == 1
            assert chats.inbox("ada") == ["done"]
            assert chats.inbox("mute") == []


async def test_an_answer_that_cannot_be_sent_now_waits_for_its_bot_across_a_restart(tmp_path, autojump_clock):
    route = bound(prompt="Hi", deliver_extra={"chat_id": ALICE})
    async with open_home(tmp_path, default=default(ci=route), ada=Bot()) as chats:
        async with chats.serving() as gateway:
            await alice_has_written(chats, "ada")
            chats.telegram.faults.add(Fault(FaultKind.BAD_GATEWAY, method="sendMessage", times=None))
            await deliver(gateway, "/p/ada/webhooks/ci", {}, ADAS)
            await chats.until(lambda: "pending" in chats.outbox("ada"))
        chats.telegram.faults.clear()
        async with chats.serving():
            assert "Ada here. You said: Hi" in (await chats.reply(of="ada")).text
            await chats.settled()


async def test_a_turn_that_was_cut_off_is_taken_up_by_the_next_gateway_also_without_any_bot(tmp_path, autojump_clock):
    route = {"profile": "mute", "secret": ADAS, "prompt": "!sleep 2"}
    async with open_home(tmp_path, default=default(ci=route)) as chats:
        folder = HomePaths(tmp_path).profile("mute").root
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text("model: builtin/echo\n")
        async with chats.serving() as gateway:
            assert (await deliver(gateway, "/p/mute/webhooks/ci", {}, ADAS)).status_code == 202
            await chats.until(lambda: chats.inbox("mute") == ["running"])
        # However long that takes: nobody asks again.
        chats.clock.advance(86_400)
        async with chats.serving():
            await chats.settled("mute")
        with sqlite3.connect(folder / "state.db") as connection:
            told = connection.execute("SELECT role, content FROM messages ORDER BY id").fetchall()
            assert [role for role, _ in told] == ["user", "assistant"]
            assert connection.execute("SELECT end_reason FROM sessions").fetchall() == [("webhook_complete",)]


async def test_silence_is_not_delivered(tmp_path, autojump_clock):
    route = bound(prompt="!say [SILENT]", deliver_extra={"chat_id": ALICE})
    async with open_home(tmp_path, default=default(ci=route), ada=Bot()) as chats, chats.serving() as gateway:
        await alice_has_written(chats, "ada")
        await deliver(gateway, "/p/ada/webhooks/ci", {}, ADAS)
        await chats.settled()
        assert [sent.method for sent in await chats.quiet()] == []


async def test_a_failed_turn_is_told_where_the_answer_would_have_gone(tmp_path, autojump_clock):
    route = bound(prompt="!fail 401", deliver_extra={"chat_id": ALICE})
    async with open_home(tmp_path, default=default(ci=route), ada=Bot()) as chats, chats.serving() as gateway:
        await alice_has_written(chats, "ada")
        await deliver(gateway, "/p/ada/webhooks/ci", {}, ADAS)
        assert "No answer this time" in await chats.hears("⚠️")


async def test_deliver_only_says_the_prompt_at_once_and_once(tmp_path, autojump_clock):
    route = bound(prompt="*Alarm:* {what}", deliver_only=True, deliver_extra={"chat_id": ALICE})
    async with open_home(tmp_path, default=default(alarm=route), ada=Bot()) as chats, chats.serving() as gateway:
        await alice_has_written(chats, "ada")
        answer = await deliver(gateway, "/p/ada/webhooks/alarm", {"what": "fire"}, ADAS)
        assert answer.json() == {"status": "delivered", "route": "alarm", "target": "telegram", "delivery_id": "d1"}
        assert (await chats.reply(of="ada")).text == "Alarm: fire"
        again = await deliver(gateway, "/p/ada/webhooks/alarm", {"what": "fire"}, ADAS)
        assert again.json()["status"] == "duplicate"
        assert len(chats.texts("ada")) == 2
        assert chats.rows("ada", "SELECT count(*) FROM sessions WHERE source = 'webhook'") == [(0,)]


async def test_what_deliver_only_could_not_say_is_502_and_may_be_sent_again(tmp_path, autojump_clock):
    route = bound(prompt="Fire", deliver_only=True, deliver_extra={"chat_id": ALICE})
    async with open_home(tmp_path, default=default(alarm=route), ada=Bot()) as chats, chats.serving() as gateway:
        await alice_has_written(chats, "ada")
        chats.telegram.faults.add(Fault(FaultKind.BAD_GATEWAY, method="sendMessage", times=1))
        assert (await deliver(gateway, "/p/ada/webhooks/alarm", {}, ADAS)).status_code == 502
        assert (await deliver(gateway, "/p/ada/webhooks/alarm", {}, ADAS)).status_code == 200
        assert chats.texts("ada").count("Fire") == 1


async def test_two_copies_for_deliver_only_at_once_are_said_once(tmp_path, autojump_clock):
    route = bound(prompt="Fire", deliver_only=True, deliver_extra={"chat_id": ALICE})
    found = []

    async def send(gateway):
        found.append((await deliver(gateway, "/p/ada/webhooks/alarm", {}, ADAS)).json()["status"])

    async with open_home(tmp_path, default=default(alarm=route), ada=Bot()) as chats, chats.serving() as gateway:
        await alice_has_written(chats, "ada")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send, gateway)
            nursery.start_soon(send, gateway)
        assert sorted(found) == ["delivered", "duplicate"]
        assert chats.texts("ada").count("Fire") == 1


async def test_the_payload_does_not_choose_the_chat(tmp_path, autojump_clock):
    route = bound(prompt="Hi", deliver_extra={"chat_id": "{chat}"})
    async with open_home(tmp_path, default=default(ci=route), ada=Bot()) as chats, chats.serving() as gateway:
        await alice_has_written(chats, "ada")
        await deliver(gateway, "/p/ada/webhooks/ci", {"chat": ALICE}, ADAS)
        await chats.settled()
        assert len(chats.texts("ada")) == 1


async def test_a_profile_without_a_bot_speaks_where_a_route_leads_to_it_and_nowhere_else(tmp_path, autojump_clock):
    async with open_home(tmp_path, default=default()) as chats:
        routed, other = chats.telegram.group("Garden", chats.bots["default"]), chats.telegram.group("Attic")
        routes = {
            name: bound(profile="mute", prompt="Hi", deliver_extra={"chat_id": str(group.id)})
            for name, group in (("here", routed), ("there", other))
        }
        routes["named"] = bound(profile="mute", prompt="Ho", deliver=f"telegram:{routed.id}")
        mute_speaks_in(chats, routed, **routes)
        async with chats.serving() as gateway:
            assert (await deliver(gateway, "/p/mute/webhooks/here", {}, ADAS)).status_code == 202
            assert (await chats.reply(of="default", group=routed)).text == "Mute here. You said: Hi"
            assert (await deliver(gateway, "/p/mute/webhooks/named", {}, ADAS)).status_code == 202
            assert (await chats.reply(of="default", group=routed)).text == "Mute here. You said: Ho"
            assert (await deliver(gateway, "/p/mute/webhooks/there", {}, ADAS)).status_code == 502


async def test_an_answer_is_not_said_through_a_bot_whose_routes_lead_there_no_more(tmp_path, autojump_clock):
    async with open_home(tmp_path, default=default()) as chats:
        garden = chats.telegram.group("Garden", chats.bots["default"])
        route = bound(profile="mute", prompt="!sleep 2", deliver_extra={"chat_id": str(garden.id)})
        mute_speaks_in(chats, garden, ci=route)
        async with chats.serving() as gateway:
            assert (await deliver(gateway, "/p/mute/webhooks/ci", {}, ADAS)).status_code == 202
            await chats.until(lambda: chats.inbox("mute") == ["running"])
        chats.rewrite("default", default(ci=route))
        async with chats.serving():
            await chats.settled("mute")
            await chats.quiet()
        assert chats.inbox("mute") == ["done"]
        assert chats.outbox("mute") == []


async def test_a_text_that_is_said_later_is_said_once_however_often_it_is_tried(tmp_path, autojump_clock):
    bots = {"default": default(), "ada": Bot(env={"TELEGRAM_HOME_CHANNEL": ALICE})}
    async with open_home(tmp_path, **bots) as chats, chats.serving() as gateway:
        await alice_has_written(chats, "ada")
        scope, senders = gateway.slot("ada").runtime.scope, gateway.gateway.senders
        place = await find_destination(scope, gateway.gateway.router, senders, "telegram", {})
        for _ in range(2):
            await say_later(scope, senders, place, "Good morning", "job-7")
        assert (await chats.reply(of="ada")).text == "Good morning"
        await chats.settled()
        assert chats.texts("ada").count("Good morning") == 1
