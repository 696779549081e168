"""What belongs to one profile stays with it: R3, R10, R12 and R13 of the regression list, as far as the API goes."""

import sqlite3

import httpx
import pytest
import trio

from hermes_trio.gateway.start_gate import StartGate
from hermes_trio.home.paths import HomePaths
from hermes_trio.io.workers import ThreadWorkers
from hermes_trio.testing import ProfileFiles, open_gateway
from tests.rig import canary

PROFILES = {
    name: ProfileFiles(
        soul=f"You are {name.title()}.",
        env={"API_SERVER_KEY": canary(name, "API"), "OPENAI_API_KEY": canary(name, "OPENAI")},
    )
    for name in ("default", "ada", "bob")
}


def open_three(root):
    return open_gateway(PROFILES, root=root)


async def ask(gateway, profile, text, **options):
    return await gateway.ask(profile, text, key=canary(profile, "API"), **options)


def rows(home: HomePaths, profile: str, query: str):
    with sqlite3.connect(home.profile(profile).state_db) as connection:
        found = connection.execute(query).fetchall()
    connection.close()
    return found


async def test_the_same_session_id_in_two_profiles_is_two_sessions(tmp_path, autojump_clock):
    async with open_three(tmp_path) as gateway:
        await ask(gateway, "ada", "the word is plum", session="same")
        await ask(gateway, "bob", "the word is fig", session="same")
        assert "fig" not in await ask(gateway, "ada", "!history", session="same")
        assert "plum" not in await ask(gateway, "bob", "!history", session="same")
    said = rows(gateway.home, "bob", "SELECT content FROM messages WHERE role = 'user'")
    assert said == [("the word is fig",), ("!history",)]


async def test_a_turn_opens_files_of_its_own_profile_only(tmp_path, autojump_clock, recorder):
    async with open_three(tmp_path) as gateway:
        await ask(gateway, "bob", "warm up")
        await trio.sleep(1)  # until its log lines are written
        recorder.paths.clear()
        recorder.processes.clear()
        await ask(gateway, "ada", "hello", session="s")
        await trio.sleep(1)
        opened = recorder.under(gateway.home.root)
        recorder.recording = False
        assert opened, "the turn must have stored something"
        assert [path for path in opened if not path.is_relative_to(gateway.home.profile("ada").root)] == []
        assert recorder.processes == []


async def test_no_file_of_a_profile_carries_a_secret_of_any(tmp_path, autojump_clock):
    async with open_three(tmp_path) as gateway:
        for name in PROFILES:
            await ask(gateway, name, f"my key is {canary(name, 'OPENAI')}")
            with pytest.raises(httpx.HTTPStatusError):
                await gateway.ask(name, "hello", key=canary("ada" if name != "ada" else "bob", "API"))
    for log in gateway.home.root.rglob("*.log"):
        assert "CANARY" not in log.read_text(), log


async def test_a_profiles_log_has_its_own_lines_only(tmp_path, autojump_clock):
    async with open_three(tmp_path) as gateway:
        await ask(gateway, "ada", "hello ada")
        await ask(gateway, "bob", "hello bob")
    for own, other in (("ada", "bob"), ("bob", "ada")):
        text = (gateway.home.profile(own).logs / "agent.log").read_text()
        assert f"profile={own}" in text
        assert other not in text


async def test_a_session_of_another_profile_looks_like_one_that_never_was(tmp_path, autojump_clock):
    async with open_three(tmp_path) as gateway:
        await ask(gateway, "ada", "the word is plum", session="adas")
        foreign = await ask(gateway, "bob", "!history", session="adas")
        unknown = await ask(gateway, "bob", "!history", session="never")
        assert foreign == unknown


async def test_a_slow_disk_under_one_profile_delays_no_other_start():
    """Eight starts hang in their worker threads; a ninth goes through at once."""
    gate, release = StartGate(ThreadWorkers()), trio.Event()
    token = trio.lowlevel.current_trio_token()

    def hang() -> None:
        trio.from_thread.run(release.wait, trio_token=token)

    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(gate.run, hang)
        with trio.fail_after(5):
            assert await gate.run(lambda: "up") == "up"
        release.set()
