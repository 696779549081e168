"""What people and other programs see of chats: the report, the status file, health, and the marker of a good end."""

import json

import msgspec
import trio

from hermes_trio.adapter_api import CredentialRefused, Unreachable
from hermes_trio.gateway.report import GatewayReport
from hermes_trio.gateway.status_file import serve_status_file
from hermes_trio.testing import open_gateway, write_home
from tests.gateway.scripted import Platforms, slot_of, until, with_bot


async def connect_all(gateway, *profiles):
    for name in profiles:
        with trio.fail_after(10):
            await slot_of(gateway, name).connected()


def profile_of(gateway, name):
    return next(one for one in gateway.gateway.status().profiles if one.name == name)


async def test_the_report_shows_bots_and_turns(tmp_path, autojump_clock):
    platforms = Platforms()
    profiles = {"ada": with_bot("Ada"), "bob": "You are Bob."}
    async with open_gateway(profiles, root=tmp_path, find_adapter=platforms.find) as gateway:
        await connect_all(gateway, "ada")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(platforms.bot("ada").hears, "!sleep 10")
            await trio.sleep(6)
            await trio.sleep(1)
            encoded = msgspec.json.encode(gateway.gateway.status())
            assert msgspec.json.decode(encoded, type=GatewayReport) == gateway.gateway.status()
            (turn,) = profile_of(gateway, "ada").turns
            assert turn.turn.startswith("turn_")
            assert (turn.session_key, turn.transport_profile) == ("agent:ada:telegram:dm:7", "ada")
            assert 5 < turn.seconds < 7.5
            assert (turn.tool, turn.queued) == ("", 0)
        (bot,) = profile_of(gateway, "ada").adapters
        assert (bot.platform, bot.state, bot.bot, bot.received, bot.sent) == ("telegram", "connected", "@ada_bot", 1, 1)
        assert profile_of(gateway, "ada").turns == []
        assert profile_of(gateway, "bob").adapters == []


async def test_the_report_counts_what_was_not_taken(tmp_path, autojump_clock):
    platforms = Platforms()
    async with open_gateway({"ada": with_bot("Ada")}, root=tmp_path, find_adapter=platforms.find) as gateway:
        await connect_all(gateway, "ada")
        await platforms.bot("ada").hears("hello", "1")
        await platforms.bot("ada").hears("again", "2")
        await platforms.bot("ada").repeats()
        (bot,) = profile_of(gateway, "ada").adapters
        assert (bot.received, bot.dropped) == (3, {"duplicate": 1})


async def test_a_turn_is_cancelled_by_its_id_and_the_chat_is_told(tmp_path, autojump_clock):
    platforms = Platforms()
    async with open_gateway({"ada": with_bot("Ada")}, root=tmp_path, find_adapter=platforms.find) as gateway:
        await connect_all(gateway, "ada")
        chats = gateway.slot("ada").runtime.chats
        async with trio.open_nursery() as nursery:
            nursery.start_soon(platforms.bot("ada").hears, "!hang")
            await until(lambda: profile_of(gateway, "ada").turns)
            await trio.sleep(1)
            (turn,) = profile_of(gateway, "ada").turns
            assert not chats.cancel_turn("turn_unknown")
            assert chats.cancel_turn(turn.turn)
        assert "stopped" in platforms.bot("ada").sent[0][1]
        assert profile_of(gateway, "ada").turns == []
        assert "Ada" in await platforms.bot("ada").hears("and now?", "2")


def platforms_in(root):
    return json.loads((root / "gateway_state.json").read_text())["platforms"]


