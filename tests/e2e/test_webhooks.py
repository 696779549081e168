"""Webhooks over real sockets, to a real process: GitHub's payloads, bots in another process, and `kill -9`."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from hermes_trio.cli.control import fetch_status
from hermes_trio.home.paths import HomePaths
from hermes_trio.testing.home import ProfileFiles, write_home
from tests.e2e.kill_rig import platform, token_of
from tests.e2e.process import free_port, running
from tests.e2e.telegram import wait_until
from tests.e2e.webhooks import load_examples
from tests.http.webhooks.rig import SECRET, signed, with_routes

if TYPE_CHECKING:
    from collections.abc import Mapping

BEAS = "secret-of-a-route-of-beas-01"


@pytest.fixture
def fake():
    """A platform for the bots of Ada, who is the default profile, and of Bea."""
    with platform("loopback") as running_platform:
        yield running_platform


def home_with(tmp_path, fake, **routes):
    """The default profile with these routes, and Bea; each has a bot, and Cleo has none."""
    ada, bea = fake.files("ada"), fake.files("bea")
    ada.config["webhook"] = {"enabled": True, "secret": SECRET, "routes": routes}
    write_home(tmp_path / "home", {"default": ada, "bea": bea, "cleo": "You are Cleo."})
    return tmp_path / "home"


def send(
    port: int, path: str, payload: object = None, secret: str = SECRET, delivery: str = "d1"
) -> tuple[int, dict[str, str]]:
    body = json.dumps({} if payload is None else payload).encode()
    return post(port, path, body, signed(body, secret, delivery=delivery))


def post(port: int, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, str]]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def query(root, profile: str, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(HomePaths(root).profile(profile).state_db)) as connection:
        try:
            return connection.execute(sql).fetchall()
        except sqlite3.OperationalError:  # made with the first message
            return []


def inbox(root, profile: str) -> list[object]:
    return [state for (state,) in query(root, profile, "SELECT state FROM trio_inbox ORDER BY id")]


def bound(**more: object) -> dict[str, object]:
    return {"profile": "bea", "secret": BEAS, "deliver": "loopback", "deliver_extra": {"chat_id": "7"}, **more}


def test_every_payload_of_github_signed_by_its_own_library_is_taken_and_worked_on(tmp_path):
    files = with_routes(gh={"prompt": "{event_type} {action}"})
    files.config["platforms"]["webhook"]["extra"]["rate_limit"] = 1000
    write_home(tmp_path / "home", {"default": files})
    examples = load_examples(SECRET)
    assert len(examples) == 329
    assert any(not example.body.isascii() for example in examples)
    with running(tmp_path / "home") as gateway:
        gateway.ready("default")
        for number, example in enumerate(examples):
            headers = {
                "Content-Type": "application/json",
                "X-GitHub-Event": example.event,
                "X-GitHub-Delivery": f"delivery-{number}",
                "X-Hub-Signature-256": example.signature,
            }
            status, answer = post(gateway.port, "/webhooks/gh", example.body, headers)
            assert (status, answer["event"]) == (202, example.event)
            changed = example.body.replace(b"{", b"{ ", 1)
            assert post(gateway.port, "/webhooks/gh", changed, headers)[0] == 401
        wait_until(lambda: inbox(gateway.root, "default").count("done") == 329, "not all were worked on", 90)
    ends = query(tmp_path / "home", "default", "SELECT DISTINCT end_reason, message_count FROM sessions")
    assert ends == [("webhook_complete", 2)]


def test_the_answer_comes_through_the_bot_of_the_bound_profile_and_secrets_open_their_own_route_only(tmp_path, fake):
    routes = {"a": {"secret": "secret-of-route-a-0123456789"}, "b": bound(prompt="Build {id} failed."), "gh": {}}
    with running(home_with(tmp_path, fake, **routes)) as gateway:
        gateway.ready("default", "bea")
        status, answer = send(gateway.port, "/p/bea/webhooks/b", {"id": 7}, BEAS)
        assert (status, answer["status"]) == (202, "accepted")
        wait_until(lambda: fake.answers(), "no answer")
        assert fake.answers() == [(token_of("bea"), "Bea here. You said: Build 7 failed.")]
        assert send(gateway.port, "/p/bea/webhooks/b", {"id": 7}, BEAS)[1]["status"] == "duplicate"
        assert send(gateway.port, "/webhooks/a", {}, BEAS)[0] == 401
        assert send(gateway.port, "/webhooks/a", {}, SECRET)[0] == 401
        assert send(gateway.port, "/p/bea/webhooks/b", {}, "secret-of-route-a-0123456789", "d2")[0] == 401
        assert send(gateway.port, "/p/cleo/webhooks/b", {}, BEAS)[0] == 404
        assert send(gateway.port, "/webhooks/b", {}, BEAS)[0] == 404
        assert send(gateway.port, "/p/bea/webhooks/gh")[0] == 404
        assert send(gateway.port, "/p/gone/webhooks/gh")[0] == 404
        assert len(fake.answers()) == 1


def test_a_profile_without_a_bot_is_502_and_no_other_bot_speaks(tmp_path, fake):
    routes = {"b": bound(profile="cleo"), "say": bound(profile="cleo", deliver_only=True, prompt="Hi")}
    with running(home_with(tmp_path, fake, **routes)) as gateway:
        gateway.ready("default", "cleo")
        for name in routes:
            status, answer = send(gateway.port, f"/p/cleo/webhooks/{name}", {}, BEAS)
            assert (status, answer) == (502, {"status": "error", "error": "Delivery failed", "delivery_id": "d1"})
        assert fake.answers() == []
        assert inbox(gateway.root, "cleo") == []


@pytest.mark.parametrize(
    "route", [bound(prompt="!sleep 1.5"), {"profile": "cleo", "secret": BEAS, "prompt": "!sleep 1"}]
)
def test_a_delivery_that_was_accepted_is_answered_once_although_the_process_is_killed(tmp_path, fake, route):
    profile = route["profile"]
    root = home_with(tmp_path, fake, b=route)
    with running(root) as gateway:
        gateway.ready(profile)
        assert send(gateway.port, f"/p/{profile}/webhooks/b", {}, BEAS)[0] == 202
        gateway.stop(signal.SIGKILL)
    with running(root) as gateway:
        gateway.ready(profile)
        # The sender may not have seen our answer and sends again, while the turn runs.
        status, answer = send(gateway.port, f"/p/{profile}/webhooks/b", {}, BEAS)
        assert (status, answer["status"]) == (200, "duplicate")
        wait_until(lambda: inbox(root, profile) == ["done"], "it was not taken up")
        if profile == "bea":
            wait_until(lambda: fake.answers(), "the answer was not sent")
        assert send(gateway.port, f"/p/{profile}/webhooks/b", {}, BEAS)[1]["status"] == "duplicate"
        assert gateway.stop() == 0
    assert len(fake.answers()) == (1 if profile == "bea" else 0)
    assert query(root, profile, "SELECT role FROM messages ORDER BY id") == [("user",), ("assistant",)]


def test_an_answer_that_was_not_sent_yet_is_sent_after_the_next_start(tmp_path, fake):
    root = home_with(tmp_path, fake, b=bound(prompt="Hi"))
    fake.ask("faults", {"kind": "server_error", "times": None, "method": "send"})
    with running(root) as gateway:
        gateway.ready("bea")
        assert send(gateway.port, "/p/bea/webhooks/b", {}, BEAS)[0] == 202
        wait_until(lambda: query(root, "bea", "SELECT state FROM trio_outbox") == [("pending",)], "no answer")
        gateway.stop(signal.SIGKILL)
    fake.calm()
    with running(root):
        wait_until(lambda: fake.answers(), "the answer was not sent")
    ((token, text),) = fake.answers()
    assert token == token_of("bea")
    assert text.endswith("Bea here. You said: Hi")


def write_gh(folder, fail_times=0):
    """A stand-in for GitHub's program: notes how it was called, and fails at first."""
    folder.mkdir()
    program = folder / "gh"
    program.write_text(
        "#!/bin/sh\n"
        f"cd {folder}\n"
        "echo run >> runs\n"
        f'if [ "$(wc -l < runs)" -le {fail_times} ]; then echo "error connecting to api.github.com" >&2; exit 1; fi\n'
        'echo "$@" >> arguments\n'
        'echo "$GH_TOKEN $GH_CONFIG_DIR" >> tokens\n'
        "cat >> bodies\n"
        "echo https://github.com/o/r/pull/5#issuecomment-1\n"
    )
    program.chmod(0o755)
    return program


