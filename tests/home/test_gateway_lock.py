from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hermes_trio.errors import GatewayBusy, HomeError
from hermes_trio.home import file_lock
from hermes_trio.home.gateway_lock import hold_gateway_lock
from hermes_trio.home.process_record import ProcessRecord, current_process_record, is_locked
from tests.home.processes import GATEWAY, running

if TYPE_CHECKING:
    from hermes_trio.home.paths import HomePaths

US = ProcessRecord(100, ("hermes-trio", "run"), 5)
THEIRS = ProcessRecord(20275, GATEWAY, 230300)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_lock, "_PAUSE_SECONDS", 0)


@contextlib.contextmanager
def locked_by_another(path: Path):
    """A lock on another open file conflicts just as one of another process does."""
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_while_held_both_files_tell_who_serves_the_home(home: HomePaths) -> None:
    with hold_gateway_lock(home, US, running()):
        assert json.loads(home.gateway_pid.read_text()) == US.to_json()
        assert json.loads(home.gateway_lock.read_text()) == US.to_json()
        assert is_locked(home.gateway_lock)
        assert {path.stat().st_mode & 0o777 for path in (home.gateway_pid, home.gateway_lock)} == {0o600}


def test_afterwards_the_pid_file_is_gone_and_the_lock_free(home: HomePaths) -> None:
    with hold_gateway_lock(home, US, running()):
        pass
    assert not home.gateway_pid.exists()
    assert home.gateway_lock.exists()
    assert not is_locked(home.gateway_lock)


def test_an_error_inside_passes_through_as_it_is_and_frees_the_home(home: HomePaths) -> None:
    with pytest.raises(OSError, match="own trouble") as caught, hold_gateway_lock(home, US, running()):
        raise OSError("own trouble")
    assert type(caught.value) is OSError
    assert not home.gateway_pid.exists()


def test_a_live_gateway_is_named_with_its_pid_and_command(home: HomePaths) -> None:
    home.gateway_pid.write_text(json.dumps(THEIRS.to_json()))
    with locked_by_another(home.gateway_lock), pytest.raises(GatewayBusy) as caught:
        hold_gateway_lock(home, US, running(THEIRS)).__enter__()
    assert caught.value.found == "pid 20275: /usr/bin/hermes gateway run"
    assert "kill 20275" in str(caught.value.mend)
    assert json.loads(home.gateway_pid.read_text()) == THEIRS.to_json()


@pytest.mark.parametrize("text", [None, "", "garbage", "\x00\x01"])
def test_a_held_lock_is_respected_even_without_a_readable_pid_file(home: HomePaths, text: str | None) -> None:
    if text is not None:
        home.gateway_pid.write_text(text)
    with locked_by_another(home.gateway_lock), pytest.raises(GatewayBusy) as caught:
        hold_gateway_lock(home, US, running()).__enter__()
    assert "fuser" in str(caught.value.mend)


@pytest.mark.parametrize("text", [json.dumps(THEIRS.to_json()), "20275\n", "garbage", ""])
def test_files_of_a_dead_process_are_taken_over(home: HomePaths, text: str) -> None:
    home.gateway_pid.write_text(text)
    home.gateway_lock.write_text(json.dumps(THEIRS.to_json()) + " " * 500)
    with hold_gateway_lock(home, US, running()):
        assert json.loads(home.gateway_pid.read_text()) == US.to_json()
        assert json.loads(home.gateway_lock.read_text()) == US.to_json()


def test_files_of_a_process_whose_number_was_reused_are_taken_over(home: HomePaths) -> None:
    home.gateway_pid.write_text(json.dumps(THEIRS.to_json()))
    with hold_gateway_lock(home, US, running(ProcessRecord(THEIRS.pid, GATEWAY, 1))):
        pass


def test_a_live_gateway_whose_lock_file_was_deleted_is_not_overrun(home: HomePaths) -> None:
    home.gateway_pid.write_text(json.dumps(THEIRS.to_json()))
    with pytest.raises(GatewayBusy, match="pid 20275"):
        hold_gateway_lock(home, US, running(THEIRS)).__enter__()
    assert not is_locked(home.gateway_lock)