async def test_the_status_file_has_the_bots_as_hermes_agent_writes_them(tmp_path, autojump_clock):
    platforms = Platforms()
    platforms.bot("bob").script.append(CredentialRefused("unknown"))
    platforms.bot("cleo").script.extend([Unreachable("away")] * 100)
    profiles = {name: with_bot(name.capitalize()) for name in ("default", "ada", "bob", "cleo")}
    async with open_gateway(profiles, root=tmp_path, find_adapter=platforms.find) as gateway:
        async with trio.open_nursery() as nursery:
            await nursery.start(serve_status_file, gateway.gateway)
            await connect_all(gateway, "default", "ada")
            await trio.sleep(1)
            found = platforms_in(tmp_path)
            assert {name: (one["state"], one["error_code"]) for name, one in found.items()} == {
                "telegram": ("connected", None),
                "ada:telegram": ("connected", None),
                "bob:telegram": ("fatal", "bad_credential"),
                "cleo:telegram": ("retrying", "platform_unreachable"),
            }
            assert "unknown" in found["bob:telegram"]["error_message"]
            assert found["telegram"]["updated_at"].endswith("+00:00")
            gateway.slot("ada").runtime.chats.runners["telegram"].pause()
            await trio.sleep(1)
            assert platforms_in(tmp_path)["ada:telegram"]["state"] == "disconnected"
            nursery.cancel_scope.cancel()
        stopped = platforms_in(tmp_path)
        assert {(one["state"], one["error_code"]) for one in stopped.values()} == {("disconnected", None)}


async def test_health_in_detail_shows_the_bots_of_its_profile_only(tmp_path, autojump_clock):
    platforms = Platforms()
    platforms.bot("bob").script.append(CredentialRefused("unknown"))
    profiles = {"ada": with_bot("Ada"), "bob": with_bot("Bob")}
    async with open_gateway(profiles, root=tmp_path, find_adapter=platforms.find) as gateway:
        await connect_all(gateway, "ada")
        health = {}
        for name in ("ada", "bob"):
            async with gateway.client(name) as client:
                health[name] = (await client.get(f"http://gateway.test/p/{name}/health/detailed")).json()
        assert health["ada"]["platforms"]["telegram"]["state"] == "connected"
        assert health["bob"]["platforms"]["telegram"]["error_code"] == "bad_credential"
        checks = {name: one["readiness"]["checks"]["gateway"] for name, one in health.items()}
        assert checks["ada"]["connected_platforms"] == ["telegram"]
        assert checks["bob"]["connected_platforms"] == []
        assert health["bob"]["status"] == "ok"


async def test_an_orderly_end_leaves_its_marker_and_the_next_start_takes_it(tmp_path, autojump_clock):
    platforms = Platforms()
    async with open_gateway({"ada": with_bot("Ada")}, root=tmp_path, find_adapter=platforms.find) as gateway:
        await connect_all(gateway, "ada")
        marker = gateway.home.profile("ada").clean_shutdown
        async with trio.open_nursery() as nursery:
            nursery.start_soon(platforms.bot("ada").hears, "!sleep 5")
            await trio.sleep(2)
            assert not marker.exists()
            await gateway.gateway.drain()
        assert marker.exists()
    async with open_gateway(root=tmp_path, find_adapter=platforms.find) as gateway:
        await connect_all(gateway, "ada")
        assert not marker.exists()
        assert not gateway.home.profile("default").clean_shutdown.exists()


async def test_a_turn_that_is_cut_off_is_no_orderly_end(tmp_path, autojump_clock):
    platforms = Platforms()
    files = with_bot("Ada", config={"agent": {"restart_drain_timeout": 3}})
    async with open_gateway({"ada": files}, root=tmp_path, find_adapter=platforms.find) as gateway:
        await connect_all(gateway, "ada")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(platforms.bot("ada").hears, "!hang")
            await trio.sleep(2)
            await gateway.gateway.drain()
            nursery.cancel_scope.cancel()
        assert not gateway.home.profile("ada").clean_shutdown.exists()


async def test_a_marker_that_cannot_be_taken_keeps_nobody_from_chatting(tmp_path, autojump_clock):
    platforms = Platforms()
    home = write_home(tmp_path, {"ada": with_bot("Ada")})
    home.profile("ada").clean_shutdown.mkdir()
    async with open_gateway(root=tmp_path, find_adapter=platforms.find) as gateway:
        await connect_all(gateway, "ada")
        assert "Ada" in await platforms.bot("ada").hears("hello")
    assert ".clean_shutdown: cannot be used" in home.profile("ada").logs.joinpath("agent.log").read_text()
