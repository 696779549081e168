"""One profile's failure is its own: six broken profiles of six kinds beside two good ones."""

import pytest
import trio

from hermes_trio.gateway.states import ProfileState
from hermes_trio.gateway.status_file import serve_status_file
from hermes_trio.testing import ProfileFiles, open_gateway, write_home, write_profile


async def crash_in_crasher(scope, *, task_status):
    if scope.name == "crasher":
        raise ZeroDivisionError("code that raises")
    task_status.started()
    await trio.sleep_forever()


BROKEN = {
    "bad-yaml": ProfileFiles(config="model: [unclosed"),
    "wrong-type": ProfileFiles(config={"model": "builtin/echo", "max_concurrent_sessions": ["many"]}),
    "no-such-provider": ProfileFiles(config={"model": {"default": "m", "provider": "custom:nowhere"}}),
    "crasher": "You are code that raises.",
}


@pytest.fixture
def home(tmp_path):
    """Two good profiles and six broken ones."""
    home = write_home(tmp_path, {"ada": "You are Ada.", "bob": "You are Bob.", **BROKEN})
    write_profile(home, "unreadable-env", ProfileFiles())
    home.profile("unreadable-env").env.unlink()
    home.profile("unreadable-env").env.mkdir()
    write_profile(home, "corrupt-db", ProfileFiles())
    home.profile("corrupt-db").state_db.write_bytes(b"this is no database" * 100)
    return home


async def test_every_broken_profile_says_why_and_the_good_ones_serve(home, autojump_clock):
    async with open_gateway(root=home.root, services=[crash_in_crasher]) as gateway:
        assert "Ada" in await gateway.ask("ada", "hello")
        assert "Bob" in await gateway.ask("bob", "hello")
        assert {slot.name: (slot.state, slot.reason) for slot in gateway.gateway.table if not slot.state.serves} == {
            "bad-yaml": (ProfileState.FAILED, "config_invalid"),
            "wrong-type": (ProfileState.FAILED, "config_invalid"),
            "no-such-provider": (ProfileState.FAILED, "provider_unknown"),
            "unreadable-env": (ProfileState.FAILED, "secrets_unreadable"),
            "corrupt-db": (ProfileState.FAILED, "store_corrupt"),
            "crasher": (ProfileState.BACKOFF, "crashed"),
        }


async def test_an_hour_of_crashes_quarantines_the_crasher_and_touches_nobody_else(home, autojump_clock):
    async with open_gateway(root=home.root, services=[crash_in_crasher]) as gateway:
        await trio.sleep(3600)
        assert gateway.slot("crasher").state is ProfileState.QUARANTINED
        assert gateway.slot("crasher").generation < 20
        assert len(gateway.slot("crasher").crashes) == 5
        assert gateway.slot("ada").generation == gateway.slot("bob").generation == 1
        assert "Ada" in await gateway.ask("ada", "hello")


async def test_a_mended_file_brings_its_profile_up_within_seconds(home, autojump_clock):
    async with open_gateway(root=home.root, services=[crash_in_crasher]) as gateway:
        write_profile(gateway.home, "bad-yaml", ProfileFiles(soul="You are Mended."))
        with trio.fail_after(5):
            await gateway.slot("bad-yaml").serving()
        assert "Mended" in await gateway.ask("bad-yaml", "hello")
        assert gateway.slot("ada").generation == 1


async def test_a_profile_without_a_model_serves_degraded_and_says_what_is_missing(tmp_path, autojump_clock):
    async with open_gateway({"new": ProfileFiles(config="{}")}, root=tmp_path) as gateway:
        assert gateway.slot("new").state is ProfileState.DEGRADED
        assert gateway.slot("new").reason == "model_not_configured"
        async with gateway.client("new") as client:
            assert (await client.get("models")).status_code == 200
            body = {"messages": [{"role": "user", "content": "hello"}]}
            answer = await client.post("chat/completions", json=body)
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "model_not_configured"


async def test_a_broken_default_profile_does_not_stop_the_others(tmp_path, autojump_clock):
    profiles = {"default": ProfileFiles(config="model: [unclosed"), "ada": "You are Ada."}
    async with open_gateway(profiles, root=tmp_path) as gateway:
        assert gateway.slot("default").state is ProfileState.FAILED
        assert "Ada" in await gateway.ask("ada", "hello")


async def test_a_parked_profile_is_known_and_not_served(tmp_path, autojump_clock):
    home = write_home(tmp_path, {"ada": "You are Ada."})
    home.profile("ada").parked_marker.touch()
    async with open_gateway(root=tmp_path) as gateway:
        async with gateway.client("ada") as client:
            answer = await client.get("models")
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "profile_parked"
        assert gateway.gateway.status().state == "running"