def test_an_answer_becomes_a_comment_on_github_with_the_profiles_own_token(tmp_path):
    bin_folder = tmp_path / "bin"
    write_gh(bin_folder, fail_times=1)
    extra = {"repo": "{repository.full_name}", "pr_number": "{number}"}
    review = {"deliver": "github_comment", "deliver_extra": extra, "prompt": "**{title}**"}
    routes = with_routes(
        review={**review, "profile": "bea", "secret": BEAS}, other={**review, "profile": "cleo", "secret": BEAS}
    )
    routes.env["GH_TOKEN"] = "token-of-the-default-profile"
    bea = ProfileFiles("You are Bea.", env={"GH_TOKEN": "token-of-bea"})
    write_home(tmp_path / "home", {"default": routes, "bea": bea, "cleo": "You are Cleo."})
    payload = {"repository": {"full_name": "o/r"}, "number": 5, "title": "Fix"}
    with running(tmp_path / "home", env={"PATH": f"{bin_folder}:{os.environ['PATH']}"}) as gateway:
        gateway.ready("bea", "cleo")
        assert send(gateway.port, "/p/bea/webhooks/review", payload, BEAS)[0] == 202
        wait_until(lambda: (bin_folder / "bodies").exists(), "no comment", 30)
        wait_until(lambda: query(gateway.root, "bea", "SELECT state FROM trio_outbox") == [("sent",)], "not noted")
        assert (bin_folder / "arguments").read_text() == "pr comment 5 --repo o/r --body-file -\n"
        assert (bin_folder / "bodies").read_text() == "Bea here. You said: **Fix**"
        token, _, folder = (bin_folder / "tokens").read_text().strip().partition(" ")
        assert token == "token-of-bea"
        assert folder.startswith(str(gateway.root / "profiles" / "bea"))
        # What the payload says is no pull request, and a profile without a token, are refused.
        for number, odd in enumerate([{**payload, "number": "5; rm -rf /"}, {"number": 5}]):
            assert send(gateway.port, "/p/bea/webhooks/review", odd, BEAS, f"odd{number}")[0] == 502
        assert send(gateway.port, "/p/cleo/webhooks/other", payload, BEAS)[0] == 502
        assert (bin_folder / "runs").read_text().count("run") == 2


