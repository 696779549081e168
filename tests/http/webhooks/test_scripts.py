"""Routes' scripts: real processes of the operator's own files, in the environment of the delivery's profile."""

import json
from pathlib import Path

import pytest

from hermes_trio.http.webhooks.scripts import ScriptMissing, find_script
from hermes_trio.testing import ProfileFiles, open_gateway
from tests.http.webhooks.rig import deliver, with_routes

BOUND = {"profile": "ada", "secret": "secret-of-the-bound-route-01"}


def write(root: Path, name: str, text: str) -> Path:
    path = root / "scripts" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["check.py", "scripts/check.py", "sub/check.py", "./check.py"])
def test_a_script_is_a_file_below_the_folder(tmp_path, name):
    path = write(tmp_path, name.removeprefix("scripts/"), "")
    assert find_script(tmp_path / "scripts", name) == path


@pytest.mark.parametrize(
    "name", ["gone.py", "../outside.py", "sub/../../outside.py", "link.py", "/etc/passwd", "", ".", "a\0b"]
)
def test_nothing_outside_of_it_is_one_whatever_the_name_looks_like(tmp_path, name):
    write(tmp_path, "x.py", "")
    (tmp_path / "outside.py").write_text("")
    (tmp_path / "scripts" / "link.py").symlink_to(tmp_path / "outside.py")
    with pytest.raises(ScriptMissing):
        find_script(tmp_path / "scripts", name)


def test_a_linked_folder_of_scripts_is_fine(tmp_path):
    write(tmp_path / "elsewhere", "x.py", "")
    (tmp_path / "scripts").symlink_to(tmp_path / "elsewhere" / "scripts")
    assert find_script(tmp_path / "scripts", "x.py").name == "x.py"


async def run(root: Path, script: str, prompt: str = "", **route: object):
    """Deliver to a route with this script; the answer and what the agent was told."""
    write(root, "check.py", script)
    files = with_routes(gh={"script": "check.py", "prompt": prompt, "deliver_only": True, **route})
    files.config["platforms"]["webhook"]["extra"]["script_timeout_seconds"] = 2
    async with open_gateway({"default": files}, root=root) as gateway:
        answer = await deliver(gateway, "/webhooks/gh", {"n": 7})
        assert gateway.request_errors == []
    lines = [
        line for line in (root / "logs" / "agent.log").read_text().splitlines() if "gateway.webhooks: gh: " in line
    ]
    return answer.json(), lines[-1].split("gh: ", 1)[1].rsplit(" profile=", 1)[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "prompt", "told"),
    [
        ("print('seven it is')", "{n}", "seven it is"),
        ("import json, sys; p = json.load(sys.stdin); print(json.dumps({'n': p['n'] * 6}))", "n is {n}", "n is 42"),
        ("print('[1, 2]')", "{n}", "[1, 2]"),
    ],
)
async def test_what_a_script_says_takes_the_place_of_prompt_or_payload(tmp_path, script, prompt, told):
    answer, line = await run(tmp_path, script, prompt)
    assert (answer["status"], line) == ("delivered", told)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("", "said so"),
        ("print('[SILENT]')", "said so"),
        ("import sys; print('x'); sys.exit('no such build')", "exit status 1: no such build"),
        ("import time; time.sleep(60)", "took longer than 2 s"),
        ("print('x' * 300_000)", "said more than 200000 bytes"),
    ],
)
async def test_a_script_that_says_nothing_or_fails_lets_the_delivery_be_ignored(tmp_path, script, why):
    answer, line = await run(tmp_path, script)
    assert answer == {"status": "ignored", "reason": "script", "route": "gh"}
    assert why in line


@pytest.mark.slow
async def test_a_script_has_the_environment_of_the_deliverys_profile_and_no_secret(tmp_path):
    target = tmp_path / "seen"
    write(tmp_path, "env.py", f"import os, json; open({str(target)!r}, 'w').write(json.dumps(dict(os.environ)))")
    # What lies in the profile's own folder may be its agent's work.
    write(tmp_path / "profiles" / "ada", "env.py", "print('wrong one')")
    routes = with_routes(bound={**BOUND, "script": "env.py"})
    ada = ProfileFiles("You are Ada.", env={"COLOUR": "green", "GH_TOKEN": "CANARY"})
    async with open_gateway({"default": routes, "ada": ada}, root=tmp_path) as gateway:
        answer = await deliver(gateway, "/p/ada/webhooks/bound", {}, BOUND["secret"])
    assert answer.json()["reason"] == "script"
    seen = json.loads(target.read_text())
    assert seen["HERMES_HOME"] == str(tmp_path / "profiles" / "ada")
    assert (seen["COLOUR"], seen["HERMES_WEBHOOK_ROUTE"], seen["HERMES_WEBHOOK_EVENT"]) == ("green", "bound", "push")
    assert "CANARY" not in json.dumps(seen)


@pytest.mark.slow
async def test_a_list_in_a_file_of_the_home_is_a_filter(tmp_path):
    (tmp_path / "friends.txt").write_text("# people we know\noctocat\n\n")
    routes = with_routes(gh={"filters": {"field": "sender", "in_file": "friends.txt"}, "deliver_only": True})
    async with open_gateway({"default": routes}, root=tmp_path) as gateway:
        assert (await deliver(gateway, "/webhooks/gh", {"sender": "octocat"})).json()["status"] == "delivered"
        assert (await deliver(gateway, "/webhooks/gh", {"sender": "mallory"})).json()["status"] == "ignored"
        (tmp_path / "friends.txt").unlink()
        assert (await deliver(gateway, "/webhooks/gh", {"sender": "octocat"}, delivery="d2")).status_code == 500
