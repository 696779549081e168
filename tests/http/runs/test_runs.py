"""Runs: started by a request and going on without it, asked about, bounded, and ended with their profile."""

import re
from types import SimpleNamespace

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from hermes_trio.http.runs.asked import read_asked_run
from hermes_trio.http.runs.run import Run
from hermes_trio.http.runs.shapes import RunMessage, StartRun
from hermes_trio.http.runs.table import KEPT_BYTES, KEPT_RUNS, RunTable
from hermes_trio.io.clock import FixedClock
from hermes_trio.models.events import Usage
from hermes_trio.testing import ProfileFiles, open_gateway
from hermes_trio.turns.request import TurnResult
from tests.http.runs.rig import ASKING, Runs, names, open_runs


async def test_a_run_is_started_goes_on_alone_and_says_how_it_ended(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (gateway, runs):
        begun = trio.current_time()
        run_id = await runs.start("!sleep 5", session_id="mine", model="some-name")
        assert re.fullmatch("run_[0-9a-f]{32}", run_id)
        assert trio.current_time() - begun < 1
        running = await runs.until(run_id, "running")
        assert running == {
            "object": "hermes.run",
            "run_id": run_id,
            "status": "running",
            "created_at": running["created_at"],
            "updated_at": running["created_at"],
            "session_id": "mine",
            "model": "some-name",
            "last_event": None,
        }
        done = await runs.end(run_id)
        assert (done["status"], done["output"], done["last_event"]) == ("completed", "Ada slept 5 s.", "run.completed")
        assert done["usage"]["total_tokens"] == done["usage"]["input_tokens"] + done["usage"]["output_tokens"] > 0
        assert done["updated_at"] - done["created_at"] >= 5
        assert gateway.gateway.capacity.running() == 0
        assert (await gateway.ask("ada", "!history", session="mine")).startswith("2 messages")


async def test_a_run_goes_on_with_its_session_and_with_the_history_that_it_is_given(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (gateway, runs):
        await gateway.ask("ada", "the first word", session="s")
        stored = await runs.end(await runs.start("!history", session_id="s", conversation_history=[]))
        assert stored["output"].startswith("2 messages")
        assert "the first word" in stored["output"]
        given = [{"role": "user", "content": "given"}, {"role": "assistant", "content": "yes"}]
        answer = await runs.end(await runs.start("!history", conversation_history=given))
        assert answer["session_id"].startswith("api-")
        assert "given" in answer["output"]
        messages = [*given, {"role": "user", "content": [{"type": "input_text", "text": "!history"}]}]
        assert (await runs.end(await runs.start(messages)))["session_id"] == answer["session_id"]


async def test_instructions_and_system_messages_are_added_to_the_prompt(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "!system text"}]
        answer = await runs.end(await runs.start(messages, instructions="Be brief."))
        assert answer["output"].endswith("Be brief.\n\nBe kind.")


async def test_an_alias_selects_its_model(tmp_path, autojump_clock):
    config = {
        "model": {"default": "gone", "provider": "custom", "base_url": "http://127.0.0.1:9/v1"},
        "platforms": {"api_server": {"extra": {"model_routes": {"quick": {"model": "echo", "provider": "builtin"}}}}},
    }
    async with open_runs(tmp_path, config) as (_, runs):
        answer = await runs.end(await runs.start("hello", model="quick"))
        assert (answer["status"], answer["model"]) == ("completed", "quick")


async def test_a_run_whose_model_fails_says_why(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start("!fail 401")
        failed = await runs.end(run_id)
        assert (failed["status"], failed["error_code"]) == ("failed", "model_unauthorized")
        assert "output" not in failed
        (event,) = await runs.events(run_id)
        assert (event["event"], event["error"]) == ("run.failed", failed["error"])


async def test_a_run_waits_for_the_turn_before_it_in_its_session(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        first = await runs.start("!sleep 5", session_id="s")
        second = await runs.start("hello", session_id="s")
        await runs.until(first, "running")
        assert (await runs.view(second))["status"] == "queued"
        assert (await runs.end(second))["status"] == "completed"
        assert (await runs.view(first))["status"] == "completed"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": 7}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": [{"content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 7}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"type": "file"}]}]}, "input[0].content"),
        ({"input": [{"role": "wizard", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "assistant", "content": "x"}]}, "input"),
        ({"input": "x", "instructions": 1}, "instructions"),
        ({"input": "x", "conversation_history": [{"role": 1}]}, "conversation_history[0].role"),
        ({"input": "x", "session_id": "y" * 257}, "session_id"),
        ({"input": "x", "session_id": "a\nb"}, "session_id"),
        ([], None),
    ],
)
async def test_a_body_that_does_not_fit_is_refused_with_the_name_of_the_field(tmp_path, autojump_clock, body, param):
    async with open_runs(tmp_path) as (gateway, runs):
        answer = await runs.client.post("runs", json=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == param
        assert gateway.gateway.capacity.running() == 0


@pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
async def test_a_body_that_is_no_json_is_refused(tmp_path, autojump_clock, body):
    async with open_runs(tmp_path) as (_, runs):
        assert (await runs.client.post("runs", content=body)).status_code == 400


async def test_it_does_not_matter_how_deeply_a_part_that_is_passed_over_is_nested():
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    body = StartRun([RunMessage("user", [{"type": "text", "text": "hello", "more": deep}])])
    call = SimpleNamespace(header=lambda _name: None)
    asked = await read_asked_run(SimpleNamespace(clock=FixedClock()), call, body)
    assert asked.user_message.content == "hello"


async def test_a_response_that_nobody_knows_is_404(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        answer = await runs.client.post("runs", json={"input": "x", "previous_response_id": "resp_nothing"})
        assert answer.status_code == 404
        assert answer.json()["error"]["param"] == "previous_response_id"


async def test_a_run_goes_on_from_a_response_in_its_session(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        first = await runs.client.post("responses", json={"input": "the word is plum", "instructions": "Be short."})
        run_id = await runs.start("!history", previous_response_id=first.json()["id"])
        run = await runs.end(run_id)
        assert "plum" in run["output"]
        assert run["session_id"] == first.headers["x-hermes-session-id"]


async def test_a_full_profile_starts_no_run_and_the_seat_of_a_run_is_held_to_its_end(tmp_path, autojump_clock):
    config = {**ASKING, "max_concurrent_sessions": 1}
    async with open_runs(tmp_path, config) as (gateway, runs):
        run_id = await runs.start("!sleep 5")
        assert gateway.gateway.capacity.running("ada") == 1
        refused = await runs.client.post("runs", json={"input": "hello"})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert refused.json()["error"]["code"] == "rate_limit_exceeded"
        assert "max_concurrent_sessions" in refused.json()["error"]["message"]
        assert "run.completed" in names(await runs.events(run_id))
        assert gateway.gateway.capacity.running("ada") == 0
        await runs.end(await runs.start("hello"))


async def test_health_counts_runs(tmp_path, autojump_clock):
    async def active(runs: Runs) -> int:
        health = await runs.client.get("http://gateway.test/p/ada/health/detailed")
        return health.json()["readiness"]["checks"]["background_queues"]["active_api_runs"]

    async with open_runs(tmp_path) as (_, runs):
        run_ids = [await runs.start("!sleep 5"), await runs.start("!sleep 6")]
        assert await active(runs) == 2
        await runs.end(run_ids[1])
        assert await active(runs) == 0


async def test_a_drain_waits_for_a_run_and_starts_no_other(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (gateway, runs):
        run_id = await runs.start("!sleep 5")
        async with runs.stream(run_id) as stream, trio.open_nursery() as nursery:
            nursery.start_soon(gateway.gateway.drain)
            await wait_all_tasks_blocked()
            refused = await runs.client.post("runs", json={"input": "hello"})
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "gateway_draining"
            assert refused.headers["retry-after"] == "1"
            events = [event async for event in stream]
        assert events[-1]["output"] == "Ada slept 5 s."


async def test_a_run_that_outlives_the_drain_has_failed(tmp_path, autojump_clock):
    config = {**ASKING, "agent": {"restart_drain_timeout": 5}}
    async with open_runs(tmp_path, config) as (gateway, runs):
        run_id = await runs.start("!hang")
        async with runs.stream(run_id) as stream, trio.open_nursery() as nursery:
            nursery.start_soon(gateway.gateway.drain)
            events = [event async for event in stream]
        assert (events[-1]["event"], events[-1]["error_code"]) == ("run.failed", "profile_stopped")
        assert gateway.gateway.capacity.running() == 0


async def test_a_restart_of_the_profile_fails_its_run_which_is_still_known_afterwards(tmp_path, autojump_clock):
    config = {**ASKING, "agent": {"restart_drain_timeout": 5}}
    async with open_runs(tmp_path, config) as (gateway, runs):
        run_id = await runs.start("!hang")
        slot = gateway.slot("ada")
        slot.restart_wanted.set()
        with trio.fail_after(60):
            await slot.serving(2)
        view = await runs.view(run_id)
        assert (view["status"], view["error_code"]) == ("failed", "profile_stopped")
        assert (await runs.end(await runs.start("hello")))["status"] == "completed"


async def test_a_crash_of_the_profile_fails_its_run(tmp_path, autojump_clock):
    crash = trio.Event()

    async def crash_once(scope, *, task_status):
        task_status.started()
        if scope.name == "ada" and scope.generation == 1:
            await crash.wait()
            raise ZeroDivisionError
        await trio.sleep_forever()

    async with open_runs(tmp_path, services=[crash_once]) as (gateway, runs):
        run_id = await runs.start("!hang")
        await runs.until(run_id, "running")
        crash.set()
        with trio.fail_after(60):
            await gateway.slot("ada").serving(2)
        assert (await runs.view(run_id))["status"] == "failed"
        assert gateway.gateway.capacity.running() == 0


async def test_runs_of_two_profiles_go_on_side_by_side(tmp_path, autojump_clock):
    async with (
        open_gateway({"ada": "You are Ada.", "bob": "You are Bob."}, root=tmp_path) as gateway,
        gateway.client("ada") as ada,
        gateway.client("bob") as bob,
    ):
        begun = trio.current_time()
        started = [(runs, await runs.start("!sleep 5")) for runs in (Runs(ada), Runs(bob), Runs(ada), Runs(bob))]
        outputs = [(await runs.end(run_id))["output"] for runs, run_id in started]
        assert outputs == ["Ada slept 5 s.", "Bob slept 5 s."] * 2
        assert trio.current_time() - begun < 7


async def test_the_operator_starts_and_finds_a_run_of_a_profile_by_its_model(tmp_path, autojump_clock):
    config = {"model": "builtin/echo", "platforms": {"api_server": {"extra": {"profiles": ["ada"]}}}}
    files = {"default": ProfileFiles("You are Dee.", config), "ada": "You are Ada.", "bob": "You are Bob."}
    async with (
        open_gateway(files, root=tmp_path) as gateway,
        gateway.client() as operator,
        gateway.client("bob") as bob,
    ):
        runs = Runs(operator)
        run_id = await runs.start("!sleep 5", model="ada")
        assert (await runs.view(run_id))["status"] in ("queued", "running")
        assert text_of(await runs.events(run_id)) == "Ada slept 5 s."
        hidden = await Runs(bob).start("!sleep 1")
        assert (await operator.get(f"runs/{hidden}")).json()["error"]["code"] == "run_not_found"


def text_of(events: list[dict]) -> str:
    return events[-1]["output"]


async def test_the_turns_log_carries_the_runs_id(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (gateway, runs):
        run_id = await runs.start("hello")
        await runs.end(run_id)
    log = "".join(path.read_text() for path in gateway.home.profile("ada").root.rglob("*.log"))
    assert run_id in log


def ended_run(output: str = "") -> Run:
    run = Run("s", "m", 0.0)
    run.ended(TurnResult(output, "stop", Usage(), "s", "m"), 0.0)
    return run


async def test_an_ended_run_is_known_for_an_hour_and_a_running_one_for_as_long_as_it_runs(autojump_clock):
    table = RunTable()
    ended, running = ended_run(), Run("s", "m", 0.0)
    table.add(ended)
    table.add(running)
    await trio.sleep(3599)
    assert table.find(ended.id) is ended
    await trio.sleep(2)
    assert table.find(ended.id) is None
    await trio.sleep(100_000)
    table.add(ended_run())
    assert table.find(running.id) is running
    assert table.active == 1


async def test_of_many_ended_runs_the_oldest_are_forgotten_and_no_running_one(autojump_clock):
    table = RunTable()
    running = Run("s", "m", 0.0)
    table.add(running)
    ended = []
    for _ in range(KEPT_RUNS + 50):
        await trio.sleep(0.1)
        ended.append(ended_run())
        table.add(ended[-1])
    known = [table.find(run.id) is not None for run in ended]
    assert known == [False] * 50 + [True] * KEPT_RUNS
    assert table.find(running.id) is running


async def test_ended_runs_take_a_bounded_amount_of_memory(autojump_clock):
    table = RunTable()
    ended = []
    for _ in range(12):
        await trio.sleep(1)
        ended.append(ended_run("x" * (KEPT_BYTES // 8)))
        table.add(ended[-1])
    kept = [run for run in ended if table.find(run.id) is not None]
    assert kept == ended[-len(kept) :]
    assert 2 <= len(kept) <= 9


async def test_an_ended_run_holds_nothing_of_its_turn(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (gateway, runs):
        run_id = await runs.start("hello")
        await runs.end(run_id)
        run = gateway._app._states["ada"].runs.find(run_id)
        assert run._hold is None
        assert run._control is None
