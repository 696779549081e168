"""The processes that one command becomes: its leader, the leader's session, and how all of them are ended.

A command is started as leader of a session and a process group of its own. Beside its output it inherits a *leash*: the
write end of a pipe nobody writes to, under a high number that programs leave alone. As long as a process of the command
lives, the pipe stays open; its end tells, without a look at the machine's processes, that nobody is left.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from typing import TYPE_CHECKING, Final, Self

import trio

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Scripts use the numbers up to 9 and programs the lowest free one; up here nobody steps on the leash.
LEASH_NUMBER: Final = 150
#: A killed process is gone within milliseconds, unless the kernel holds it in a device.
KILL_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.005
_LOOK_SECONDS: Final = 0.1


class Leash:
    """A pipe that ends when the last process that inherited it ends.

    Attributes:
        number: Descriptor to pass to the command; closed here by `let_go` once the command has it.
    """

    __slots__ = ("_end", "number")

    def __init__(self) -> None:
        self._end, lowest = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self.number = fcntl.fcntl(lowest, fcntl.F_DUPFD_CLOEXEC, LEASH_NUMBER)
        except OSError:
            os.close(self._end)
            raise
        finally:
            os.close(lowest)

    def let_go(self) -> None:
        """Close our copy of the command's end."""
        if self.number >= 0:
            os.close(self.number)
            self.number = -1

    def is_free(self) -> bool:
        """Whether nobody holds it any more."""
        try:
            while os.read(self._end, 4096):
                pass
        except BlockingIOError:
            return False
        return True

    async def wait_free(self) -> None:
        """Wait until nobody holds it any more."""
        while not self.is_free():
            await trio.lowlevel.wait_readable(self._end)

    def close(self) -> None:
        """Close our end."""
        self.let_go()
        if self._end >= 0:
            os.close(self._end)
            self._end = -1


class Family:
    """The processes of one running command.

    The leader is not reaped before everything else has ended: its process id names the group and the session, and could
    otherwise be given to somebody else while we send signals to it.

    Args:
        process: The leader, started in a new session with ``leash`` passed on.
        leash: Owned by the family from now on.
    """

    __slots__ = ("_leash", "_pidfd", "_process", "pid")

    def __init__(self, process: trio.Process, leash: Leash) -> None:
        leash.let_go()
        self.pid = process.pid
        self._process = process
        self._leash = leash
        try:
            self._pidfd = os.pidfd_open(process.pid)
        except OSError:  # an old kernel, or no descriptor left
            self._pidfd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
        self._leash.close()

    def leader_ended(self) -> bool:
        """Whether the command itself has ended; what it started may go on."""
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    async def wait_leader(self) -> None:
        """Wait until the command itself has ended."""
        if self._pidfd >= 0:
            await trio.lowlevel.wait_readable(self._pidfd)
        else:
            await self._process.wait()

    def is_gone(self) -> bool:
        """Whether no process of the command is left that inherited the leash."""
        return self._leash.is_free()

    def has_members(self) -> bool:
        """Whether processes of the command's session still run; looks at all processes of the machine."""
        return bool(session_members(self.pid))

    async def wait_gone(self) -> None:
        """Wait until `is_gone`; processes that left the session of their own accord are waited for as well."""
        await self._leash.wait_free()

    async def end(self, grace: float) -> int | None:
        """End what still runs, SIGTERM first and SIGKILL ``grace`` seconds later, and reap the leader.

        Processes that made a session of their own and whose parents have gone are let alone: that is how a program
        says that it wants to outlive its command.

        Returns:
            The leader's exit status, negative for a signal; None when the kernel does not let go of it.

        Cancellation: the caller shields; takes at most ``grace`` + `KILL_SECONDS`.
        """
        others: set[tuple[int, int]] = set()
        if not (self.leader_ended() and self.is_gone()):
            others = self._outsiders()
            self._signal(signal.SIGTERM, others)
            with trio.move_on_after(grace):
                await self._wait_session(others)
            others |= self._outsiders()
        # Also when all seems gone: a careful program closes descriptors it does not know, the leash among them.
        self._signal(signal.SIGKILL, others)
        with trio.move_on_after(KILL_SECONDS):
            await self._process.wait()
            while self._is_anybody_left(others):  # noqa: ASYNC110  nobody reports the end of a process that is no child
                await trio.sleep(_POLL_SECONDS)
        return self._process.returncode

    async def _wait_session(self, others: set[tuple[int, int]]) -> None:
        """Wait for the leader and its session; the leash of a program that wants to stay does not count."""
        await self.wait_leader()
        while not self.is_gone() and (session_members(self.pid) or any(map(is_running, others))):
            with trio.move_on_after(_LOOK_SECONDS):
                await self.wait_gone()

    def _is_anybody_left(self, others: set[tuple[int, int]]) -> bool:
        """Zombies do not count: whose parents have gone are reaped by the machine's first process, sooner or later."""
        return any(map(is_running, others)) or (self._group_exists() and bool(session_members(self.pid)))

    def _group_exists(self) -> bool:
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def _outsiders(self) -> set[tuple[int, int]]:
        """Processes of the command that a signal to its group does not reach, with their start times.

        While the leader lives they are found going down from it; after that by their session.
        """
        found = session_members(self.pid) if self.leader_ended() else set(descendants(self.pid))
        return {(pid, started) for pid, started in found if group_of(pid) != self.pid}

    def _signal(self, number: signal.Signals, others: set[tuple[int, int]]) -> None:
        signal_group(self.pid, number)
        for pid, started in others:
            if is_running((pid, started)):
                send_signal(pid, number)


def signal_group(leader: int, number: signal.Signals) -> None:
    """Send a signal to a group all of whose processes may have gone or may not be ours (sudo)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def send_signal(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have gone or may not be ours."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


async def wait_end_of(pid: int) -> None:
    """Wait until a process has ended that need not be our child; at once when there is none.

    Raises:
        OSError: This system cannot do it.
    """
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        await trio.lowlevel.wait_readable(pidfd)
    finally:
        os.close(pidfd)


def group_of(pid: int) -> int | None:
    """A process's group; None when it has gone."""
    try:
        return os.getpgid(pid)
    except OSError:
        return None


def is_running(process: tuple[int, int]) -> bool:
    """Whether a process (its id and start time) still runs."""
    fields = _stat(process[0])
    return len(fields) > 19 and int(fields[19]) == process[1] and fields[0] != "Z"


def descendants(pid: int) -> Iterator[tuple[int, int]]:
    """Processes below another one (not itself) with their start times; as far as parents still live."""
    for child in _children(pid):
        fields = _stat(child)
        if len(fields) > 19:
            yield child, int(fields[19])
        yield from descendants(child)


def session_members(session: int) -> set[tuple[int, int]]:
    """The living processes of a session with their start times; looks at all processes of the machine."""
    found = set()
    for name in _names_in("/proc"):
        fields = _stat(int(name)) if name.isdigit() else []
        if len(fields) > 19 and fields[3] == str(session) and fields[0] != "Z":
            found.add((int(name), int(fields[19])))
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
