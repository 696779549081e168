"""The machine's processes, as ``/proc`` tells of them. All of it blocks, for some microseconds per process."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ZOMBIE = "Z"


def group_of(pid: int) -> int | None:
    """A process's group; None when it has gone."""
    try:
        return os.getpgid(pid)
    except OSError:
        return None


def is_running(process: tuple[int, int]) -> bool:
    """Whether a process (its id and start time) still runs."""
    fields = _stat(process[0])
    return len(fields) > 19 and int(fields[19]) == process[1] and fields[0] != ZOMBIE


def descendants(pid: int) -> Iterator[tuple[int, int]]:
    """Processes below another one (not itself) with their start times; as far as parents still live."""
    for child in _children(pid):
        fields = _stat(child)
        if len(fields) > 19:
            yield child, int(fields[19])
        yield from descendants(child)


def all_processes() -> Iterator[int]:
    """The ids of all processes of the machine."""
    return (int(name) for name in _names_in("/proc") if name.isdigit())


def own_children() -> list[int]:
    """The ids of this process's children, those among them that ended and were not waited for."""
    return _children(os.getpid())


class Zombie(NamedTuple):
    """A process that has ended and was not waited for."""

    pid: int
    started: int
    session: int


def find_zombies(pids: Iterable[int]) -> list[Zombie]:
    """Those among some processes that have ended and were not waited for."""
    found = ((pid, _stat(pid)) for pid in pids)
    return [
        Zombie(pid, int(fields[19]), int(fields[3]))
        for pid, fields in found
        if len(fields) > 19 and fields[0] == ZOMBIE
    ]


def identify(pid: int) -> tuple[int, int] | None:
    """A process with its start time, which tells it from a later one with the same id; None when it has ended."""
    fields = _stat(pid)
    return (pid, int(fields[19])) if len(fields) > 19 and fields[0] != ZOMBIE else None


def read_variable(pid: int, name: str) -> str:
    """What a process was started with in this variable; empty where it is not, or where we may not look."""
    start = f"{name}=".encode()
    found = (one for one in _read(f"/proc/{pid}/environ").split(b"\0") if one.startswith(start))
    return next(found, start)[len(start) :].decode(errors="replace")


def holds_file(pid: int, number: int, file: str) -> bool:
    """Whether a process has this file open under this number; False where we may not look.

    Args:
        pid: The process.
        number: The descriptor.
        file: As ``/proc`` names it, e.g. ``pipe:[4711]``.
    """
    try:
        return os.readlink(f"/proc/{pid}/fd/{number}") == file  # noqa: PTH115  a Path costs more than the call
    except OSError:
        return False


def reap(pid: int) -> None:
    """Wait for a child that has ended, without waiting; nothing happens if it has not, or is none of ours."""
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG)


def session_members(session: int) -> set[tuple[int, int]]:
    """The living processes of a session with their start times; looks at all processes of the machine."""
    found = set()
    for pid in all_processes():
        fields = _stat(pid)
        if len(fields) > 19 and fields[3] == str(session) and fields[0] != ZOMBIE:
            found.add((pid, int(fields[19])))
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in _names_in(f"/proc/{pid}/task"):
        found += map(int, _read(f"/proc/{pid}/task/{task}/children").split())
    return found


def _stat(pid: int) -> list[str]:
    """The fields of ``stat`` from the third on; the second, the name, may hold blanks and brackets."""
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].decode().split()


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  a Path for each of a thousand entries costs more than all the rest
    except OSError:
        return []


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123  as above
            return file.read()
    except OSError:
        return b""
