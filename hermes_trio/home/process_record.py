"""The record that a gateway's process leaves in lock and status files, and whether that process still lives."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.home.paths import HomePaths

KIND: Final = "hermes-gateway"
#: No record is longer; a file that is holds something else.
RECORD_LIMIT: Final = 100_000
_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """One process, told apart from a later one with the same number by its start time.

    Attributes:
        pid: Process id.
        argv: Its command line.
        start_time: Field 22 of ``/proc/<pid>/stat``, clock ticks since boot; None where it is not known.
        kind: What it is.
    """

    pid: int
    argv: tuple[str, ...] = ()
    start_time: int | None = None
    kind: str = KIND

    @property
    def command(self) -> str:
        """The command line for people, cut off at 200 characters."""
        line = " ".join(self.argv) or self.kind
        return line if len(line) <= 200 else line[:197] + "..."

    def is_same_process(self, other: ProcessRecord) -> bool:
        """Tell whether both records are of one process."""
        return self.pid == other.pid and self.start_time == other.start_time

    def to_json(self) -> dict[str, object]:
        """The record as Hermes writes it."""
        return {"pid": self.pid, "kind": self.kind, "argv": list(self.argv), "start_time": self.start_time}


class Processes(Protocol):
    """What the operating system knows about processes."""

    def start_time(self, pid: int) -> int | None:
        """Field 22 of the process's ``stat``; None when there is no such process or this system does not say."""
        ...

    def command_line(self, pid: int) -> tuple[str, ...] | None:
        """The process's arguments; None when they cannot be had."""
        ...

    def is_alive(self, pid: int) -> bool:
        """Tell whether the process exists and is not a zombie."""
        ...

    def is_stopped(self, pid: int) -> bool:
        """Tell whether the process is suspended (state T)."""
        ...


class SystemProcesses:
    """The processes of this machine, from ``/proc``; without it only life and death are known."""

    def start_time(self, pid: int) -> int | None:
        """See `Processes.start_time`."""
        fields = self._stat(pid)
        return int(fields[19]) if len(fields) > 19 else None

    def command_line(self, pid: int) -> tuple[str, ...] | None:
        """See `Processes.command_line`."""
        try:
            data = (_PROC / str(pid) / "cmdline").read_bytes()
        except OSError:
            return None
        return tuple(part.decode(errors="replace") for part in data.rstrip(b"\0").split(b"\0")) if data else None

    def is_alive(self, pid: int) -> bool:
        """See `Processes.is_alive`."""
        if pid <= 0:
            return False
        try:
            os.kill(pid, 0)
        except PermissionError:
            pass  # it exists and belongs to somebody else
        except (ProcessLookupError, OverflowError):
            return False
        return self._stat(pid)[:1] != ["Z"]

    def is_stopped(self, pid: int) -> bool:
        """See `Processes.is_stopped`."""
        return self._stat(pid)[:1] in (["T"], ["t"])

    def _stat(self, pid: int) -> list[str]:
        """The fields from the third on; the second, the name, may hold blanks and brackets."""
        try:
            text = (_PROC / str(pid) / "stat").read_text(errors="replace")
        except OSError:
            return []
        return text.rpartition(")")[2].split()


def current_process_record(argv: Sequence[str]) -> ProcessRecord:
    """The record of this process; ``argv`` is its whole command line."""
    pid = os.getpid()
    return ProcessRecord(pid, tuple(argv), SystemProcesses().start_time(pid))


def parse_process_record(text: str) -> ProcessRecord | None:
    """Read a record as Hermes writes it, or the bare process id of old homes; None for anything else."""
    try:
        data = json.loads(text)
    except ValueError:
        return None
    if isinstance(data, int) and not isinstance(data, bool):
        return ProcessRecord(data) if data > 0 else None
    return record_from_json(data) if isinstance(data, Mapping) else None


def read_process_record(path: Path) -> ProcessRecord | None:
    """Read a file that holds a record; None when it is missing, unreadable or garbled. Blocking."""
    try:
        return parse_process_record(path.read_bytes()[:RECORD_LIMIT].decode(errors="replace"))
    except OSError:
        return None


def record_from_json(data: Mapping[str, object]) -> ProcessRecord | None:
    """Read the record's keys out of a larger JSON object; None when the process id is missing."""
    pid, start_time, argv = data.get("pid"), data.get("start_time"), data.get("argv")
    if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0:
        return None
    return ProcessRecord(
        pid=pid,
        argv=tuple(map(str, argv)) if isinstance(argv, list) else (),
        start_time=start_time if isinstance(start_time, int) else None,
        kind=str(data.get("kind") or KIND),
    )


def looks_like_gateway(argv: Sequence[str]) -> bool:
    """Tell a gateway by its command line: ours (``hermes-trio run``) or Hermes' (``gateway run``)."""
    words = [PurePath(word).name for word in argv]
    if "hermes-gateway" in words:
        return True
    if any(pair in (("gateway", "run"), ("gateway", "restart")) for pair in itertools.pairwise(words)):
        return True
    ours = [i for i, word in enumerate(words) if word in ("hermes-trio", "hermes_trio") or "hermes_trio" in argv[i]]
    return bool(ours) and "run" in words[ours[0] + 1 :]


def is_live_gateway(record: ProcessRecord, processes: Processes) -> bool:
    """Tell whether the recorded process is alive, is that very process, and is a gateway."""
    if not processes.is_alive(record.pid):
        return False
    started = processes.start_time(record.pid)
    if record.start_time is not None and started is not None and started != record.start_time:
        return False
    return looks_like_gateway(processes.command_line(record.pid) or record.argv)


def read_live_gateway(home: HomePaths, processes: Processes | None = None) -> ProcessRecord | None:
    """The gateway that serves this home, ours or Hermes' own; blocking. None when there is none.

    The lock decides: a record without the lock held is a leftover. Also right for the home of a named profile, which a
    gateway of its own may serve.
    """
    used = processes or SystemProcesses()
    if not is_locked(home.gateway_lock):
        return None
    for path in (home.gateway_pid, home.gateway_lock):
        record = read_process_record(path)
        if record is not None and is_live_gateway(record, used):
            return record
    return None


def is_locked(path: Path) -> bool:
    """Tell whether some process holds an exclusive ``flock`` on the file; takes a shared one for an instant."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    with closing_descriptor(descriptor):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False


@contextlib.contextmanager
def closing_descriptor(descriptor: int) -> Iterator[int]:
    """Close a file descriptor at the end, and with it give up its locks."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)
