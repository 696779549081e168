"""``processes.json`` in a profile's home: which background commands run, for whoever starts the profile next."""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from hermes_trio.errors import HomeError
from hermes_trio.home.process_record import SystemProcesses
from hermes_trio.home.text_file import explain_os_error, read_text_file

if TYPE_CHECKING:
    from collections.abc import Iterable

HOST = "host"
CONTAINER = "container"


@dataclass(frozen=True, slots=True)
class ProcessEntry:
    """One background command, in the file's words.

    Attributes:
        session_id: ``proc_`` and 12 hexadecimal digits; names the command.
        command: Shell command.
        pid: Id of its process.
        pid_scope: ``host``, or ``container`` when the id is that of the docker command.
        host_start_time: Start of the process in clock ticks since the machine's start; None when not known.
        cwd: Where it runs.
        started_at: Seconds since the epoch.
        task_id: The conversation that started it.
        session_key: That conversation's key.
        notify_on_complete: Whether its end is to be reported.
        watch_patterns: Texts in its output that are to be reported.
    """

    session_id: str
    command: str
    pid: int
    pid_scope: str = HOST
    host_start_time: int | None = None
    cwd: str = ""
    started_at: float = 0.0
    task_id: str = ""
    session_key: str = ""
    notify_on_complete: bool = False
    watch_patterns: tuple[str, ...] = ()


def processes_file(root: Path) -> Path:
    """Where the file of a profile's home is."""
    return root / "processes.json"


def read_entries(path: Path, profile: str) -> tuple[ProcessEntry, ...]:
    """The entries of the file; none when it is missing or garbled, and none of those that make no sense. Blocking.

    Raises:
        HomeError: The file cannot be read.
    """
    text = read_text_file(path, HomeError, profile)
    try:
        values = msgspec.json.decode(text or "[]")
    except msgspec.DecodeError:
        return ()
    entries = (_entry(value) for value in values) if isinstance(values, list) else ()
    return tuple(entry for entry in entries if entry is not None)


def _entry(value: object) -> ProcessEntry | None:
    if not isinstance(value, dict):
        return None
    try:
        return msgspec.convert({key: item for key, item in value.items() if item is not None}, ProcessEntry)
    except msgspec.ValidationError:
        return None


def is_same_process(entry: ProcessEntry) -> bool:
    """Whether the command still runs here and its process is not a later one with the same id. Blocking."""
    processes = SystemProcesses()
    return (
        entry.pid_scope == HOST
        and entry.host_start_time is not None
        and processes.is_alive(entry.pid)
        and processes.start_time(entry.pid) == entry.host_start_time
    )


def is_profiles_own(entry: ProcessEntry, root: Path) -> bool:
    """Whether the command was started for the profile with this home, as its environment says. Blocking.

    A home that was copied, or restored from a backup, brings the file of another profile along.
    """
    try:
        variables = Path(f"/proc/{entry.pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    homes = [value for name, _, value in (variable.partition(b"=") for variable in variables) if name == b"HERMES_HOME"]
    return any(os.path.realpath(home) == os.path.realpath(bytes(root)) for home in homes)


def write_entries(path: Path, entries: Iterable[ProcessEntry], profile: str) -> None:
    """Replace the file (mode 0600) in one step; no entries remove it. Blocking.

    Raises:
        HomeError: It cannot be written.
    """
    data = msgspec.json.encode(list(entries))
    try:
        if data == b"[]":
            path.unlink(missing_ok=True)
        else:
            _replace(path, data)
    except OSError as exc:
        problem, mend = explain_os_error(exc, path)
        raise HomeError(problem, profile=profile, where=str(path), mend=mend) from exc


def _replace(path: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123  a descriptor, not a path
            file.write(data)
        os.replace(temporary, path)  # noqa: PTH105  both are on one file system
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108  as above
        raise
