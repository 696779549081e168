"""Runs one command as a child process, with bounded output and a deadline, and leaves nothing of it behind."""

from __future__ import annotations

import math
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

import trio

from hermes_trio.errors import HermesTrioError
from hermes_trio.io.child_family import KILL_SECONDS, Family, Leash
from hermes_trio.io.child_mark import MARK_NAME
from hermes_trio.io.child_pipes import Pipes, Wiring

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hermes_trio.io.child_output import Sink

#: What a command leaves running when it ends has this long to end as well: the ``tee`` at the end of a pipe.
SETTLE_SECONDS: Final = 0.5
#: After the last process has gone, what is in the pipes is read within this time.
_DRAIN_SECONDS: Final = 1.0


class ChildError(HermesTrioError):
    """A child process could not be started, or cannot be written to."""

    default_code = "child_failed"


@dataclass(frozen=True, slots=True)
class ChildCommand:
    """What to run.

    Attributes:
        argv: Program and arguments.
        environment: The whole environment of the process but for `MARK_NAME`; nothing is inherited.
        folder: Its working directory.
        stdin: What it can read; None for nothing.
        interactive: Whether its input stays open for `Child.write`.
        terminal: Whether it gets a pseudo terminal; implies ``interactive``, and errors mixed with output.
        daemons: Whether a process that makes a session of its own, as daemons do, may outlive it: for commands that the
            user has written down, never for those of an agent.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    stdin: bytes | None = field(default=None, repr=False)
    interactive: bool = False
    terminal: bool = False
    daemons: bool = False


@dataclass(frozen=True, slots=True)
class ChildExit:
    """How a command ended.

    Attributes:
        code: Exit status as a shell reports it: 128 + n when signal n ended it.
        timed_out: Whether the deadline ended it.
        ended: Whether `Child.request_end` ended it.
        left_over: Whether it had left processes running, which were ended then.
    """

    code: int
    timed_out: bool = False
    ended: bool = False
    left_over: bool = False


class Child:
    """A command that runs; see `run_child`.

    Attributes:
        pid: Id of its process, of its group and of its session.
    """

    def __init__(self, family: Family, pipes: Pipes, deadline: float) -> None:
        self.pid = family.pid
        self._family = family
        self._pipes = pipes
        self._limit = trio.CancelScope(deadline=deadline)
        self._asked_to_end = False
        self._left_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipes.close()
        self._family.__exit__()

    async def write(self, data: bytes) -> None:
        """Write to its input.

        Raises:
            ChildError: Its input is closed, or it does not read.

        Cancellation: a part may have been written.
        """
        try:
            await self._pipes.write(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise ChildError("the input of the process is closed", code="child_input_closed") from exc
        except trio.TooSlowError as exc:
            raise ChildError("the process does not read its input", code="child_input_full") from exc

    def close_input(self) -> None:
        """Let it read the end of its input; on a pseudo terminal, type Ctrl-D instead."""
        self._pipes.close_input()

    def request_end(self) -> None:
        """Have it ended soon, as at its deadline; `run_child` then returns."""
        self._asked_to_end = True
        self._limit.cancel()

    async def run(self, grace: float, task_status: trio.TaskStatus[Child]) -> ChildExit:
        """Read its output until it has ended or must; see `run_child`. Run once."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._pipes.pump)
            try:
                task_status.started(self)
                with self._limit:
                    await self._wait_end()
            finally:
                with trio.move_on_after(grace + KILL_SECONDS + _DRAIN_SECONDS, shield=True):
                    status = await self._family.end(grace)
                    with trio.move_on_after(_DRAIN_SECONDS if self._family.is_gone() else 0):
                        await self._pipes.finished.wait()
                self._pipes.stop()
        stopped = self._limit.cancelled_caught
        return ChildExit(
            code=_shell_status(status),
            timed_out=stopped and not self._asked_to_end,
            ended=stopped and self._asked_to_end,
            left_over=self._left_over,
        )

    async def _wait_end(self) -> None:
        await self._family.wait_leader()
        with trio.move_on_after(SETTLE_SECONDS):
            await self._family.wait_gone()
            await self._pipes.finished.wait()
        self._left_over = self._family.has_members()


async def run_child(
    command: ChildCommand,
    output: Sink,
    errors: Sink | None = None,
    *,
    deadline: float = math.inf,
    grace: float = 2.0,
    task_status: trio.TaskStatus[Child] = trio.TASK_STATUS_IGNORED,
) -> ChildExit:
    """Run a command in a session of its own until it ends, and end all that is left of it, daemons too.

    Args:
        command: What to run.
        output: Gets its standard output.
        errors: Gets its standard error; None mixes it into ``output``.
        deadline: On trio's clock; then the processes get SIGTERM.
        grace: Seconds after which they get SIGKILL.
        task_status: Told the `Child` once it runs.

    Raises:
        ChildError: ``child_not_started``.

    Cancellation: the processes are ended as at the deadline before the cancellation goes on; takes at most ``grace`` +
        3 seconds, usually a few milliseconds.
    """
    with await _start(command, output, errors, deadline) as child:
        return await child.run(grace, task_status)


async def _start(command: ChildCommand, output: Sink, errors: Sink | None, deadline: float) -> Child:
    """Start the process; a cancellation comes before it or not at all."""
    leash: Leash | None = None
    wiring: Wiring | None = None
    try:
        leash = Leash()
        mark = "" if command.daemons else leash.make_mark()
        wiring = Wiring.for_command(
            terminal=command.terminal,
            separate=errors is not None,
            writable=command.interactive or command.stdin is not None,
        )
        process = await trio.lowlevel.open_process(
            command.argv,
            stdin=wiring.stdin,
            stdout=wiring.stdout,
            stderr=wiring.stderr,
            cwd=command.folder,
            env={**command.environment, **({MARK_NAME: mark} if mark else {})},
            start_new_session=True,
            pass_fds=(leash.number,),
        )
    except (OSError, ValueError) as exc:
        _close_all(leash, wiring)
        raise _not_started(command, exc) from exc
    except BaseException:
        _close_all(leash, wiring)
        raise
    pipes = Pipes(process, wiring.take_terminal(), output, errors, command.stdin, keep_input=command.interactive)
    return Child(Family(process, leash, mark), pipes, deadline)


def _close_all(leash: Leash | None, wiring: Wiring | None) -> None:
    if leash is not None:
        leash.close()
    if wiring is not None:
        wiring.close()


def _not_started(command: ChildCommand, exc: OSError | ValueError) -> ChildError:
    if isinstance(exc, ValueError):
        problem = "the command holds a zero byte"  # the only value that subprocess refuses here
    elif isinstance(exc, FileNotFoundError | NotADirectoryError) and str(exc.filename) == str(command.folder):
        problem = f"there is no folder {command.folder}"
    else:
        problem = f"{command.argv[0]} cannot be started: {exc.strerror or exc}"
    return ChildError(problem, code="child_not_started")


def _shell_status(status: int | None) -> int:
    if status is None:
        return 128 + signal.SIGKILL
    return status if status >= 0 else 128 - status
