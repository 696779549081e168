"""Steering a run: consent, answers to the agent's questions, and stopping it."""

from pathlib import Path

import pytest
import trio
import yaml

from hermes_trio.home.paths import HomePaths
from tests.http.runs.rig import ASKING, CLARIFY, DELETE, also, call, names, open_runs


def treasure(root: Path, name: str = "treasure") -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    return folder


def delete(folder: Path) -> str:
    return call("terminal", command=f"rm -rf {folder}")


async def test_a_run_waits_for_consent_and_says_for_what(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start(DELETE)
        view = await runs.until(run_id, "waiting_for_approval")
        async with runs.stream(run_id) as stream:
            events = [await stream.receive(), await stream.receive()]
        assert names(events) == ["tool.started", "approval.request"]
        request = events[1]
        assert view["last_event"] == "approval.request"
        assert view["approvals"] == [request]
        assert request["command"] == "rm -rf build"
        assert request["pattern_key"] == request["pattern_keys"][0]
        assert request["description"]
        assert request["allow_permanent"] is True
        assert request["choices"] == ["once", "session", "always", "deny"]


async def test_nobody_consents_in_time(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start(DELETE)
        done = await runs.end(run_id)
        assert (done["status"], "no consent" in done["output"]) == ("completed", True)
        assert "approvals" not in done
        events = await runs.events(run_id)
        assert names(events)[1:3] == ["approval.request", "approval.responded"]
        answered = events[2]
        assert (answered["choice"], answered["resolved"], answered["answered"]) == ("deny", 1, False)
        assert answered["timestamp"] - events[1]["timestamp"] == pytest.approx(60, abs=1)


async def test_consent_is_refused(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start(DELETE)
        await runs.until(run_id, "waiting_for_approval")
        answer = await runs.post(run_id, "approval", choice="deny")
        assert answer.status_code == 200
        assert answer.json() == {
            "object": "hermes.run.approval_response",
            "run_id": run_id,
            "choice": "deny",
            "resolved": 1,
        }
        assert (await runs.view(run_id))["status"] != "waiting_for_approval"
        assert "no consent" in (await runs.end(run_id))["output"]
        responded = [event for event in await runs.events(run_id) if event["event"] == "approval.responded"]
        assert [(event["choice"], event["resolved"], event["answered"]) for event in responded] == [("deny", 1, True)]


@pytest.mark.slow  # real processes
@pytest.mark.parametrize("choice", ["once", "approve", "allow"])
async def test_consent_is_given_once(tmp_path, choice):
    async with open_runs(tmp_path / "home") as (_, runs):
        first, second = treasure(tmp_path, "first"), treasure(tmp_path, "second")
        run_id = await runs.start(f"{delete(first)}\n{delete(second)}")
        await runs.until(run_id, "waiting_for_approval")
        assert (await runs.post(run_id, "approval", choice=choice)).json()["choice"] == "once"
        with trio.fail_after(20):
            while first.exists():
                await trio.sleep(0.02)
        await runs.until(run_id, "waiting_for_approval")
        await runs.post(run_id, "approval", choice="deny")
        await runs.end(run_id)
        assert second.exists()


@pytest.mark.slow  # real processes
@pytest.mark.parametrize("choice", ["session", "always"])
async def test_consent_lasts(tmp_path, choice):
    home = HomePaths(tmp_path / "home").profile("ada")
    async with open_runs(tmp_path / "home") as (_, runs):
        folders = [treasure(tmp_path, str(number)) for number in range(4)]
        run_id = await runs.start("\n".join(map(delete, folders[:2])), session_id="s")
        await runs.until(run_id, "waiting_for_approval")
        await runs.post(run_id, "approval", choice=choice)
        await runs.end(run_id)
        await runs.end(await runs.start(delete(folders[2]), session_id="s"))
        elsewhere = await runs.start(delete(folders[3]), session_id="another")
        if choice == "session":
            await runs.until(elsewhere, "waiting_for_approval")
            await runs.post(elsewhere, "stop")
        await runs.end(elsewhere)
        assert [folder.exists() for folder in folders] == [False, False, False, choice == "session"]
    allowlist = yaml.safe_load(home.config.read_text()).get("command_allowlist", [])
    assert bool(allowlist) is (choice == "always")


async def test_consents_are_answered_in_the_order_in_which_they_were_asked(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start(f"{DELETE}\n{also('terminal', command='git reset --hard')}")
        view = await runs.until(run_id, "waiting_for_approval")
        with trio.fail_after(5):
            while len(view["approvals"]) < 2:
                view = await runs.view(run_id)
        commands = [request["command"] for request in view["approvals"]]
        assert sorted(commands) == ["git reset --hard", "rm -rf build"]
        await runs.post(run_id, "approval", choice="deny")
        assert [one["command"] for one in (await runs.view(run_id))["approvals"]] == commands[1:]
        await runs.post(run_id, "approval", choice="deny")
        await runs.end(run_id)


async def test_all_consents_are_answered_at_once(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        three = f"{DELETE}\n{also('terminal', command='git reset --hard')}\n{also('terminal', command='git clean -fd')}"
        run_id, other = await runs.start(three), await runs.start(f"please\n{DELETE}")
        view = await runs.until(run_id, "waiting_for_approval")
        with trio.fail_after(5):
            while len(view["approvals"]) < 3:
                view = await runs.view(run_id)
        await runs.until(other, "waiting_for_approval")
        answer = await runs.post(run_id, "approval", choice="deny", all=True)
        assert answer.json()["resolved"] == 3
        assert (await runs.view(other))["status"] == "waiting_for_approval"
        assert (await runs.end(run_id))["status"] == "completed"


async def test_a_consent_can_be_meant_for_one_command_only(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start(DELETE)
        view = await runs.until(run_id, "waiting_for_approval")
        late = await runs.post(run_id, "approval", choice="once", approval_id="approval_of_before")
        assert (late.status_code, late.json()["error"]["code"]) == (409, "approval_not_active")
        assert (await runs.view(run_id))["status"] == "waiting_for_approval"
        named = await runs.post(run_id, "approval", choice="deny", approval_id=view["approvals"][0]["approval_id"])
        assert named.json()["resolved"] == 1


async def test_a_child_agents_command_waits_for_the_consent_of_the_runs_reader(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start(call("delegate_task", goal=DELETE))
        view = await runs.until(run_id, "waiting_for_approval")
        assert view["approvals"][0]["command"] == "rm -rf build"
        assert (await runs.post(run_id, "approval", choice="deny")).json()["resolved"] == 1
        assert (await runs.end(run_id))["status"] == "completed"


async def test_consent_that_nobody_waits_for_is_a_conflict(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        running, ended = await runs.start("!sleep 5"), await runs.start("hello")
        await runs.end(ended)
        for run_id in (running, ended):
            answer = await runs.post(run_id, "approval", choice="once")
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "approval_not_active")


@pytest.mark.parametrize(
    ("body", "param"),
    [({}, "choice"), ({"choice": "maybe"}, "choice"), ({"choice": "once", "all": "yes"}, "all")],
)
async def test_a_consent_that_does_not_fit_is_refused(tmp_path, autojump_clock, body, param):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start(DELETE)
        await runs.until(run_id, "waiting_for_approval")
        answer = await runs.post(run_id, "approval", **body)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
        assert (await runs.view(run_id))["status"] == "waiting_for_approval"


async def test_the_agents_question_is_an_event_and_can_be_answered(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start(CLARIFY)
        async with runs.stream(run_id) as stream:
            events = [await stream.receive(), await stream.receive()]
            question = events[1]
            assert (question["event"], question["question"]) == ("question.request", "Which?")
            assert (question["choices"], question["seconds"]) == (["one", "two"], 100)
            assert (await runs.view(run_id))["questions"] == [question]
            wrong = await runs.post(run_id, "answer", answer="two", question_id="question_of_before")
            assert (wrong.status_code, wrong.json()["error"]["code"]) == (409, "question_not_active")
            answer = await runs.post(run_id, "answer", answer="two", question_id=question["question_id"])
            assert answer.json()["question_id"] == question["question_id"]
            events += [event async for event in stream]
        assert "question.closed" in names(events)
        assert '"user_response":"two"' in events[-1]["output"]
        again = await runs.post(run_id, "answer", answer="two")
        assert again.status_code == 409


@pytest.mark.parametrize("answer", ["", "  ", "x" * 65_537])
async def test_an_answer_has_to_say_something_of_a_bearable_length(tmp_path, autojump_clock, answer):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start(CLARIFY)
        refused = await runs.post(run_id, "answer", answer=answer)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "answer")


async def stop(runs, run_id: str) -> list[dict]:
    """Stop a run; returns the events to its end."""
    answer = await runs.post(run_id, "stop")
    assert (answer.status_code, answer.json()) == (200, {"run_id": run_id, "status": "stopping"})
    view = await runs.end(run_id, seconds=20)
    assert (view["status"], view["last_event"]) == ("cancelled", "run.cancelled")
    assert not {"output", "error", "approvals", "questions"} & view.keys()
    events = await runs.events(run_id)
    assert events[-1]["event"] == "run.cancelled"
    return events


@pytest.mark.parametrize("script", ["!hang", "!tokens 1000 1000", CLARIFY, DELETE])
async def test_a_run_is_stopped_whatever_it_does(tmp_path, autojump_clock, script):
    async with open_runs(tmp_path) as (gateway, runs):
        run_id = await runs.start(script)
        await trio.sleep(3)
        await stop(runs, run_id)
        assert gateway.gateway.capacity.running() == 0
        workplace = gateway.slot("ada").runtime.agent.workplace
        assert workplace.approvals.pending() == workplace.questions.pending() == ()


async def test_a_run_that_waits_for_its_session_is_stopped_before_it_begins(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        first, second = await runs.start("!sleep 5", session_id="s"), await runs.start("hello", session_id="s")
        await runs.until(first, "running")
        await stop(runs, second)
        assert (await runs.end(first))["status"] == "completed"


@pytest.mark.slow  # a real process
async def test_a_stopped_run_takes_its_tools_along(tmp_path):
    async with open_runs(tmp_path / "home") as (_, runs):
        alive = tmp_path / "alive"
        run_id = await runs.start(call("terminal", command=f"while :; do date +%s%N > {alive}; sleep 0.02; done"))
        with trio.fail_after(20):
            while not alive.exists():
                await trio.sleep(0.02)
        await stop(runs, run_id)
        last = alive.read_text()
        await trio.sleep(0.2)
        assert alive.read_text() == last


async def test_a_run_is_stopped_twice_and_then_is_gone_for_whoever_stops_it(tmp_path, autojump_clock):
    async with open_runs(tmp_path) as (_, runs):
        run_id = await runs.start("!hang")
        await runs.until(run_id, "running")
        answers = []

        async def stop_once() -> None:
            answers.append(await runs.post(run_id, "stop"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(stop_once)
            nursery.start_soon(stop_once)
        assert {answer.status_code for answer in answers} <= {200, 404}
        assert 200 in {answer.status_code for answer in answers}
        await runs.end(run_id)
        late = await runs.post(run_id, "stop")
        assert (late.status_code, late.json()["error"]["code"]) == (404, "run_not_found")


async def test_consent_and_stop_are_noted_in_the_profiles_log(tmp_path, autojump_clock):
    async with open_runs(tmp_path, ASKING) as (gateway, runs):
        run_id = await runs.start(DELETE)
        await runs.until(run_id, "waiting_for_approval")
        await runs.post(run_id, "approval", choice="deny")
        other = await runs.start("!hang")
        await runs.post(other, "stop")
        await runs.end(run_id)
    log = "".join(path.read_text() for path in gateway.home.profile("ada").root.rglob("*.log"))
    noted = [line for line in log.splitlines() if "run steered" in line]
    assert ["deny" in noted[0], "stop" in noted[1]] == [True, True]
    assert run_id in noted[0]
