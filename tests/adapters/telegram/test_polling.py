from __future__ import annotations

import pytest
import trio
import trio.testing

from hermes_trio.adapter_api import (
    CommandInfo,
    CredentialConflict,
    CredentialRefused,
    HermesTrioError,
)
from hermes_trio.testing.telegram import FaultKind
from tests.adapters.telegram.rig import TOKEN, Core, open_rig


async def test_a_message_reaches_the_core(autojump_clock):
    async with open_rig() as rig, rig.running() as identity:
        alice = rig.telegram.user(7, "Alice")
        await alice.says(rig.bot, "hello")
        await rig.core.until(1)
    assert (identity.user_id, identity.name) == ("42", "@ada_bot")
    assert rig.core.texts == ["hello"]
    assert rig.core.messages[0].source.chat_id == "7"


async def test_what_was_sent_while_the_bot_was_away_is_delivered(autojump_clock):
    async with open_rig() as rig:
        alice = rig.telegram.user(7, "Alice")
        for number in range(250):
            await alice.says(rig.bot, str(number))
        async with rig.running():
            await rig.core.until(250)
    assert rig.core.texts == [str(number) for number in range(250)]
    assert rig.core.batches == [100, 100, 50]


async def test_telegram_is_told_only_once_the_core_has_the_message(autojump_clock):
    async with open_rig() as rig:
        alice = rig.telegram.user(7, "Alice")
        await alice.says(rig.bot, "one")
        rig.core.failures = [HermesTrioError("the disk is full", code="store_unwritable")]
        async with rig.running():
            await rig.core.until_state("store_unwritable")
            assert rig.bot.pending_updates == 1
            await rig.core.until(1)
            await rig.core.until_state("connected")
    assert rig.core.texts == ["one"]


async def test_what_the_core_took_before_a_crash_comes_again(autojump_clock):
    class Dying(Core):
        async def receive(self, messages):
            await super().receive(messages)
            raise KeyboardInterrupt

    async with open_rig() as rig:
        await rig.telegram.user(7, "Alice").says(rig.bot, "one")
        rig.core = Dying()
        with pytest.raises(BaseExceptionGroup):
            async with rig.running():
                await trio.sleep_forever()
        assert rig.bot.pending_updates == 1
        rig.core = Core()
        async with rig.running():
            await rig.core.until(1)
    assert rig.core.texts == ["one"]


async def test_idle_it_makes_one_call_in_fifty_seconds(autojump_clock):
    async with open_rig() as rig, rig.running():
        await trio.sleep(1025)
        assert rig.bot.polls == 21


async def test_the_start_takes_two_calls(autojump_clock):
    async with open_rig(core=Core([CommandInfo("help", "Help")])) as rig, rig.running():
        await rig.bot.wait_polling()
        assert dict(rig.telegram.state.calls) == {"getMe": 1, "getUpdates": 1}


async def test_the_menu_is_set_once_and_only_when_it_changed(autojump_clock):
    commands = [CommandInfo("help", "What I can do"), CommandInfo("reload-mcp", "Reload"), CommandInfo("Ärger", "no")]
    async with open_rig(core=Core(commands)) as rig:
        for _ in range(2):
            async with rig.running():
                await trio.sleep(10)
        assert rig.telegram.state.calls["setMyCommands"] == 1
        menus = list(rig.bot.commands.values())
    assert menus == [
        [
            {"command": "help", "description": "What I can do"},
            {"command": "reload_mcp", "description": "Reload"},
        ]
    ]


async def test_without_a_menu_the_bot_works_as_well(autojump_clock):
    async with open_rig(core=Core([CommandInfo("help", "Help")])) as rig:
        rig.telegram.inject(FaultKind.SERVER_ERROR, method="setMyCommands")
        async with rig.running():
            await trio.sleep(10)
            await rig.telegram.user(7, "Alice").says(rig.bot, "hello")
            await rig.core.until(1)
    assert any("menu" in line for line in rig.log.lines)


@pytest.mark.parametrize(
    "kind", [FaultKind.SERVER_ERROR, FaultKind.BAD_GATEWAY, FaultKind.DROP_BEFORE, FaultKind.MALFORMED]
)
@pytest.mark.parametrize("method", ["getMe", "getUpdates"])
async def test_outages_are_ridden_out(kind, method, autojump_clock):
    async with open_rig() as rig:
        rig.telegram.inject(kind, method=method, times=6)
        await rig.telegram.user(7, "Alice").says(rig.bot, "hello")
        async with rig.running():
            await rig.core.until_state("connected")
            await rig.core.until(1)
    assert set(rig.core.states) == {"platform_unreachable", "connected"}
    assert rig.core.pauses == sorted(rig.core.pauses)
    assert all(1 <= pause <= 30 for pause in rig.core.pauses)
    assert rig.core.texts == ["hello"]


