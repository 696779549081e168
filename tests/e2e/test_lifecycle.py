"""Starting, stopping and restarting a real gateway process."""

import json
import signal
import threading
import time

import pytest
from openai import OpenAI, OpenAIError

from hermes_trio.testing.home import ProfileFiles, write_home
from hermes_trio.testing.home import test_key as key_of
from tests.e2e.process import GatewayProcess, running


@pytest.fixture
def root(tmp_path):
    write_home(tmp_path / "home", {"ada": "You are Ada."})
    return tmp_path / "home"


def ask_in_thread(gateway, text: str) -> tuple[threading.Thread, list[str]]:
    heard: list[str] = []
    client = OpenAI(base_url=gateway.url("ada"), api_key=key_of("ada"), max_retries=0)

    def ask() -> None:
        answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
        heard.append(answer.choices[0].message.content)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread, heard


def active_turns(gateway) -> int:
    return json.loads(gateway.run("status", "--home", str(gateway.root), "--json").stdout)["active_turns"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGUSR1, 75)])
def test_a_signal_lets_running_turns_end_and_says_what_is_wanted_next(root, number, code):
    with running(root) as gateway:
        gateway.ready("ada")
        thread, heard = ask_in_thread(gateway, "!sleep 1")
        gateway.wait_for(lambda: active_turns(gateway) == 1)
        assert gateway.stop(number) == code
        thread.join(5)
        assert len(heard) == 1


def test_a_second_signal_stops_at_once(root):
    with running(root) as gateway:
        gateway.ready("ada")
        thread, heard = ask_in_thread_expecting_failure(gateway)
        gateway.wait_for(lambda: active_turns(gateway) == 1)
        gateway.child.send_signal(signal.SIGTERM)
        gateway.wait_for(lambda: "draining" in gateway.log.read_text())
        begun = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - begun < 3
        thread.join(5)
        assert heard == ["failed"]


def ask_in_thread_expecting_failure(gateway):
    heard: list[str] = []
    client = OpenAI(base_url=gateway.url("ada"), api_key=key_of("ada"), max_retries=0)

    def ask() -> None:
        try:
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "!hang"}])
        except OpenAIError:
            heard.append("failed")

    thread = threading.Thread(target=ask)
    thread.start()
    return thread, heard


def test_the_last_signal_says_whether_to_start_again(root):
    with running(root) as gateway:
        gateway.ready("ada")
        thread, _ = ask_in_thread_expecting_failure(gateway)
        gateway.wait_for(lambda: active_turns(gateway) == 1)
        gateway.child.send_signal(signal.SIGUSR1)
        gateway.wait_for(lambda: "draining" in gateway.log.read_text())
        assert gateway.stop(signal.SIGTERM) == 0
        thread.join(5)


def test_a_disk_that_hangs_does_not_keep_the_process_from_ending(root):
    with running(root, module="tests.e2e.wedged_gateway") as gateway:
        gateway.ready("ada")
        assert gateway.stop(seconds=15) == 1
        assert "Timeout" in gateway.log.read_text()


def test_an_orderly_stop_leaves_no_process_files(root):
    with running(root) as gateway:
        gateway.ready("ada")
        gateway.wait_for(lambda: json.loads((root / "gateway_state.json").read_text())["gateway_state"] == "running")
        state = json.loads((root / "gateway_state.json").read_text())
        assert state["served_profiles"] == ["default", "ada"]
        assert state["pid"] == gateway.child.pid
        gateway.stop()
    assert not (root / "gateway.pid").exists()
    assert json.loads((root / "gateway_state.json").read_text())["gateway_state"] == "stopped"


def test_a_second_gateway_on_the_same_home_is_refused(root):
    with running(root) as gateway:
        refused = gateway.run("run", "--home", str(root), "--port", "0")
        assert refused.returncode == 1
        assert str(gateway.child.pid) in refused.stderr
        assert gateway.get("/health")[0] == 200


def test_what_a_killed_gateway_left_is_taken_over(root):
    with running(root) as first:
        first.ready("ada")
        first.stop(signal.SIGKILL)
    assert (root / "gateway.pid").exists()
    with running(root) as second:
        second.ready("ada")
        assert second.stop() == 0


def test_a_taken_port_is_refused_with_the_way_out(root, tmp_path):
    write_home(tmp_path / "other", {})
    with running(root) as gateway:
        refused = GatewayProcess(tmp_path / "other").run(
            "run", "--home", str(tmp_path / "other"), "--port", str(gateway.port)
        )
        assert refused.returncode == 1
        assert "--port" in refused.stderr


def test_only_the_named_profiles_are_served(root):
    write_home(root, {"ada": "You are Ada.", "bob": "You are Bob."})
    with running(root, "--profiles", "bob") as gateway:
        gateway.ready("bob")
        assert gateway.get("/p/ada/v1/models", key_of("ada"))[0] == 404
        assert gateway.get("/v1/models", key_of("default"))[0] == 404
        assert gateway.get("/health")[0] == 200


def test_the_process_environment_feeds_the_default_profile_only(tmp_path):
    files = ProfileFiles(env={"API_SERVER_KEY": ""})
    write_home(tmp_path / "home", {"default": files, "ada": files})
    with running(tmp_path / "home", env={"API_SERVER_KEY": "key-from-the-environment-01"}) as gateway:
        gateway.wait_for(lambda: gateway.get("/v1/models", "key-from-the-environment-01")[0] == 200)
        status, body = gateway.get("/p/ada/v1/models", "key-from-the-environment-01")
        assert status == 401
        assert json.loads(body)["error"]["code"] == "key_missing"


def test_a_mended_profile_comes_up_without_touching_the_others(root):
    write_home(root, {"ada": "You are Ada.", "late": ProfileFiles(config="model: [unclosed")})
    with running(root) as gateway:
        gateway.ready("ada")
        before = profile(gateway, "ada")
        assert profile(gateway, "late")["reason"] == "config_invalid"
        write_home(root, {"late": "You are Late."})
        gateway.ready("late")
        assert profile(gateway, "ada") == before


def profile(gateway, name: str) -> dict[str, object]:
    report = json.loads(gateway.run("status", "--home", str(gateway.root), "--json").stdout)
    return next(one for one in report["profiles"] if one["name"] == name)
