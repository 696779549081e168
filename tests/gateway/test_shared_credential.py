"""Two profiles of one gateway have the same token: whose bot it is, and what the other one says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from hermes_trio.adapter_api import CredentialRefused, Unreachable
from hermes_trio.gateway.adapter_runner import CredentialLocks
from hermes_trio.gateway.credential_claims import RETURN_SECONDS
from hermes_trio.home.process_record import current_process_record
from hermes_trio.testing import open_gateway, write_profile
from tests.gateway.scripted import Platforms, slot_of, until, with_bot

if TYPE_CHECKING:
    from hermes_trio.testing.gateway import GatewayFixture

TOKEN = "12345:the-one-token-for-both"
OTHER = "67890:a-token-of-its-own"


@pytest.fixture
def platforms():
    return Platforms()


def files(name, token=TOKEN):
    return with_bot(name.title(), token)


async def is_connected(gateway, profile):
    await until(lambda: gateway.slot(profile).runtime is not None, seconds=10)
    await until(lambda: slot_of(gateway, profile).state == "connected", seconds=2)


async def is_parked(gateway, profile):
    await until(lambda: gateway.slot(profile).runtime is not None, seconds=10)
    await until(lambda: slot_of(gateway, profile).reason == "duplicate_credential", seconds=2)
    assert slot_of(gateway, profile).state == "parked"


def adapter(gateway, profile):
    return gateway.slot(profile).runtime.chats.runners["telegram"]


def serve(tmp_path, platforms, *names, **options):
    profiles = {name: files(name) for name in names}
    return open_gateway(
        {"default": files("default", "."), **profiles}, root=tmp_path, find_adapter=platforms.find, **options
    )


def only_one_ran(platforms):
    """No two of the bots ran at the same time, at any instant."""
    return platforms.most_at_once == 1


@pytest.mark.parametrize("slow", ["default", "ada", "bob"])
async def test_the_default_profile_has_it_whoever_is_slow_to_start(tmp_path, autojump_clock, platforms, slow):
    async def start(scope, *, task_status):
        if scope.name == slow:
            await trio.sleep(2 * RETURN_SECONDS)
        task_status.started()
        await trio.sleep_forever()

    async with serve(tmp_path, platforms, "default", "ada", "bob", services=[start]) as gateway:
        await is_connected(gateway, "default")
        await is_parked(gateway, "ada")
        await is_parked(gateway, "bob")
        assert "Default" in await platforms.bot("default").hears("hello")
    assert only_one_ran(platforms)


async def test_a_default_profile_that_starts_at_all_is_the_only_one_ever_connected(tmp_path, autojump_clock, platforms):
    async def start(scope, *, task_status):
        if scope.name == "default":
            await trio.sleep(RETURN_SECONDS - 1)
        task_status.started()
        await trio.sleep_forever()

    async with serve(tmp_path, platforms, "default", "ada", services=[start]) as gateway:
        await is_connected(gateway, "default")
        assert platforms.bot("ada").attempts == []


async def test_a_default_profile_that_cannot_start_keeps_its_token_from_nobody_for_long(
    tmp_path, autojump_clock, platforms
):
    async def start(scope, *, task_status):
        if scope.name == "default":
            raise ZeroDivisionError("odd")
        task_status.started()
        await trio.sleep_forever()

    async with serve(tmp_path, platforms, "default", "ada", services=[start]) as gateway:
        await until(lambda: slot_of(gateway, "ada").state == "connected", seconds=RETURN_SECONDS + 1)


async def test_among_others_the_first_by_name_has_it(tmp_path, autojump_clock, platforms):
    async with serve(tmp_path, platforms, "bob", "ada") as gateway:
        await is_connected(gateway, "ada")
        await is_parked(gateway, "bob")


async def test_the_parked_one_names_both_profiles_the_setting_and_what_mends_it_and_serves_the_rest(
    tmp_path, autojump_clock, platforms
):
    async with serve(tmp_path, platforms, "default", "bob") as gateway:
        await is_parked(gateway, "bob")
        slot = slot_of(gateway, "bob")
        assert slot.detail.startswith(f"profile 'bob': {gateway.home.profile('bob').env}:")
        assert "TELEGRAM_BOT_TOKEN: profile 'default' of this gateway uses the same telegram account" in slot.detail
        assert "To mend it: give 'bob' or 'default' a TELEGRAM_BOT_TOKEN of its own" in slot.detail
        assert TOKEN not in slot.detail
        assert slot.next_retry is None
        assert "Bob" in await gateway.ask("bob", "hello")
        (report,) = [one for one in gateway.gateway.status().profiles if one.name == "bob"]
        assert [(bot.state, bot.reason) for bot in report.adapters] == [("parked", "duplicate_credential")]


async def test_a_token_in_the_settings_is_named_by_its_key(tmp_path, autojump_clock, platforms):
    config = {"platforms": {"telegram": {"enabled": True, "token": TOKEN}}}
    profiles = {"default": files("default"), "bob": with_bot("Bob", config=config, env={"TELEGRAM_BOT_TOKEN": ""})}
    async with open_gateway(profiles, root=tmp_path, find_adapter=platforms.find) as gateway:
        await is_parked(gateway, "bob")
        assert f"{gateway.home.profile('bob').config} platforms.telegram.token" in slot_of(gateway, "bob").detail


async def test_other_bots_of_the_parked_ones_profile_go_on(tmp_path, autojump_clock, platforms):
    two = with_bot("Bob", TOKEN, env={"DISCORD_BOT_TOKEN": "discord-token-of-bob"})
    profiles = {"default": files("default"), "bob": two}
    async with open_gateway(profiles, root=tmp_path, find_adapter=platforms.find) as gateway:
        await is_parked(gateway, "bob")
        await until(lambda: slot_of(gateway, "bob", "discord").state == "connected", seconds=2)


async def test_it_is_tried_at_once_when_the_other_one_is_paused_and_given_back_after_it(
    tmp_path, autojump_clock, platforms
):
    async with serve(tmp_path, platforms, "default", "bob") as gateway:
        await is_connected(gateway, "default")
        adapter(gateway, "default").pause()
        await is_connected(gateway, "bob")
        assert "Bob" in await platforms.bot("bob").hears("hello")
        adapter(gateway, "default").resume()
        await is_connected(gateway, "default")
        await is_parked(gateway, "bob")
    assert only_one_ran(platforms)


async def test_it_is_tried_at_once_when_the_other_ones_token_is_refused(tmp_path, autojump_clock, platforms):
    async with serve(tmp_path, platforms, "default", "bob") as gateway:
        await is_connected(gateway, "default")
        platforms.bot("default").fails_with(CredentialRefused("revoked"))
        await is_connected(gateway, "bob")
        assert slot_of(gateway, "default").reason == "bad_credential"


async def test_it_is_tried_at_once_when_the_other_ones_profile_fails(tmp_path, autojump_clock, platforms):
    failing = trio.Event()

    async def fail(scope, *, task_status):
        task_status.started()
        if scope.name == "default":
            await failing.wait()
            raise ZeroDivisionError("odd")
        await trio.sleep_forever()

    async with serve(tmp_path, platforms, "default", "bob", services=[fail]) as gateway:
        await is_connected(gateway, "default")
        failing.set()
        await is_connected(gateway, "bob")
    assert only_one_ran(platforms)


@pytest.mark.parametrize("token", [OTHER, ""])
async def test_it_is_tried_when_the_other_one_has_another_token_or_none(tmp_path, autojump_clock, platforms, token):
    async with serve(tmp_path, platforms, "default", "bob") as gateway:
        await is_connected(gateway, "default")
        write_profile(gateway.home, "default", with_bot("Default", env={"TELEGRAM_BOT_TOKEN": token}))
        gateway.slot("default").restart_wanted.set()
        await is_connected(gateway, "bob")
    assert only_one_ran(platforms)


async def test_a_profile_that_starts_with_the_token_of_a_later_one_takes_it_over(tmp_path, autojump_clock, platforms):
    profiles = {"default": files("default", OTHER), "bob": files("bob")}
    async with open_gateway(profiles, root=tmp_path, find_adapter=platforms.find) as gateway:
        await is_connected(gateway, "bob")
        write_profile(gateway.home, "default", files("default"))
        gateway.slot("default").restart_wanted.set()
        await is_parked(gateway, "bob")
        await is_connected(gateway, "default")
    assert only_one_ran(platforms)


async def test_a_token_of_its_own_mends_the_parked_one(tmp_path, autojump_clock, platforms):
    async with serve(tmp_path, platforms, "default", "bob") as gateway:
        await is_parked(gateway, "bob")
        write_profile(gateway.home, "bob", files("bob", OTHER))
        with trio.fail_after(10):
            await gateway.slot("bob").serving(generation=2)
        await is_connected(gateway, "bob")
        assert len(platforms.bot("default").attempts) == 1


async def test_while_its_owner_is_started_again_nobody_else_answers(tmp_path, autojump_clock, platforms):
    async with serve(tmp_path, platforms, "default", "bob") as gateway:
        await is_connected(gateway, "default")
        gateway.slot("default").restart_wanted.set()
        with trio.fail_after(10):
            await gateway.slot("default").serving(generation=2)
        await is_connected(gateway, "default")
        assert platforms.bot("bob").attempts == []


async def test_during_an_outage_its_owner_keeps_it(tmp_path, autojump_clock, platforms):
    async with serve(tmp_path, platforms, "default", "bob") as gateway:
        await is_connected(gateway, "default")
        platforms.bot("default").script.extend([Unreachable("away")] * 5)
        platforms.bot("default").fails_with(Unreachable("lost"))
        await until(lambda: len(platforms.bot("default").attempts) == 7)
        await is_connected(gateway, "default")
        assert platforms.bot("bob").attempts == []


async def test_the_lock_for_other_gateways_is_handed_over_too(tmp_path, autojump_clock, platforms):
    locks = CredentialLocks(tmp_path / "locks", current_process_record(("hermes-trio", "run")))
    async with serve(tmp_path / "home", platforms, "default", "bob", credential_locks=locks) as gateway:
        await is_connected(gateway, "default")
        (lock,) = locks.folder.iterdir()
        assert '"default"' in lock.read_text()
        adapter(gateway, "default").pause()
        await is_connected(gateway, "bob")
        assert '"bob"' in lock.read_text()
        adapter(gateway, "default").resume()
        await is_connected(gateway, "default")
        assert '"default"' in lock.read_text()


NAMES = ("default", "ada", "bob")
names = st.sampled_from(NAMES)
tokens = st.sampled_from((TOKEN, OTHER))
steps = st.one_of(
    st.tuples(st.just("restart"), names, tokens),
    st.tuples(st.sampled_from(("pause", "resume", "outage")), names, tokens),
    st.tuples(st.just("time"), names, tokens),
)


@dataclass
class Fleet:
    """A gateway to which things happen, and what is to come of them."""

    gateway: GatewayFixture
    platforms: Platforms
    tokens: dict[str, str]

    async def do(self, step, name, token):
        slot = self.gateway.slot(name)
        if step == "time":
            await trio.sleep(3)
        elif step == "restart":
            self.tokens[name] = token
            write_profile(self.gateway.home, name, files(name, token))
            slot.restart_wanted.set()
        elif slot.runtime is None or slot.runtime.chats is None:
            return
        elif step == "outage":
            self.platforms.bot(name).fails_with(Unreachable("lost"))
        else:
            getattr(adapter(self.gateway, name), step)()

    async def expect_rightful_holders(self):
        for name in NAMES:
            await until(lambda name=name: self.gateway.slot(name).runtime is not None, seconds=60)
            adapter(self.gateway, name).resume()
        await trio.sleep(120)
        for token in set(self.tokens.values()):
            first, *others = [name for name in NAMES if self.tokens[name] == token]
            assert slot_of(self.gateway, first).state == "connected"
            assert {slot_of(self.gateway, name).reason for name in others} <= {"duplicate_credential"}
            assert self.platforms.running[token] == 1
        assert self.platforms.most_at_once == 1


@pytest.mark.slow
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    delays=st.fixed_dictionaries({name: st.sampled_from((0, 0.3, 2, 9)) for name in NAMES}),
    given_tokens=st.fixed_dictionaries(dict.fromkeys(NAMES, tokens)),
    happened=st.lists(steps, max_size=12),
)
def test_whatever_happens_a_token_has_one_poller_at_a_time_and_in_the_end_the_rightful_one(
    delays, given_tokens, happened
):
    async def start(scope, *, task_status):
        await trio.sleep(delays[scope.name])
        task_status.started()
        await trio.sleep_forever()

    async def main():
        platforms, profiles = Platforms(), {name: files(name, token) for name, token in given_tokens.items()}
        async with open_gateway(profiles, services=[start], find_adapter=platforms.find) as gateway:
            fleet = Fleet(gateway, platforms, dict(given_tokens))
            for step in happened:
                await fleet.do(*step)
                await trio.sleep(0.2)
            await fleet.expect_rightful_holders()

    trio.run(main, clock=MockClock(autojump_threshold=0))
