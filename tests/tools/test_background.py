"""Background commands of a profile: bounded, ended with it, found again after a crash."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from hermes_trio.home.process_record import SystemProcesses
from hermes_trio.io.child_output import Tail
from hermes_trio.io.child_process import ChildCommand
from hermes_trio.io.process_table import descendants, session_members
from hermes_trio.tools import background
from hermes_trio.tools.background_store import ProcessEntry, read_entries, write_entries
from hermes_trio.tools.background_watch import MATCH_SECONDS, Watch
from hermes_trio.tools.terminal_launch import Launch
from hermes_trio.tools.tool import ToolError
from tests.tools.terminal_rig import open_profile


def stored(root) -> list[dict[str, object]]:
    path = home_of_bob(root) / "processes.json"
    return json.loads(path.read_text()) if path.exists() else []


async def ended(bob, process_id: str) -> None:
    with trio.fail_after(10):
        await bob.processes.find(process_id).done.wait()


async def test_all_end_with_the_profile(tmp_path):
    async with open_profile(tmp_path) as bob:
        for command in ("sleep 300", "sleep 300 & sleep 300", "trap '' TERM; echo; while :; do sleep 300; done"):
            await bob.background(command)
        leaders = [process.pid for process in bob.processes.list()]
        assert len(stored(tmp_path)) == 3
    assert [leader for leader in leaders if session_members(leader)] == []
    assert stored(tmp_path) == []


async def test_a_cancelled_profile_ends_them_as_well(tmp_path):
    leaders = []
    with trio.CancelScope() as scope:
        async with open_profile(tmp_path) as bob:
            await bob.background("sleep 300")
            leaders += [process.pid for process in bob.processes.list()]
            scope.cancel()
            await trio.sleep_forever()
    assert leaders
    assert session_members(leaders[0]) == set()
    assert stored(tmp_path) == []


async def test_what_runs_is_written_down(tmp_path):
    async with open_profile(tmp_path) as bob:
        process_id = await bob.background("sleep 300", notify_on_complete=True, watch_patterns=["up"])
        await bob.background("sleep 301")
        (first, second) = stored(tmp_path)
        assert first == {
            "session_id": process_id,
            "command": "sleep 300",
            "pid": first["pid"],
            "pid_scope": "host",
            "host_start_time": SystemProcesses().start_time(first["pid"]),
            "cwd": str(bob.home),
            "started_at": bob.scope.clock.now(),
            "task_id": "s1",
            "session_key": "agent:bob:telegram:dm:7",
            "notify_on_complete": True,
            "watch_patterns": ["up"],
        }
        await bob.call("process", action="kill", session_id=process_id)
        with trio.fail_after(5):
            while stored(tmp_path) != [second]:
                await trio.sleep(0.005)


async def test_the_file_is_for_its_owner_only(tmp_path):
    async with open_profile(tmp_path) as bob:
        await bob.background("sleep 300")
        assert (bob.home / "processes.json").stat().st_mode & 0o777 == 0o600


async def test_there_is_a_limit_and_finished_ones_make_room(tmp_path, monkeypatch):
    monkeypatch.setattr(background, "MOST_PROCESSES", 2)
    async with open_profile(tmp_path) as bob:
        first = await bob.background("true")
        await ended(bob, first)
        second = await bob.background("sleep 300")
        third = await bob.background("sleep 300")
        assert [process.process_id for process in bob.processes.list()] == [second, third]
        with pytest.raises(ToolError, match="2 processes run in the background already"):
            await bob.background("sleep 300")


async def test_finished_ones_are_forgotten_after_half_an_hour(tmp_path, monkeypatch):
    async with open_profile(tmp_path) as bob:
        process_id = await bob.background("true")
        await ended(bob, process_id)
        assert len(bob.processes.list()) == 1
        monkeypatch.setattr(background, "FINISHED_SECONDS", -1)
        assert bob.processes.list() == ()


async def test_only_the_end_of_much_output_is_kept(tmp_path):
    async with open_profile(tmp_path) as bob:
        process_id = await bob.background("seq 100000")
        await ended(bob, process_id)
        process = bob.processes.find(process_id)
    text = process.output.text()
    assert len(text) == 200_000
    assert text.endswith("\n100000\n")
    assert process.output.dropped == process.output.total - 200_000


async def test_what_cannot_be_started_leaves_no_entry(tmp_path):
    async with open_profile(tmp_path) as bob:
        launch = Launch(ChildCommand(("no-such-program",), {}, bob.home), "")
        with pytest.raises(ToolError, match="no-such-program cannot be started"):
            await bob.processes.start(launch, "no-such-program")
        assert bob.processes.list() == ()


@pytest.mark.slow
async def test_a_command_that_goes_to_the_background_by_itself_ends(tmp_path):
    async with open_profile(tmp_path) as bob:
        process_id = await bob.background("sleep 300 &")
        await ended(bob, process_id)
        process = bob.processes.find(process_id)
        assert "start that without `&`" in process.output.text()
        assert session_members(process.pid) == set()


@contextmanager
def orphan(*command: str, home: Path, speaks: bool = False):
    """A process as a killed gateway would leave it: leader of a group, not our profile's child.

    One that ``speaks`` is waited for until it has said a line.
    """
    environment = {"PATH": "/usr/bin:/bin", "HERMES_HOME": str(home)}
    output = subprocess.PIPE if speaks else None
    process = subprocess.Popen(command, start_new_session=True, env=environment, stdout=output)
    if process.stdout is not None:
        with process.stdout as said:
            assert said.readline()
    while not Path(f"/proc/{process.pid}/environ").read_bytes():
        time.sleep(0.001)  # the system shows it a moment after the start only
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def home_of_bob(root: Path) -> Path:
    return root / "profiles" / "bob"


def leave_behind(root, entry: ProcessEntry) -> None:
    folder = home_of_bob(root)
    folder.mkdir(parents=True, exist_ok=True)
    write_entries(folder / "processes.json", [entry], "bob")


def entry_of(process: subprocess.Popen, **changes) -> ProcessEntry:
    started = SystemProcesses().start_time(process.pid)
    values = {"session_id": "proc_0123456789ab", "command": "sleep 300", "pid": process.pid, "host_start_time": started}
    return ProcessEntry(**{**values, **changes})


async def test_what_a_killed_gateway_left_is_found_and_can_be_ended(tmp_path):
    with orphan("sleep", "300", home=home_of_bob(tmp_path)) as process:
        leave_behind(tmp_path, entry_of(process))
        async with open_profile(tmp_path) as bob:
            state = await bob.call("process", action="poll", session_id="proc_0123456789ab")
            assert (state["status"], state["pid"]) == ("running", process.pid)
            assert "output is lost" in state["note"]
            await bob.call("process", action="kill", session_id="proc_0123456789ab")
            assert process.wait(5) == -signal.SIGTERM
            state = await bob.call("process", action="poll", session_id="proc_0123456789ab")
            assert (state["status"], state["exit_code"]) == ("exited", None)
    assert stored(tmp_path) == []


async def test_what_was_found_again_ends_with_the_profile_even_if_it_does_not_listen(tmp_path):
    deaf = "trap '' TERM; echo; while :; do sleep 300; done"
    with orphan("bash", "-c", deaf, home=home_of_bob(tmp_path), speaks=True) as process:
        leave_behind(tmp_path, entry_of(process))
        async with open_profile(tmp_path):
            pass
        assert process.wait(5) == -signal.SIGKILL


async def test_the_end_of_what_was_found_again_is_noticed(tmp_path):
    with orphan("sleep", "300", home=home_of_bob(tmp_path)) as process:
        leave_behind(tmp_path, entry_of(process))
        async with open_profile(tmp_path) as bob:
            process.kill()
            await ended(bob, "proc_0123456789ab")
            assert not bob.processes.find("proc_0123456789ab").is_running


async def test_the_end_of_what_was_found_again_is_reported_if_wanted(tmp_path):
    with orphan("sleep", "300", home=home_of_bob(tmp_path)) as process:
        leave_behind(tmp_path, entry_of(process, notify_on_complete=True))
        async with open_profile(tmp_path) as bob:
            process.kill()
            await ended(bob, "proc_0123456789ab")
            await trio.testing.wait_all_tasks_blocked()
            assert [(notice.lost, notice.exit_code) for notice in bob.notices] == [(True, None)]


async def test_what_ended_while_no_gateway_ran_is_reported_if_wanted(tmp_path):
    with orphan("sleep", "300", home=home_of_bob(tmp_path)) as process:
        loud = entry_of(process, notify_on_complete=True)
    quiet = replace(loud, session_id="proc_ba9876543210", notify_on_complete=False)
    for entry in (loud, quiet):
        leave_behind(tmp_path, entry)
        async with open_profile(tmp_path) as bob:
            assert bob.processes.list() == ()
            assert [notice.entry for notice in bob.notices] == ([entry] if entry is loud else [])


async def test_the_end_of_the_profile_reports_nothing_of_what_was_found_again(tmp_path):
    with orphan("sleep", "300", home=home_of_bob(tmp_path)) as process:
        leave_behind(tmp_path, entry_of(process, notify_on_complete=True))
        async with open_profile(tmp_path) as bob:
            pass
        assert process.wait(5)
    assert bob.notices == []


@pytest.mark.parametrize(
    "changes",
    [{"host_start_time": 1}, {"host_start_time": None}, {"pid_scope": "container"}],
    ids=["another process by now", "start unknown", "in a container"],
)
async def test_a_process_that_may_be_somebody_elses_is_left_alone(tmp_path, changes):
    with orphan("sleep", "300", home=home_of_bob(tmp_path)) as process:
        leave_behind(tmp_path, entry_of(process, **changes))
        async with open_profile(tmp_path) as bob:
            assert bob.processes.list() == ()
            assert stored(tmp_path) == []
        assert process.poll() is None


async def test_a_copied_home_does_not_bring_the_processes_of_the_other_profile_along(tmp_path):
    with orphan("sleep", "300", home=tmp_path / "profiles" / "ada") as process:
        leave_behind(tmp_path, entry_of(process))
        async with open_profile(tmp_path) as bob:
            assert bob.processes.list() == ()
        assert process.poll() is None


@pytest.mark.parametrize("text", ["", "{", "{}", "[1, null, {}]", '[{"session_id": "x", "command": 3, "pid": 1}]'])
def test_a_garbled_file_holds_nothing(tmp_path, text):
    path = tmp_path / "processes.json"
    path.write_text(text)
    assert read_entries(path, "bob") == ()


def test_an_entry_of_hermes_is_understood(tmp_path):
    path = tmp_path / "processes.json"
    entry = {"session_id": "proc_1", "command": "x", "pid": 7, "pid_scope": "host", "host_start_time": 99, "cwd": None}
    path.write_text(json.dumps([{**entry, "watcher_platform": "telegram", "watcher_interval": 5, "session_key": None}]))
    assert read_entries(path, "bob") == (ProcessEntry("proc_1", "x", 7, host_start_time=99),)


async def test_its_end_is_reported_if_wanted(tmp_path):
    async with open_profile(tmp_path) as bob:
        quiet = await bob.background("true")
        loud = await bob.background("exit 5", notify_on_complete=True)
        await ended(bob, quiet)
        await ended(bob, loud)
        await trio.testing.wait_all_tasks_blocked()
    assert [(notice.entry.session_id, notice.exit_code) for notice in bob.notices] == [(loud, 5)]


async def test_lines_that_are_waited_for_are_reported_but_not_all_the_time(autojump_clock):
    notices = []
    entry = ProcessEntry("proc_1", "x", 7, watch_patterns=("ready", "error"))
    watch = Watch(Tail(100), entry, notices.append)
    watch.feed(b"starting\nrea")
    assert notices == []
    watch.feed(b"dy now\r\nerror 1\nerror 2\n")
    await trio.sleep(MATCH_SECONDS + 1)
    watch.feed(b"an error")
    watch.finish(0)
    assert [(notice.line, notice.suppressed) for notice in notices] == [("ready now", 0), ("an error", 2)]


@pytest.mark.slow
async def test_no_moment_of_cancellation_leaves_a_process(tmp_path):
    """The turn that starts a background command is cancelled: the command is either registered or not there."""
    async with open_profile(tmp_path) as bob:
        for step in range(40):
            with trio.move_on_after(step * 0.0002):
                await bob.background(f"sleep 3{step:02}")
        leaders = [process.pid for process in bob.processes.list()]
        assert [pid for pid in leaders if not session_members(pid)] == []
        assert {pid for pid, _ in descendants(os.getpid())} == set(leaders)
    assert [pid for pid in leaders if session_members(pid)] == []
