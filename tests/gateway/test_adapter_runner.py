"""An adapter is kept running, whatever it does, and its failures are nobody else's."""

import pytest
import trio

from hermes_trio.adapter_api import CredentialConflict, CredentialRefused, RateLimited, Unreachable
from hermes_trio.errors import ConfigError
from hermes_trio.gateway.adapter_runner import CredentialLocks, installed_factory
from hermes_trio.gateway.states import ProfileState
from hermes_trio.home.credential_lock import credential_lock_path
from hermes_trio.home.process_record import current_process_record
from hermes_trio.testing import ProfileFiles, open_gateway, write_home, write_profile
from tests.gateway.scripted import HANG, RETURN, Platforms, slot_of, until, with_bot

TWO = {"ada": with_bot("Ada"), "bob": with_bot("Bob")}


@pytest.fixture
def platforms():
    return Platforms()


def connected(gateway, *profiles):
    return all(slot_of(gateway, name).state == "connected" for name in profiles)


async def test_an_adapter_that_connects_shows_who_its_bot_is(tmp_path, autojump_clock, platforms):
    async with open_gateway({"ada": with_bot("Ada")}, root=tmp_path, find_adapter=platforms.find) as gateway:
        slot = slot_of(gateway, "ada")
        await slot.connected()
        assert (slot.state, slot.reason, slot.bot.name) == ("connected", None, "@ada_bot")
        assert "Ada" in await platforms.bot("ada").hears("hello")


async def test_after_three_failed_connects_the_fourth_comes_by_itself(tmp_path, autojump_clock, platforms):
    platforms.bot("ada").script.extend([Unreachable("no network")] * 3)
    async with open_gateway(TWO, root=tmp_path, find_adapter=platforms.find) as gateway:
        await slot_of(gateway, "ada").settled()
        assert (slot_of(gateway, "ada").state, slot_of(gateway, "ada").reason) == ("retrying", "platform_unreachable")
        await until(lambda: connected(gateway, "ada"))
        assert platforms.bot("ada").pauses == pytest.approx([1.1, 2.1, 4.1])
        assert "Ada" in await platforms.bot("ada").hears("hello")
        assert len(platforms.bot("bob").attempts) == 1
        assert gateway.slot("ada").generation == 1


async def test_an_outage_of_an_hour_is_tried_at_most_every_minute_and_never_given_up(
    tmp_path, autojump_clock, platforms
):
    platforms.bot("ada").script.extend([Unreachable("no network")] * 70)
    async with open_gateway({"ada": with_bot("Ada")}, root=tmp_path, find_adapter=platforms.find) as gateway:
        await trio.sleep(3600)
        assert slot_of(gateway, "ada").state == "retrying"
        assert max(platforms.bot("ada").pauses) == pytest.approx(60.1)
        assert gateway.clock.now() - slot_of(gateway, "ada").since == pytest.approx(3600, abs=1)
        await until(lambda: connected(gateway, "ada"), seconds=3600)
        assert gateway.slot("ada").generation == 1


async def test_a_connect_that_never_ends_is_cut_off_and_tried_again_while_others_serve(
    tmp_path, autojump_clock, platforms
):
    platforms.bot("ada").script.append(HANG)
    slow = with_bot("Ada", config={"gateway": {"platform_connect_timeout": 20}})
    async with open_gateway(
        {"ada": slow, "bob": with_bot("Bob")}, root=tmp_path, find_adapter=platforms.find
    ) as gateway:
        await until(lambda: connected(gateway, "bob"), seconds=1)
        assert "Bob" in await platforms.bot("bob").hears("hello")
        assert slot_of(gateway, "ada").state == "connecting"
        await slot_of(gateway, "ada").settled()
        assert trio.current_time() == pytest.approx(20, abs=2)
        assert "did not connect within 20 s" in slot_of(gateway, "ada").detail
        await until(lambda: connected(gateway, "ada"), seconds=2)


async def test_a_platform_that_hangs_keeps_no_other_platform_of_its_profile(tmp_path, autojump_clock, platforms):
    platforms.bot("ada", "discord").script.append(HANG)
    files = with_bot("Ada", env={"DISCORD_BOT_TOKEN": "discord-token"})
    async with open_gateway({"ada": files}, root=tmp_path, find_adapter=platforms.find) as gateway:
        await until(lambda: connected(gateway, "ada"), seconds=1)
        assert slot_of(gateway, "ada", "discord").state == "connecting"
        assert "Ada" in await platforms.bot("ada").hears("hello")


