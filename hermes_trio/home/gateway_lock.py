"""One gateway a home: ``gateway.lock`` is held with ``flock`` for life, ``gateway.pid`` says by whom."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING

from hermes_trio.errors import GatewayBusy, HomeError
from hermes_trio.home.file_lock import lock_file, rewrite
from hermes_trio.home.process_record import (
    ProcessRecord,
    SystemProcesses,
    closing_descriptor,
    is_live_gateway,
    read_process_record,
)
from hermes_trio.home.text_file import explain_os_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.home.paths import HomePaths
    from hermes_trio.home.process_record import Processes


@contextlib.contextmanager
def hold_gateway_lock(home: HomePaths, record: ProcessRecord, processes: Processes | None = None) -> Iterator[None]:
    """Hold the home for this process; blocking, at most 0.2 s. Files of a dead process are taken over.

    At the end ``gateway.pid`` is removed; ``gateway.lock`` stays, unlocked. After a ``kill -9`` the system unlocks it.

    Args:
        home: The home.
        record: This process.
        processes: What is known about other processes; this machine's unless a test says otherwise.

    Raises:
        GatewayBusy: A live gateway, ours or Hermes' own, serves this home; names its pid and command.
        HomeError: ``home_unwritable``: the files cannot be written.
    """
    with closing_descriptor(_acquire(home, record, processes or SystemProcesses())):
        try:
            yield
        finally:
            _remove_pid_file(home, record)


def _acquire(home: HomePaths, record: ProcessRecord, processes: Processes) -> int:
    try:
        descriptor = lock_file(home.gateway_lock)
        if descriptor is None:
            raise _busy(
                home, read_process_record(home.gateway_pid) or read_process_record(home.gateway_lock), processes
            )
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(os.close, descriptor)
            _refuse_unlocked_gateway(home, record, processes)
            data = json.dumps(record.to_json()).encode()
            rewrite(descriptor, data)
            _write_pid_file(home, data)
            on_failure.pop_all()
        return descriptor
    except OSError as exc:
        problem, mend = explain_os_error(exc, home.gateway_lock)
        raise HomeError(problem, code="home_unwritable", where=str(home.gateway_lock), mend=mend) from exc


def _refuse_unlocked_gateway(home: HomePaths, record: ProcessRecord, processes: Processes) -> None:
    """Refuse when the lock file of a live gateway was removed: it still holds the lock, on a file nobody can open."""
    recorded = read_process_record(home.gateway_pid)
    if recorded is None or recorded.start_time is None or recorded.is_same_process(record):
        return
    if is_live_gateway(recorded, processes):
        raise _busy(home, recorded, processes)


def _busy(home: HomePaths, holder: ProcessRecord | None, processes: Processes) -> GatewayBusy:
    if holder is not None and processes.is_alive(holder.pid):
        return GatewayBusy(
            "another gateway serves this home",
            where=str(home.root),
            found=f"pid {holder.pid}: {holder.command}",
            expected="no other gateway",
            mend=f"stop it with `kill {holder.pid}`, or choose another home with --home",
        )
    return GatewayBusy(
        "another gateway serves this home",
        where=str(home.gateway_lock),
        found="a lock held by a process that is not visible from here, perhaps in another container",
        expected="no other gateway",
        mend=f"stop it (`fuser -v {home.gateway_lock}` shows it), or choose another home with --home",
    )


def _write_pid_file(home: HomePaths, data: bytes) -> None:
    # Whoever wrote the old file does not hold the lock, so it is a leftover.
    home.gateway_pid.unlink(missing_ok=True)
    descriptor = os.open(home.gateway_pid, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with closing_descriptor(descriptor):
        os.write(descriptor, data)


def _remove_pid_file(home: HomePaths, record: ProcessRecord) -> None:
    recorded = read_process_record(home.gateway_pid)
    if recorded is not None and recorded.is_same_process(record):
        with contextlib.suppress(OSError):  # a home that vanished meanwhile needs no tidying
            home.gateway_pid.unlink()
