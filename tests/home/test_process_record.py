from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.home.file_lock import lock_file
from hermes_trio.home.process_record import (
    ProcessRecord,
    SystemProcesses,
    current_process_record,
    is_live_gateway,
    is_locked,
    looks_like_gateway,
    parse_process_record,
    read_live_gateway,
)
from tests.home.processes import GATEWAY, FakeProcesses, running

if TYPE_CHECKING:
    from hermes_trio.home.paths import HomePaths

THEIRS = ProcessRecord(20275, GATEWAY, 230300)


def test_a_record_is_written_as_hermes_writes_it() -> None:
    assert THEIRS.to_json() == {
        "pid": 20275,
        "kind": "hermes-gateway",
        "argv": ["/usr/bin/hermes", "gateway", "run"],
        "start_time": 230300,
    }


def test_a_record_is_read_back() -> None:
    assert parse_process_record(json.dumps(THEIRS.to_json())) == THEIRS


def test_old_homes_have_the_bare_process_id() -> None:
    assert parse_process_record("4711\n") == ProcessRecord(4711)


@pytest.mark.parametrize("text", ["", "x", "true", "0", "-1", "1.5", "[]", "{}", '{"pid": "1"}', '{"pid": -5}', "{"])
def test_anything_else_is_no_record(text: str) -> None:
    assert parse_process_record(text) is None


@given(st.text(max_size=40))
def test_any_text_is_a_record_or_none(text: str) -> None:
    record = parse_process_record(text)
    assert record is None or record.pid > 0


@pytest.mark.parametrize(
    "line",
    [
        "/usr/bin/hermes gateway run",
        "python -m hermes_cli.main --profile coder gateway run",
        "hermes gateway restart",
        "/opt/bin/hermes-gateway",
        "/usr/bin/python3 /venv/bin/hermes-trio run --home /x",
        "hermes-trio --home /data run",
        "python -m hermes_trio run",
        "python /src/hermes_trio/__main__.py run",
    ],
)
def test_command_lines_of_gateways_are_recognised(line: str) -> None:
    assert looks_like_gateway(line.split())


@pytest.mark.parametrize(
    "line",
    [
        "hermes chat",
        "hermes-trio status",
        "hermes-trio chat -q go",
        "python run hermes_trio",
        "vim gateway.lock",
        "run",
        "",
    ],
)
def test_other_command_lines_are_not(line: str) -> None:
    assert not looks_like_gateway(line.split())


def test_a_gateway_lives_while_the_same_process_does() -> None:
    assert is_live_gateway(THEIRS, running(THEIRS))
    assert not is_live_gateway(THEIRS, running())


def test_a_process_id_that_was_given_to_another_process_is_not_the_gateway() -> None:
    assert not is_live_gateway(THEIRS, running(ProcessRecord(THEIRS.pid, GATEWAY, 999)))


def test_a_process_that_is_no_gateway_is_not_one_whatever_the_record_says() -> None:
    assert not is_live_gateway(THEIRS, running(ProcessRecord(THEIRS.pid, ("vim",), THEIRS.start_time)))


def test_a_bare_process_id_is_judged_by_the_command_line() -> None:
    assert is_live_gateway(ProcessRecord(THEIRS.pid), running(THEIRS))
    assert not is_live_gateway(ProcessRecord(THEIRS.pid), running(ProcessRecord(THEIRS.pid, ("vim",), 1)))


def test_where_command_lines_cannot_be_seen_the_record_is_believed() -> None:
    class Hidden(FakeProcesses):
        def command_line(self, pid: int) -> None:
            return None

        def start_time(self, pid: int) -> None:
            return None

    assert is_live_gateway(THEIRS, Hidden({THEIRS.pid: THEIRS}))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_this_process_is_known_to_the_system() -> None:
    record, system = current_process_record(["x"]), SystemProcesses()
    assert record.pid == os.getpid()
    assert record.start_time is not None
    assert system.start_time(record.pid) == record.start_time
    assert system.is_alive(record.pid)
    assert not system.is_stopped(record.pid)
    assert system.command_line(record.pid)


def test_process_ids_that_cannot_be_are_not_alive() -> None:
    system = SystemProcesses()
    assert not any(system.is_alive(pid) for pid in (0, -1, 2**22 + 5, 2**70))
    assert system.start_time(2**22 + 5) is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    try:
        assert not SystemProcesses().is_alive(child.pid)
    finally:
        child.wait()


def hold(home: HomePaths, text: str) -> int:
    """Hold the lock the way another process does, and leave a record."""
    descriptor = lock_file(home.gateway_lock)
    assert descriptor is not None
    home.gateway_pid.write_text(text)
    return descriptor


def test_the_live_gateway_of_a_home_is_found(home: HomePaths) -> None:
    descriptor = hold(home, json.dumps(THEIRS.to_json()))
    assert read_live_gateway(home, running(THEIRS)) == THEIRS
    os.close(descriptor)


def test_without_the_lock_a_record_is_a_leftover(home: HomePaths) -> None:
    os.close(hold(home, json.dumps(THEIRS.to_json())))
    assert read_live_gateway(home, running(THEIRS)) is None


def test_the_record_in_the_lock_file_helps_when_the_other_is_garbled(home: HomePaths) -> None:
    home.gateway_lock.write_text(json.dumps(THEIRS.to_json()))
    descriptor = hold(home, "\xff garbled")
    assert read_live_gateway(home, running(THEIRS)) == THEIRS
    os.close(descriptor)


def test_a_home_without_files_has_no_gateway_and_none_are_made(home: HomePaths) -> None:
    assert read_live_gateway(home) is None
    assert list(home.root.iterdir()) == []


def test_looking_at_a_lock_does_not_keep_it(home: HomePaths) -> None:
    home.gateway_lock.touch()
    assert not is_locked(home.gateway_lock)
    descriptor = lock_file(home.gateway_lock)
    assert descriptor is not None
    assert is_locked(home.gateway_lock)
    os.close(descriptor)
