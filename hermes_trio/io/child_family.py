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
from typing import Final, Self

import trio

from hermes_trio.io.child_mark import MARK_NAME, make_mark, pipe_name
from hermes_trio.io.process_table import (
    all_processes,
    descendants,
    group_of,
    holds_file,
    identify,
    is_running,
    read_variable,
    reap,
    session_members,
)

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

    __slots__ = ("_end", "_name", "_theirs", "number")

    def __init__(self) -> None:
        self._end, lowest = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self._theirs = self.number = fcntl.fcntl(lowest, fcntl.F_DUPFD_CLOEXEC, LEASH_NUMBER)
            self._name = pipe_name(lowest)
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

    def make_mark(self) -> str:
        """A mark for the command that gets it, valid until `close`."""
        return make_mark(self._end)

    def is_held_by(self, pid: int) -> bool:
        """Whether this process holds it."""
        return holds_file(pid, self._theirs, self._name)

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
        mark: What it has in `MARK_NAME`; empty when processes that made a session of their own, and whose parents have
            gone, may stay.
    """

    __slots__ = ("_leash", "_mark", "_pidfd", "_process", "pid")

    def __init__(self, process: trio.Process, leash: Leash, mark: str) -> None:
        leash.let_go()
        self.pid = process.pid
        self._process = process
        self._leash = leash
        self._mark = mark
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
        """Whether processes of the command still run; looks at all processes of the machine unless `is_gone`."""
        return not self.is_gone() and bool(session_members(self.pid) or self._strays())

    async def wait_gone(self) -> None:
        """Wait until `is_gone`."""
        await self._leash.wait_free()

    async def end(self, grace: float) -> int | None:
        """End what still runs, SIGTERM first and SIGKILL ``grace`` seconds later, and reap what is ours to reap.

        Daemons that have let go of the leash are left to `hermes_trio.io.orphans`.

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
        for pid, _started in others:
            reap(pid)  # if it came to us when its parents had gone
        return self._process.returncode

    async def _wait_session(self, others: set[tuple[int, int]]) -> None:
        """Wait for the leader, its session and others; the leash of a program that may stay does not count."""
        await self.wait_leader()
        while any(map(is_running, others)) or (not self.is_gone() and session_members(self.pid)):
            with trio.move_on_after(_LOOK_SECONDS):
                await self.wait_gone()
                await trio.sleep(_POLL_SECONDS)  # who has let go of the leash does not tell when it ends

    def _is_anybody_left(self, others: set[tuple[int, int]]) -> bool:
        """Zombies do not count: they are reaped here or by the machine's first process, sooner or later."""
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
        return {(pid, started) for pid, started in found | self._strays() if group_of(pid) != self.pid}

    def _strays(self) -> set[tuple[int, int]]:
        """Processes that made a session of their own and whose parents have gone, with what is below them.

        They are known by the leash, or by the command's mark: programs wipe their environment, or close descriptors
        that they do not know, but hardly both.
        """
        if not self._mark:
            return set()
        found: set[tuple[int, int]] = set()
        for pid in all_processes():
            if self._leash.is_held_by(pid) or read_variable(pid, MARK_NAME) == self._mark:
                found |= {one for one in (identify(pid), *descendants(pid)) if one is not None}
        return found

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
