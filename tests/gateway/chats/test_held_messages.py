"""Messages that wait for another profile: whatever goes wrong with one, none is lost and no other waits for it."""

from __future__ import annotations

import trio

from hermes_trio.errors import ProfileUnavailable, StoreError
from hermes_trio.gateway import handover, held_messages, ingress
from hermes_trio.store import held
from tests.gateway.chats.forum import open_forum

HOLD = {"route_unavailable": "hold"}


class Away:
    """Profiles of a forum that cannot start until somebody mends a file."""

    def __init__(self, forum, *names: str) -> None:
        self._forum = forum
        self._good = {name: forum.home.profile(name).config.read_text() for name in names}
        for name in names:
            forum.home.profile(name).config.write_text("model: [broken")

    async def comes_back(self) -> None:
        for name, good in self._good.items():
            self._forum.home.profile(name).config.write_text(good)
        for name in self._good:
            await self._forum.gateway.slot(name).serving()


async def waiting(forum, count: int) -> None:
    await forum.until(lambda: len(forum.rows("default", "SELECT 1 FROM trio_held")) == count)


async def test_a_message_whose_commit_nobody_heard_of_is_handed_over_all_the_same(
    tmp_path, autojump_clock, monkeypatch
):
    real, failed = held.hold, []

    async def hold_slowly(scope, row):
        kept = await real(scope, row)
        if not failed:
            failed.append(row)
            raise StoreError("was not written within 10 s", code="store_slow", profile=scope.name)
        return kept

    monkeypatch.setattr(held, "hold", hold_slowly)
    async with open_forum(tmp_path, HOLD) as forum:
        career = Away(forum, "career")
        async with forum.serving() as gateway:
            await forum.say_in("career", "hello")
            await forum.until(lambda: gateway.gateway.status().profiles[0].held == 1)
            await forum.until(lambda: not forum.default.pending_updates, seconds=120)
            await career.comes_back()
            assert (await forum.next_in_forum()).text == "Career here. You said: hello"
            assert gateway.gateway.status().profiles[0].held == 0


async def test_a_message_that_crashes_is_given_up_and_ends_nothing(tmp_path, autojump_clock, monkeypatch):
    real = held_messages.hand_over

    async def trip(router, profile, transport, message):
        if message.text == "trip":
            raise ValueError("tripped")
        return await real(router, profile, transport, message)

    monkeypatch.setattr(held_messages, "hand_over", trip)
    async with open_forum(tmp_path, HOLD) as forum:
        forum.expects_crashes = True
        career = Away(forum, "career")
        async with forum.serving() as gateway:
            for text in ("trip", "hello"):
                await forum.say_in("career", text)
            await waiting(forum, 2)
            await career.comes_back()
            answer = await forum.reply(of="default", group=forum.group, seconds=300)
            assert answer.text == "Career here. You said: hello"
            report = gateway.gateway.status().profiles[0]
            assert (report.generation, report.adapters[0].dropped) == (1, {"crashed": 1})


async def test_a_profile_that_is_slow_to_take_its_messages_holds_up_no_other(tmp_path, autojump_clock, monkeypatch):
    real = handover.accept_into

    async def hang_for_career(chats, transport, message):
        if chats.scope.name == "career":
            await trio.sleep(500)
        return await real(chats, transport, message)

    monkeypatch.setattr(handover, "accept_into", hang_for_career)
    async with open_forum(tmp_path, HOLD) as forum:
        both = Away(forum, "career", "systems")
        async with forum.serving():
            for name in ("career", "systems"):
                await forum.say_in(name, "hello")
            await waiting(forum, 2)
            await both.comes_back()
            assert (await forum.next_in_forum()).text == "Systems here. You said: hello"


async def test_a_message_that_is_held_while_others_wait_is_tried_at_once(tmp_path, autojump_clock, monkeypatch):
    async def gone_by_then(_router, profile, *_more):
        raise ProfileUnavailable("gone", profile=profile)

    monkeypatch.setattr(ingress, "hand_over", gone_by_then)
    async with open_forum(tmp_path, HOLD) as forum:
        Away(forum, "career")
        async with forum.serving():
            await forum.say_in("career", "hello")
            await waiting(forum, 1)
            await trio.sleep(5)
            await forum.say_in("systems", "hello")
            answer = await forum.reply(of="default", group=forum.group, seconds=5)
            assert answer.text == "Systems here. You said: hello"


async def test_what_was_accepted_is_answered_although_no_route_leads_there_any_more(tmp_path, autojump_clock):
    async with open_forum(tmp_path) as forum:
        async with forum.serving():
            await forum.say_in("career", "!sleep 10")
            await forum.until(lambda: forum.inbox("career") == ["running"])
        forum.write_default({"profile_routes": forum.routes("systems")})
        async with forum.serving():
            assert (await forum.next_in_forum()).text == "Career slept 10 s."