def test_a_process_that_replaced_itself_takes_its_own_files_over(home: HomePaths) -> None:
    home.gateway_pid.write_text(json.dumps(US.to_json()))
    with hold_gateway_lock(home, US, running(US)):
        pass


def test_twice_in_one_process_is_busy(home: HomePaths) -> None:
    with hold_gateway_lock(home, US, running(US)), pytest.raises(GatewayBusy):
        hold_gateway_lock(home, US, running(US)).__enter__()


def test_a_pid_file_that_another_wrote_meanwhile_stays(home: HomePaths) -> None:
    with hold_gateway_lock(home, US, running()):
        home.gateway_pid.write_text(json.dumps(THEIRS.to_json()))
    assert home.gateway_pid.exists()


def test_a_home_that_vanished_meanwhile_is_no_error(home: HomePaths) -> None:
    with hold_gateway_lock(home, US, running()):
        for path in home.root.iterdir():
            path.unlink()
        home.root.rmdir()


def test_a_home_that_cannot_be_written_is_an_error_with_a_mend(
    home: HomePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(HomeError) as caught:
        hold_gateway_lock(home, US, running()).__enter__()
    assert caught.value.code == "home_unwritable"
    assert not isinstance(caught.value, GatewayBusy)


def test_a_failed_start_leaves_the_lock_free(home: HomePaths) -> None:
    home.gateway_pid.mkdir()
    with pytest.raises(HomeError):
        hold_gateway_lock(home, US, running()).__enter__()
    assert not is_locked(home.gateway_lock)


def test_a_reader_that_looks_at_the_lock_for_an_instant_does_not_stop_a_start(
    home: HomePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.gateway_lock.touch()
    reader = home.gateway_lock.open()
    fcntl.flock(reader, fcntl.LOCK_SH)
    monkeypatch.setattr(file_lock.time, "sleep", lambda _seconds: reader.close())
    with hold_gateway_lock(home, US, running()):
        assert is_locked(home.gateway_lock)


def test_a_lock_file_replaced_while_it_was_taken_is_taken_again(
    home: HomePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock, calls = fcntl.flock, []

    def replace_first(descriptor: int, operation: int) -> None:
        flock(descriptor, operation)
        if not calls:
            home.gateway_lock.unlink()
        calls.append(operation)

    monkeypatch.setattr(fcntl, "flock", replace_first)
    with hold_gateway_lock(home, US, running()):
        monkeypatch.setattr(fcntl, "flock", flock)
        assert is_locked(home.gateway_lock)
    assert len(calls) == 2


def test_waiting_for_a_held_lock_leaks_no_file_descriptor(home: HomePaths) -> None:
    with locked_by_another(home.gateway_lock):
        before = open_files()
        with pytest.raises(GatewayBusy):
            hold_gateway_lock(home, US, running()).__enter__()
        assert open_files() == before


def test_a_file_system_without_locks_is_an_error_and_leaks_no_file_descriptor(
    home: HomePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    before = open_files()
    with pytest.raises(HomeError, match="No locks available"):
        hold_gateway_lock(home, US, running()).__enter__()
    assert open_files() == before


@pytest.mark.slow
def test_a_killed_process_leaves_a_home_that_can_be_taken(home: HomePaths) -> None:
    program = textwrap.dedent("""
        import sys, time
        from pathlib import Path
        from hermes_trio.home.gateway_lock import hold_gateway_lock
        from hermes_trio.home.paths import HomePaths
        from hermes_trio.home.process_record import current_process_record
        with hold_gateway_lock(HomePaths(Path(sys.argv[1])), current_process_record(["hermes-trio", "run"])):
            print("held", flush=True)
            time.sleep(60)
    """)
    with subprocess.Popen(
        [sys.executable, "-c", program, str(home.root)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        us = current_process_record(["hermes-trio", "run"])
        with pytest.raises(GatewayBusy, match=f"pid {child.pid}: hermes-trio run"):
            hold_gateway_lock(home, us).__enter__()
        child.kill()
    assert home.gateway_pid.exists()
    with hold_gateway_lock(home, us):
        assert json.loads(home.gateway_pid.read_text())["pid"] == us.pid
