"""An orderly end: who is answered, who is told, and what the status file says afterwards."""

import pytest
import trio

from hermes_trio.gateway.states import ProfileState
from hermes_trio.gateway.status_file import serve_status_file
from hermes_trio.home.status_file import read_status
from hermes_trio.testing import ProfileFiles, open_gateway, write_home


@pytest.mark.parametrize("stream", [False, True])
async def test_a_turn_that_outlives_the_drain_is_cancelled_and_its_client_told(tmp_path, autojump_clock, stream):
    config = {"model": "builtin/echo", "agent": {"restart_drain_timeout": 5}}
    answers = []

    async def ask(gateway) -> None:
        async with gateway.client("ada") as client:
            body = {"messages": [{"role": "user", "content": "!sleep 1000"}], "stream": stream}
            answers.append(await client.post("chat/completions", json=body))

    async with open_gateway({"ada": ProfileFiles("You are Ada.", config)}, root=tmp_path) as gateway:
        with trio.fail_after(8):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask, gateway)
                await trio.sleep(1)
                await gateway.gateway.drain()
        assert "gateway_draining" in answers[0].text
        assert stream or answers[0].status_code == 503
        assert gateway.gateway.capacity.running() == 0


async def test_a_profile_that_starts_during_the_drain_takes_no_work(tmp_path, autojump_clock):
    async def slow_second_start(scope, *, task_status):
        await trio.sleep(0 if scope.generation == 1 else 1)
        task_status.started()
        await (trio.sleep(1) if scope.generation == 1 else trio.sleep_forever())
        raise ZeroDivisionError

    async with open_gateway({"default": "You are Ada."}, root=tmp_path, services=[slow_second_start]) as gateway:
        slot = gateway.slot("default")
        while slot.generation < 2:
            await trio.sleep(0.1)
        await gateway.gateway.drain()
        begun = trio.current_time()
        async with gateway.client() as client:
            answer = await client.get("models")
        assert answer.json()["error"]["code"] == "gateway_draining"
        assert trio.current_time() - begun < 0.1
        await trio.sleep(5)
        assert slot.state is ProfileState.DRAINING
        async with gateway.client() as client:
            assert (await client.get("models")).status_code == 503


async def test_the_last_status_file_says_that_everything_has_stopped(tmp_path, autojump_clock):
    home = write_home(tmp_path, {"ada": "You are Ada.", "eve": "You are Eve."})
    home.profile("eve").parked_marker.touch()
    async with open_gateway(root=tmp_path) as gateway, trio.open_nursery() as nursery:
        await nursery.start(serve_status_file, gateway.gateway)
        await gateway.gateway.drain()
        nursery.cancel_scope.cancel()
    status = read_status(home)
    assert status.gateway_state == "stopped"
    assert {name: profile.state for name, profile in status.profiles.items()} == {
        "default": "stopped",
        "ada": "stopped",
        "eve": "parked",
    }


async def test_turns_that_wait_for_their_session_are_drained_too(tmp_path, autojump_clock):
    answers = []

    async def ask(gateway) -> None:
        answers.append(await gateway.ask("ada", "!sleep 2", session="one"))

    async with open_gateway({"ada": "You are Ada."}, root=tmp_path) as gateway:
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(ask, gateway)
            await trio.sleep(0.5)
            await gateway.gateway.drain()
        assert len(answers) == 3


async def test_a_generation_that_is_closing_does_not_claim_to_run(tmp_path, autojump_clock):
    async def slow_to_close(scope, *, task_status):
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            with trio.move_on_after(3, shield=True):
                await trio.sleep_forever()

    async def crash(scope, *, task_status):
        task_status.started()
        await (trio.sleep(1) if scope.name == "ada" else trio.sleep_forever())
        raise ZeroDivisionError

    async with open_gateway({"ada": "You are Ada."}, root=tmp_path, services=[slow_to_close, crash]) as gateway:
        await trio.sleep(2)
        assert gateway.slot("ada").runtime is None
        assert gateway.slot("ada").state is ProfileState.DRAINING