def test_the_commands_make_a_route_of_the_running_gateway_and_try_it(tmp_path):
    write_home(tmp_path / "home", {"default": with_routes(), "bea": "You are Bea."})
    with running(tmp_path / "home") as gateway:
        gateway.ready("default", "bea")

        def webhook(*arguments):
            return gateway.run("webhook", *arguments, "--home", str(gateway.root))

        wait_until(lambda: fetch_status(HomePaths(gateway.root)) is not None, "no control socket")
        made = webhook("subscribe", "deploys", "-p", "bea", "--prompt", "Deploy {id}", "--events", "deploy")
        assert f"http://127.0.0.1:{gateway.port}/p/bea/webhooks/deploys" in made.stdout
        tried = webhook("test", "deploys", "--payload", '{"id": 7}')
        assert (tried.returncode, "HTTP 202" in tried.stdout) == (0, True), tried.stdout + tried.stderr
        wait_until(lambda: inbox(gateway.root, "bea") == ["done"], "it was not worked on")
        assert ("Bea here. You said: Deploy 7",) in query(gateway.root, "bea", "SELECT content FROM messages")
        assert webhook("rm", "deploys").returncode == 0
        assert webhook("test", "deploys").returncode == 1
        write_home(gateway.root, {"default": with_routes(later={})})
        tried = webhook("test", "later")
        assert (tried.returncode, "start it again" in tried.stderr) == (1, True), tried.stdout + tried.stderr


def test_a_listener_of_their_own_serves_webhooks_and_nothing_else(tmp_path):
    port = free_port()
    files = with_routes(gh={"deliver_only": True, "prompt": "x"}, open={"secret": "INSECURE_NO_AUTH"})
    files.config["platforms"]["webhook"]["extra"]["port"] = port
    write_home(tmp_path / "home", {"default": files, "bea": "You are Bea."})
    with running(tmp_path / "home") as gateway:
        gateway.ready("default")
        wait_until(lambda: fetch_status(HomePaths(gateway.root))[0].webhook_address, "no listener of its own")
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            connection.request("GET", "/health")
            assert json.loads(connection.getresponse().read()) == {"status": "ok", "platform": "webhook"}
            connection.request("GET", "/v1/models")
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 404
        assert send(port, "/webhooks/gh")[1]["status"] == "delivered"
        assert send(gateway.port, "/p/default/webhooks/gh", delivery="d2")[1]["status"] == "delivered"
        assert send(port, "/p/gone/webhooks/gh")[0] == 404
        # It listens on all addresses.
        assert post(port, "/webhooks/open", b"{}", {})[0] == 403
        assert post(gateway.port, "/webhooks/open", b"{}", {})[0] == 202
        assert gateway.stop() == 0


def test_a_port_that_is_taken_does_not_keep_the_gateway_from_serving(tmp_path):
    files = with_routes(gh={"deliver_only": True, "prompt": "x"})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        extra = {"host": "127.0.0.1", "port": taken.getsockname()[1]}
        files.config["platforms"]["webhook"]["extra"].update(extra)
        write_home(tmp_path / "home", {"default": files})
        with running(tmp_path / "home") as gateway:
            gateway.ready("default")
            wait_until(lambda: fetch_status(HomePaths(gateway.root)) is not None, "no control socket")
            problem = fetch_status(HomePaths(gateway.root))[0].webhook_problem
            assert f"port {extra['port']}" in problem
            assert problem in gateway.run("status", "--home", str(gateway.root)).stdout
            assert send(gateway.port, "/webhooks/gh")[1]["status"] == "delivered"
            assert gateway.stop() == 0