async def test_a_refused_credential_parks_without_a_timer(tmp_path, autojump_clock, platforms):
    platforms.bot("ada").script.append(CredentialRefused("the token is unknown", profile="ada", mend="ask for another"))
    async with open_gateway(TWO, root=tmp_path, find_adapter=platforms.find) as gateway:
        await trio.sleep(3600)
        slot = slot_of(gateway, "ada")
        assert (slot.state, slot.reason, slot.next_retry) == ("parked", "bad_credential", None)
        assert "ask for another" in slot.detail
        assert len(platforms.bot("ada").attempts) == 1
        assert gateway.slot("ada").state is ProfileState.RUNNING
        assert "Ada" in await gateway.ask("ada", "hello")


async def test_a_new_token_in_the_env_starts_that_profile_again_and_no_other(tmp_path, autojump_clock, platforms):
    profiles = {"ada": with_bot("Ada", env={"TELEGRAM_BOT_TOKEN": ""}), "bob": with_bot("Bob")}
    async with open_gateway(profiles, root=tmp_path, find_adapter=platforms.find) as gateway:
        await slot_of(gateway, "ada").settled()
        assert slot_of(gateway, "ada").reason == "missing_credential"
        write_profile(gateway.home, "ada", with_bot("Ada"))
        with trio.fail_after(10):
            await gateway.slot("ada").serving(generation=2)
        await until(lambda: connected(gateway, "ada", "bob"))
        assert gateway.slot("bob").generation == 1
        assert len(platforms.bot("bob").attempts) == 1


async def test_a_conflict_parks_and_is_tried_again(tmp_path, autojump_clock, platforms):
    platforms.bot("ada").script.extend([CredentialConflict("somebody else polls")] * 2)
    async with open_gateway({"ada": with_bot("Ada")}, root=tmp_path, find_adapter=platforms.find) as gateway:
        slot = slot_of(gateway, "ada")
        await slot.settled()
        assert (slot.state, slot.reason) == ("parked", "duplicate_credential")
        assert slot.next_retry is not None
        await until(lambda: connected(gateway, "ada"), seconds=10)


async def test_a_profile_in_conflict_is_mended_by_a_token_of_its_own(tmp_path, autojump_clock, platforms):
    platforms.bot("ada").script.extend([CredentialConflict("somebody else polls")] * 100)
    async with open_gateway({"ada": with_bot("Ada")}, root=tmp_path, find_adapter=platforms.find) as gateway:
        await slot_of(gateway, "ada").settled()
        write_profile(gateway.home, "ada", with_bot("Ada", "another-token"))
        with trio.fail_after(10):
            await gateway.slot("ada").serving(generation=2)


async def test_what_the_platform_asks_to_wait_is_waited(tmp_path, autojump_clock, platforms):
    platforms.bot("ada").script.append(RateLimited("too many requests", retry_after=300))
    async with open_gateway({"ada": with_bot("Ada")}, root=tmp_path, find_adapter=platforms.find) as gateway:
        await until(lambda: connected(gateway, "ada"), seconds=400)
        assert platforms.bot("ada").pauses == pytest.approx([300.1])


@pytest.mark.parametrize(
    ("failure", "reason"),
    [(RETURN, "crashed"), (KeyError("message"), "crashed"), (OSError(5, "odd"), "crashed")],
)
async def test_whatever_an_adapter_does_instead_of_connecting_it_is_started_again(
    tmp_path, autojump_clock, platforms, failure, reason
):
    platforms.bot("ada").script.append(failure)
    async with open_gateway({"ada": with_bot("Ada")}, root=tmp_path, find_adapter=platforms.find) as gateway:
        slot = slot_of(gateway, "ada")
        await slot.settled()
        assert (slot.state, slot.reason) == ("retrying", reason)
        await until(lambda: connected(gateway, "ada"), seconds=5)


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (None, "adapter_ended"),
        (ZeroDivisionError("odd"), "crashed"),
        (Unreachable("lost"), "platform_unreachable"),
        (ExceptionGroup("several", [KeyError("a"), Unreachable("lost")]), "platform_unreachable"),
    ],
)
async def test_a_connected_adapter_that_ends_is_started_again_and_cannot_be_used_meanwhile(
    tmp_path, autojump_clock, platforms, end, reason
):
    async with open_gateway(TWO, root=tmp_path, find_adapter=platforms.find) as gateway:
        await until(lambda: connected(gateway, "ada", "bob"))
        slot = slot_of(gateway, "ada")
        platforms.bot("ada").fails_with(end)
        await until(lambda: slot.state == "retrying", seconds=1)
        assert (slot.reason, slot.adapter) == (reason, None)
        await until(lambda: connected(gateway, "ada"), seconds=5)
        assert gateway.slot("ada").generation == 1
        assert len(platforms.bot("bob").attempts) == 1


