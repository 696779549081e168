"""Runs over a real process: started, watched, consented to, stopped."""

import json
import signal

import httpx
import pytest

from hermes_trio.testing.home import ProfileFiles, write_home
from hermes_trio.testing.home import test_key as key_of
from tests.e2e.process import running


@pytest.fixture
def root(tmp_path):
    config = {"model": "builtin/echo", "approvals": {"mode": "manual"}}
    write_home(tmp_path / "home", {"ada": ProfileFiles("You are Ada.", config), "bob": "You are Bob."})
    return tmp_path / "home"


def client_of(gateway, profile: str) -> httpx.Client:
    key = {"Authorization": f"Bearer {key_of(profile)}"}
    return httpx.Client(base_url=gateway.url(profile) + "/", headers=key, timeout=20)


def events_of(stream: httpx.Response):
    for line in stream.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def test_a_run_is_watched_consented_to_and_completed(root, tmp_path):
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    script = "!tool terminal " + json.dumps({"command": f"rm -rf {treasure}"})
    with running(root) as gateway, client_of(gateway.ready("ada", "bob"), "ada") as ada:
        started = ada.post("runs", json={"input": script})
        assert started.status_code == 202
        run_id = started.json()["run_id"]
        seen = []
        with ada.stream("GET", f"runs/{run_id}/events") as stream:
            for event in events_of(stream):
                seen.append(event["event"])
                if event["event"] == "approval.request":
                    assert ada.get(f"runs/{run_id}").json()["status"] == "waiting_for_approval"
                    with client_of(gateway, "bob") as bob:
                        assert bob.post(f"runs/{run_id}/approval", json={"choice": "once"}).status_code == 404
                    answered = ada.post(f"runs/{run_id}/approval", json={"choice": "once"})
                    assert answered.json()["resolved"] == 1
        kinds = list(dict.fromkeys(seen))
        assert kinds == [
            "tool.started",
            "approval.request",
            "approval.responded",
            "tool.completed",
            "message.delta",
            "run.completed",
        ]
        done = ada.get(f"runs/{run_id}").json()
        assert (done["status"], done["last_event"]) == ("completed", "run.completed")
        assert done["output"].startswith("The tools said")
        assert not treasure.exists()


def test_a_signal_lets_a_run_end_and_its_reader_hear_of_it(root):
    with running(root) as gateway, client_of(gateway.ready("ada"), "ada") as ada:
        run_id = ada.post("runs", json={"input": "!tokens 10 200"}).json()["run_id"]
        with ada.stream("GET", f"runs/{run_id}/events") as stream:
            events = events_of(stream)
            assert next(events)["event"] == "message.delta"
            gateway.child.send_signal(signal.SIGTERM)
            *_, last = events
        assert (last["event"], last["output"].split()[-1]) == ("run.completed", "10")
        assert gateway.child.wait(20) == 0


def test_a_run_is_stopped_and_its_tool_with_it(root, tmp_path):
    alive = tmp_path / "alive"
    script = "!tool terminal " + json.dumps({"command": f"while :; do date +%s%N > {alive}; sleep 0.05; done"})
    with running(root) as gateway, client_of(gateway.ready("ada"), "ada") as ada:
        run_id = ada.post("runs", json={"input": script}).json()["run_id"]
        gateway.wait_for(alive.exists)
        with ada.stream("GET", f"runs/{run_id}/events") as stream:
            events = events_of(stream)
            assert next(events)["event"] == "tool.started"
            assert ada.post(f"runs/{run_id}/stop").json() == {"run_id": run_id, "status": "stopping"}
            assert [event["event"] for event in events][-1] == "run.cancelled"
        assert ada.get(f"runs/{run_id}").json()["status"] == "cancelled"
        assert ada.post(f"runs/{run_id}/stop").status_code == 404
        last = alive.read_text()
        gateway.wait_for(lambda: gateway.get("/health")[0] == 200)
        assert alive.read_text() == last
