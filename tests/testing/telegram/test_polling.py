from __future__ import annotations

import trio

from tests.testing.telegram.caller import Caller, calling

OTHER_POLL = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


def texts(answer):
    return [update["message"]["text"] for update in answer.result]


async def say(telegram, bot, *words):
    alice = telegram.user(7, "Alice")
    for word in words:
        await alice.says(bot, word)


async def test_updates_are_given_again_until_a_later_offset_confirms_them():
    async with calling() as (telegram, bot, call):
        await say(telegram, bot, "a", "b", "c")
        first = await call("getUpdates")
        assert texts(first) == ["a", "b", "c"]
        second_id = first.result[1]["update_id"]
        assert texts(await call("getUpdates", offset=second_id)) == ["b", "c"]
        assert texts(await call("getUpdates", offset=second_id)) == ["b", "c"]
        assert texts(await call("getUpdates", offset=second_id + 2)) == []
        assert bot.pending_updates == 0


async def test_update_ids_rise_by_one():
    async with calling() as (telegram, bot, call):
        await say(telegram, bot, "a", "b")
        first, second = (update["update_id"] for update in (await call("getUpdates")).result)
        assert second == first + 1


async def test_a_limit_gives_the_oldest_ones():
    async with calling() as (telegram, bot, call):
        await say(telegram, bot, "a", "b", "c")
        assert texts(await call("getUpdates", limit=2)) == ["a", "b"]


async def test_a_negative_offset_keeps_the_last_ones_and_forgets_the_rest():
    async with calling() as (telegram, bot, call):
        await say(telegram, bot, "a", "b", "c")
        assert texts(await call("getUpdates", offset=-1)) == ["c"]
        assert texts(await call("getUpdates")) == ["c"]


async def test_a_poll_waits_for_an_update(autojump_clock):
    async with calling() as (telegram, bot, call), trio.open_nursery() as nursery:
        began = trio.current_time()
        nursery.start_soon(_say_later, telegram, bot, 3.0)
        assert texts(await call("getUpdates", timeout=30)) == ["later"]
        assert trio.current_time() - began == 3.0


async def _say_later(telegram, bot, seconds):
    await trio.sleep(seconds)
    await say(telegram, bot, "later")


async def test_a_poll_ends_empty_after_its_timeout(autojump_clock):
    async with calling() as (_telegram, bot, call):
        began = trio.current_time()
        assert (await call("getUpdates", timeout=30)).result == []
        assert trio.current_time() - began == 30
        assert not bot.is_polling


async def test_without_a_timeout_a_poll_does_not_wait():
    async with calling() as (_telegram, _bot, call):
        assert (await call("getUpdates")).result == []


async def test_the_older_of_two_polls_is_refused(autojump_clock):
    async with calling() as (telegram, bot, call), Caller.open(telegram, "42:secret") as second:
        async with trio.open_nursery() as nursery:
            older = []

            async def poll():
                older.append(await call("getUpdates", timeout=50))

            nursery.start_soon(poll)
            await telegram.wait_until(lambda: bot.is_polling)
            assert (await second("getUpdates", timeout=1)).result == []
        assert older[0].refused == (409, OTHER_POLL)
        assert bot.conflicts == 1


async def test_two_bots_poll_side_by_side(autojump_clock):
    async with calling() as (telegram, bot, call):
        other = telegram.bot("43:secret")
        async with Caller.open(telegram, other.token) as second, trio.open_nursery() as nursery:
            nursery.start_soon(second.get_updates_until_cancelled)
            assert (await call("getUpdates", timeout=5)).result == []
            assert (bot.conflicts, other.conflicts) == (0, 0)
            nursery.cancel_scope.cancel()


async def test_a_poll_whose_client_has_gone_is_forgotten(autojump_clock):
    async with calling() as (telegram, bot, call):
        with trio.move_on_after(1):
            await call("getUpdates", timeout=50)
        await telegram.wait_until(lambda: not bot.is_polling or trio.current_time() > 10)
        await trio.testing.wait_all_tasks_blocked()
        assert not bot.is_polling
        assert bot.conflicts == 0


async def test_only_the_kinds_of_updates_that_were_asked_for_are_kept():
    async with calling() as (telegram, bot, call):
        await call("getUpdates", allowed_updates=["callback_query"])
        await say(telegram, bot, "unheard")
        assert bot.pending_updates == 0
        await call("getUpdates", allowed_updates=[])
        await say(telegram, bot, "heard")
        assert bot.pending_updates == 1


async def test_allowed_updates_come_as_a_json_string_in_a_form_and_stay_in_force():
    async with calling() as (telegram, bot, call):
        await call.client.post(f"{call.url}/getUpdates", data={"allowed_updates": '["message_reaction"]'})
        await call("getUpdates")
        alice = telegram.user(7, "Alice")
        said = await alice.says(bot, "unheard")
        await alice.reacts(said, "👍")
        assert [list(update)[1] for update in (await call("getUpdates")).result] == ["message_reaction"]


async def test_reactions_are_not_told_unasked():
    async with calling() as (telegram, bot, call):
        alice = telegram.user(7, "Alice")
        await alice.reacts(await alice.says(bot, "hi"), "👍")
        assert texts(await call("getUpdates")) == ["hi"]
