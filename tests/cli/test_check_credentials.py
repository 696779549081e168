"""What ``check`` says about accounts that only one profile can use: who gets them, and who uses them now."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from hermes_trio.cli.checks.credentials import check_credentials
from hermes_trio.cli.checks.survey import survey_home
from hermes_trio.home.credential_lock import credential_lock_directory, credential_lock_path
from hermes_trio.home.process_record import ProcessRecord, SystemProcesses
from hermes_trio.testing.home import ProfileFiles, write_home

TOKEN = "123456:abcdefghijklmnop"
SCOPE = "telegram-bot-token"


@pytest.fixture
def environ(tmp_path):
    return {"HOME": str(tmp_path)}


@pytest.fixture
def home(tmp_path):
    def write(**tokens):
        env = {name: {"TELEGRAM_BOT_TOKEN": token} for name, token in tokens.items()}
        return write_home(tmp_path / "home", {name: ProfileFiles(env=env[name]) for name in env})

    return write


@pytest.fixture
def find(environ):
    return lambda home: list(check_credentials(survey_home(home, environ)))


@pytest.fixture
def folder(environ, tmp_path):
    return credential_lock_directory(environ, tmp_path)


@contextmanager
def held_by_hermes_agent(folder, tmp_path, **metadata):
    """Another process that looks like a gateway of hermes-agent has written the token's lock file."""
    program = tmp_path / "hermes"
    program.write_text("import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    argv = (sys.executable, str(program), "gateway", "run")
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        record = ProcessRecord(child.pid, argv, SystemProcesses().start_time(child.pid))
        lock = credential_lock_path(folder, SCOPE, TOKEN)
        lock.parent.mkdir(parents=True)
        lock.write_text(json.dumps({**record.to_json(), "metadata": metadata}))
        try:
            yield child
        finally:
            child.kill()


def test_of_several_profiles_it_is_said_who_gets_the_account_and_who_is_parked(home, find):
    found = {one.profile: one.message for one in find(home(default=TOKEN, ada=TOKEN, bob=TOKEN))}
    assert found["default"].endswith(
        "as ada, bob; only one can use it at a time: this profile gets it, the others' bots are parked"
    )
    assert found["ada"].endswith(
        "as default, bob; only one can use it at a time: default gets it, the bot of this profile is parked"
    )
    assert "default gets it" in found["bob"]


def test_who_does_not_use_an_account_yet_does_not_get_it(tmp_path, find):
    config = {"model": "builtin/echo", "platforms": {"irc": {"extra": {"server": "s", "nickname": "n"}}}}
    env = {"IRC_SERVER": "s", "IRC_NICKNAME": "n", "IRC_CHANNEL": "#c"}
    home = write_home(tmp_path / "home", {"ada": ProfileFiles(config=config), "bob": ProfileFiles(env=env)})
    assert [(one.profile, "bob gets it" in one.message) for one in find(home)] == [("ada", True), ("bob", False)]


def test_an_account_that_another_gateway_uses_now_is_named_with_it(home, find, folder, tmp_path):
    with held_by_hermes_agent(folder, tmp_path, profile="work") as holder:
        [finding] = find(home(ada=TOKEN, bob="99:another-token-of-bob"))
    assert (finding.profile, finding.code, str(finding.level)) == ("ada", "credential_in_use", "error")
    assert finding.message.startswith(f"profile 'work' of another gateway, pid {holder.pid} (")
    assert "gateway run" in finding.message
    assert finding.where.endswith("TELEGRAM_BOT_TOKEN")
    assert f"kill {holder.pid}" in finding.mend
    assert TOKEN not in repr(finding)


def test_it_is_in_the_json_form_too(home, command, folder, tmp_path):
    root = home(ada=TOKEN).root
    with held_by_hermes_agent(folder, tmp_path) as holder:
        ran = command("check", "--home", root, "--json")
        page = command("check", "--home", root).out
    [finding] = [one for one in json.loads(ran.out)["findings"] if one["code"] == "credential_in_use"]
    assert f"pid {holder.pid}" in finding["message"]
    assert ran.code == 2
    assert "[credential_in_use]" in page


def test_the_lock_of_a_dead_process_says_nothing(home, find, folder, tmp_path):
    with held_by_hermes_agent(folder, tmp_path):
        pass
    assert find(home(ada=TOKEN)) == []


def test_what_the_gateway_of_this_home_uses_is_in_order(home, find, folder, tmp_path, monkeypatch):
    written = home(ada=TOKEN)
    with held_by_hermes_agent(folder, tmp_path) as holder:
        own = ProcessRecord(holder.pid, (), SystemProcesses().start_time(holder.pid))
        monkeypatch.setattr("hermes_trio.cli.checks.credentials.read_live_gateway", lambda _: own)
        assert find(written) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_a_folder_of_locks_that_may_not_be_looked_into_is_no_finding(home, find, folder):
    folder.mkdir(parents=True)
    folder.chmod(0)
    assert find(home(ada=TOKEN)) == []