async def test_a_crash_of_a_service_ends_the_turns_of_its_profile_only(tmp_path, autojump_clock):
    crash = trio.Event()

    async def service(scope, *, task_status):
        task_status.started()
        await (crash.wait() if (scope.name, scope.generation) == ("ada", 1) else trio.sleep_forever())
        raise ZeroDivisionError

    statuses = {}

    async def hang(gateway, name):
        async with gateway.client(name) as client:
            body = {"messages": [{"role": "user", "content": "!sleep 10"}]}
            statuses[name] = await client.post("chat/completions", json=body)

    async with open_gateway({"ada": "Ada", "bob": "Bob"}, root=tmp_path, services=[service]) as gateway:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hang, gateway, "ada")
            nursery.start_soon(hang, gateway, "bob")
            await trio.sleep(1)
            crash.set()
        assert statuses["ada"].status_code == 503
        assert statuses["bob"].status_code == 200
        with trio.fail_after(5):
            await gateway.slot("ada").serving(generation=2)
        assert gateway.slot("bob").generation == 1


async def starting(slot, generation: int) -> None:
    while slot.generation < generation:
        await trio.sleep(0.1)


async def test_a_request_to_a_profile_that_is_just_starting_waits_a_little(tmp_path, autojump_clock):
    async def slow_start(scope, *, task_status):
        await trio.sleep({1: 0, 2: 1, 3: 10}[scope.generation])
        task_status.started()
        if scope.generation < 3:
            await trio.sleep(5)
            raise ZeroDivisionError
        await trio.sleep_forever()

    async with open_gateway({"default": "You are Ada."}, root=tmp_path, services=[slow_start]) as gateway:
        await starting(gateway.slot("default"), generation=2)
        assert "Ada" in await gateway.ask("default", "hello")
        await starting(gateway.slot("default"), generation=3)
        async with gateway.client() as client:
            answer = await client.get("models")
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "profile_starting"
        assert answer.headers["retry-after"] == "1"


async def test_a_crasher_that_writes_its_own_home_is_held_back_all_the_same(tmp_path, autojump_clock):
    async def service(scope, *, task_status):
        task_status.started()
        if scope.name == "ada":
            await trio.sleep(5)
            (scope.home.root / f"left by {scope.generation}").touch()
            raise ZeroDivisionError
        await trio.sleep_forever()

    async with open_gateway({"ada": "You are Ada."}, root=tmp_path, services=[service]) as gateway:
        await gateway.ask("ada", "hello", session="stored")
        await trio.sleep(3600)
        assert gateway.slot("ada").state is ProfileState.QUARANTINED
        assert gateway.slot("ada").generation < 25


async def test_the_gateways_own_files_are_no_mend_of_the_default_profile(tmp_path, autojump_clock):
    async with (
        open_gateway({"default": ProfileFiles(config="model: [unclosed")}, root=tmp_path) as gateway,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(serve_status_file, gateway.gateway)
        await trio.sleep(600)
        assert gateway.slot("default").generation == 1
        nursery.cancel_scope.cancel()


async def test_a_replaced_database_brings_its_profile_up(home, autojump_clock):
    async with open_gateway(root=home.root, services=[crash_in_crasher]) as gateway:
        gateway.home.profile("corrupt-db").state_db.unlink()
        with trio.fail_after(5):
            await gateway.slot("corrupt-db").serving()


async def test_a_crash_report_carries_no_secret(tmp_path, autojump_clock):
    async def service(scope, *, task_status):
        task_status.started()
        if scope.name == "ada":
            raise RuntimeError(f"refused for {scope.secrets.get('ADA_TOKEN')}")
        await trio.sleep_forever()

    files = ProfileFiles("You are Ada.", env={"ADA_TOKEN": "canary-of-ada-4711"})
    async with open_gateway({"ada": files}, root=tmp_path, services=[service]) as gateway:
        await trio.sleep(0.1)
        slot = gateway.slot("ada")
        assert slot.state is ProfileState.BACKOFF
        assert "refused for" in slot.detail
        assert "canary" not in slot.detail
        assert "canary" not in repr(slot.crashes)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_foreign_error_in_a_turn_is_told_in_the_profiles_own_log_only(
    tmp_path, autojump_clock, monkeypatch, stream
):
    async def crash(scope, agent, request, emit):
        raise ExceptionGroup("turn", [KeyError(f"refused for {scope.secrets.get('ADA_TOKEN')}")])

    monkeypatch.setattr("hermes_trio.gateway.runtime.run_turn", crash)
    files = ProfileFiles("You are Ada.", env={"ADA_TOKEN": "canary-of-ada-4711"})
    async with open_gateway({"ada": files}, root=tmp_path) as gateway:
        async with gateway.client("ada") as client:
            body = {"messages": [{"role": "user", "content": "hello"}], "stream": stream}
            answer = await client.post("chat/completions", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
        assert gateway.request_errors == []
        assert "refused" not in answer.text
    log = (tmp_path / "profiles" / "ada" / "logs" / "errors.log").read_text()
    assert "turn crashed: KeyError" in log
    assert "canary" not in log