async def test_a_server_that_cannot_be_reached_is_tried_until_it_can(autojump_clock):
    async with open_rig() as rig:
        tries = []
        connect = rig.scope.http._connect

        async def refuse(*address):
            tries.append(address)
            if len(tries) < 9:
                raise ConnectionRefusedError(111, "Connection refused")
            return await connect(*address)

        rig.scope.http._connect = refuse
        async with rig.running():
            await rig.telegram.user(7, "Alice").says(rig.bot, "hello")
            await rig.core.until(1)
    assert rig.core.states == ["platform_unreachable"] * 8 + ["connected"]


async def test_a_server_that_never_answers_counts_as_dead(autojump_clock):
    async with open_rig() as rig:
        rig.telegram.inject(FaultKind.HANG, method="getUpdates")
        async with rig.running():
            start = trio.current_time()
            await rig.core.until_state("platform_unreachable")
            assert trio.current_time() - start == pytest.approx(65, abs=1)
            await rig.core.until_state("connected")


async def test_flood_control_is_waited_for_as_long_as_telegram_asks(autojump_clock):
    async with open_rig() as rig:
        rig.telegram.inject(FaultKind.TOO_MANY_REQUESTS, method="getUpdates", seconds=37)
        async with rig.running():
            await rig.core.until_state("connected")
    assert rig.core.pauses == [37]


@pytest.mark.parametrize("method", ["getMe", "getUpdates"])
async def test_a_revoked_token_ends_the_run(method, autojump_clock):
    async with open_rig() as rig:
        rig.telegram.inject(FaultKind.UNAUTHORIZED, method=method)
        with pytest.raises(CredentialRefused, match="BotFather") as caught:
            await rig.run()
        assert TOKEN not in str(caught.value)


async def test_something_that_is_no_token_is_refused(autojump_clock):
    async with open_rig() as rig:
        rig.telegram.inject(FaultKind.ERROR, method="getMe", status=404, description="Not Found")
        with pytest.raises(CredentialRefused):
            await rig.run()


async def test_another_poller_ends_the_run_with_a_hint(autojump_clock):
    async with open_rig() as rig:
        rig.telegram.inject(FaultKind.CONFLICT, method="getUpdates")
        with pytest.raises(CredentialConflict, match="terminated by other getUpdates") as caught:
            await rig.run()
    assert "stop it" in (caught.value.mend or "")


async def test_a_webhook_that_was_left_over_is_taken_away_and_loses_nothing(autojump_clock):
    async with open_rig() as rig:
        client = rig.scope.http.client()
        await client.post(f"{rig.telegram.base_url}{TOKEN}/setWebhook", json={"url": "https://elsewhere.test/hook"})
        await rig.telegram.user(7, "Alice").says(rig.bot, "hello")
        async with rig.running():
            await rig.core.until(1)
    assert rig.core.texts == ["hello"]


async def test_a_webhook_that_comes_back_at_once_is_somebody_elses(autojump_clock):
    async with open_rig() as rig:
        rig.telegram.inject(
            FaultKind.ERROR,
            method="getUpdates",
            times=2,
            status=409,
            description="Conflict: can't use getUpdates method while webhook is active; use deleteWebhook first",
        )
        with pytest.raises(CredentialConflict):
            await rig.run()


async def test_an_update_that_cannot_be_read_is_left_out(autojump_clock):
    async with open_rig() as rig:
        alice = rig.telegram.user(7, "Alice")
        rig.bot.bot_state.queue.push("message", {"message_id": "not a number", "chat": 5})
        await alice.says(rig.bot, "hello")
        async with rig.running():
            await rig.core.until(1)
            await trio.sleep(1)
            assert rig.bot.pending_updates == 0
    assert rig.core.texts == ["hello"]
    assert any("cannot be read" in line for line in rig.log.lines)


async def test_a_group_that_becomes_a_supergroup_is_told_to_the_core(autojump_clock):
    async with open_rig() as rig, rig.running():
        group = rig.telegram.group("Team", rig.bot)
        await rig.telegram.user(7, "Alice").says_in(group, "before")
        await rig.core.until(1)
        upgraded = await group.upgrades()
        await rig.telegram.user(7, "Alice").says_in(upgraded, "after")
        await rig.core.until(2)
    assert set(rig.core.moves) == {(str(group.id), str(upgraded.id))}
    assert rig.core.messages[1].source.chat_id == str(upgraded.id)


async def test_the_token_gets_into_no_log_of_anybody(autojump_clock, caplog, tmp_path):
    with caplog.at_level("DEBUG"):
        async with open_rig() as rig, rig.running():
            await rig.telegram.user(7, "Alice").sends_document(rig.bot, b"x", "a.bin")
            await rig.core.until(1)
            await rig.adapter.fetch(rig.core.messages[0].attachments[0], tmp_path / "a", 10)
    assert "getUpdates" in caplog.text
    assert TOKEN not in caplog.text


async def test_cancelled_it_leaves_nothing_behind(autojump_clock):
    async with open_rig() as rig:
        async with rig.running():
            await rig.bot.wait_polling()
        await trio.testing.wait_all_tasks_blocked()
        assert not rig.bot.is_polling