async def test_an_answer_made_during_an_outage_is_sent_after_it(tmp_path, autojump_clock, platforms):
    bot = platforms.bot("ada")
    async with open_gateway({"ada": with_bot("Ada")}, root=tmp_path, find_adapter=platforms.find) as gateway:
        await until(lambda: connected(gateway, "ada"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bot.hears, "!sleep 5")
            await trio.sleep(2)
            bot.script.extend([Unreachable("still away")] * 3)
            bot.fails_with(Unreachable("lost"))
        assert len(bot.sent) == 1
        assert len(bot.attempts) == 5


async def test_pause_disconnects_and_resume_connects(tmp_path, autojump_clock, platforms):
    async with open_gateway(TWO, root=tmp_path, find_adapter=platforms.find) as gateway:
        await until(lambda: connected(gateway, "ada", "bob"))
        runner = gateway.slot("ada").runtime.chats.runners["telegram"]
        runner.pause()
        runner.pause()
        await until(lambda: slot_of(gateway, "ada").state == "paused", seconds=1)
        await trio.sleep(3600)
        assert (slot_of(gateway, "ada").state, platforms.bot("ada").is_running) == ("paused", False)
        runner.resume()
        await until(lambda: connected(gateway, "ada", "bob"), seconds=1)
        assert len(platforms.bot("bob").attempts) == 1


async def test_resume_tries_a_parked_and_a_retrying_adapter_at_once(tmp_path, autojump_clock, platforms):
    platforms.bot("ada").script.append(CredentialRefused("unknown"))
    platforms.bot("bob").script.extend([Unreachable("away")] * 8)
    async with open_gateway(TWO, root=tmp_path, find_adapter=platforms.find) as gateway:
        await until(lambda: len(platforms.bot("bob").attempts) == 8 and slot_of(gateway, "bob").next_retry is not None)
        for name in ("ada", "bob"):
            gateway.slot(name).runtime.chats.runners["telegram"].resume()
        await until(lambda: connected(gateway, "ada", "bob"), seconds=1)


async def test_resume_of_a_connected_adapter_does_not_shorten_its_next_pause(tmp_path, autojump_clock, platforms):
    async with open_gateway({"ada": with_bot("Ada")}, root=tmp_path, find_adapter=platforms.find) as gateway:
        await until(lambda: connected(gateway, "ada"))
        gateway.slot("ada").runtime.chats.runners["telegram"].resume()
        lost = trio.current_time()
        platforms.bot("ada").fails_with(Unreachable("lost"))
        await until(lambda: len(platforms.bot("ada").attempts) == 2)
        assert platforms.bot("ada").attempts[1] - lost == pytest.approx(1, abs=0.2)


def locks_in(folder):
    return CredentialLocks(folder, current_process_record(("hermes-trio", "run")))


async def test_a_credential_is_held_while_the_adapter_runs_and_given_back(tmp_path, autojump_clock, platforms):
    folder = tmp_path / "locks"
    path = credential_lock_path(folder, "scripted-token", "token-of-Ada")
    async with open_gateway(
        {"ada": with_bot("Ada")}, root=tmp_path / "home", find_adapter=platforms.find, credential_locks=locks_in(folder)
    ) as gateway:
        await until(lambda: connected(gateway, "ada"))
        assert path.exists()
        assert "token-of-Ada" not in path.read_text()
        gateway.slot("ada").runtime.chats.runners["telegram"].pause()
        await until(lambda: slot_of(gateway, "ada").state == "paused")
        assert not path.exists()
        gateway.slot("ada").runtime.chats.runners["telegram"].resume()
        await until(lambda: connected(gateway, "ada"))
    assert not path.exists()


async def test_a_package_that_cannot_be_loaded_fails_its_platform_only(tmp_path, autojump_clock, platforms):
    platforms.broken["discord"] = ConfigError("the adapter for discord cannot be loaded", code="adapter_broken")
    files = with_bot("Ada", env={"DISCORD_BOT_TOKEN": "discord-token"})
    async with open_gateway(
        {"ada": files, "bob": with_bot("Bob")}, root=tmp_path, find_adapter=platforms.find
    ) as gateway:
        await slot_of(gateway, "ada", "discord").settled()
        broken = slot_of(gateway, "ada", "discord")
        assert (broken.state, broken.reason, broken.next_retry) == ("parked", "adapter_broken", None)
        await until(lambda: connected(gateway, "ada", "bob"), seconds=1)


async def test_a_factory_is_looked_for_once_for_all_profiles(tmp_path, autojump_clock, platforms):
    platforms.bot("ada").script.append(Unreachable("away"))
    async with open_gateway(TWO, root=tmp_path, find_adapter=platforms.find) as gateway:
        await until(lambda: connected(gateway, "ada", "bob"))
        assert platforms.searches == ["telegram"]


def test_a_platform_without_an_adapter_says_so():
    with pytest.raises(ConfigError) as caught:
        installed_factory("pigeon")
    assert caught.value.code == "adapter_not_installed"


@pytest.mark.parametrize("error", [ImportError("no module"), SystemExit(3), KeyError("x")])
def test_whatever_a_package_raises_at_its_import_is_an_error_of_its_platform(monkeypatch, error):
    class Entry:
        def load(self):
            raise error

    monkeypatch.setattr("hermes_trio.gateway.adapter_runner.entry_points", lambda **_: [Entry()])
    with pytest.raises(ConfigError) as caught:
        installed_factory("pigeon")
    assert caught.value.code == "adapter_broken"
    assert type(error).__name__ in str(caught.value)


async def crash_in_crasher(scope, *, task_status):
    if scope.name == "crasher":
        raise ZeroDivisionError("code that raises")
    task_status.started()
    await trio.sleep_forever()


async def test_six_broken_profiles_with_bots_of_six_kinds_and_two_good_ones_that_serve(
    tmp_path, autojump_clock, platforms
):
    home = write_home(
        tmp_path,
        {
            "default": with_bot("Hermes", env={"TELEGRAM_BOT_TOKEN": ""}),
            "ada": with_bot("Ada"),
            "bob": with_bot("Bob"),
            "bad-yaml": ProfileFiles(config="model: [unclosed", env={"TELEGRAM_BOT_TOKEN": "token-of-bad-yaml"}),
            "bad-token": with_bot("Token"),
            "crasher": with_bot("Crasher"),
            "no-adapter": with_bot(
                "None", config={"platforms": {"discord": {"enabled": True, "token": "discord-token-of-none"}}}
            ),
            "unreachable": with_bot("Away"),
            "corrupt-db": with_bot("Corrupt"),
        },
    )
    home.profile("corrupt-db").state_db.write_bytes(b"this is no database" * 100)
    platforms.bot("bad-token").script.append(CredentialRefused("unknown"))
    platforms.bot("unreachable").script.extend([Unreachable("away")] * 1000)
    platforms.broken["discord"] = ConfigError("there is no adapter", code="adapter_not_installed")
    async with open_gateway(root=tmp_path, services=[crash_in_crasher], find_adapter=platforms.find) as gateway:
        await trio.sleep(600)
        for name in ("ada", "bob"):
            assert gateway.slot(name).generation == len(platforms.bot(name).attempts) == 1
            assert name.capitalize() in await platforms.bot(name).hears("hello")
        assert {slot.name: slot.reason for slot in gateway.gateway.table if not slot.state.serves} == {
            "bad-yaml": "config_invalid",
            "crasher": "crashed",
            "corrupt-db": "store_corrupt",
        }
        reports = {
            one.name: [(bot.state, bot.reason) for bot in one.adapters] for one in gateway.gateway.status().profiles
        }
        assert reports["default"] == [("parked", "missing_credential")]
        assert reports["bad-token"] == [("parked", "bad_credential")]
        assert reports["unreachable"] == [("retrying", "platform_unreachable")]
        assert ("parked", "adapter_not_installed") in reports["no-adapter"]
        write_profile(home, "bad-yaml", with_bot("Mended"))
        with trio.fail_after(10):
            await gateway.slot("bad-yaml").serving()
        await until(lambda: connected(gateway, "bad-yaml"))
        assert gateway.slot("ada").generation == 1
