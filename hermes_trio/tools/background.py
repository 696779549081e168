"""Commands that run in the background of one generation of a profile, for its conversations and nobody else's.

They end with the profile. What a gateway that was killed left running is found again by ``processes.json``: it can be
looked at and ended, its output is lost.
"""

from __future__ import annotations

import signal
import uuid
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import trio

from hermes_trio.errors import HomeError, ScopeClosed
from hermes_trio.home.process_record import SystemProcesses
from hermes_trio.io.child_family import signal_group, wait_end_of
from hermes_trio.io.child_output import Tail
from hermes_trio.io.child_process import ChildError
from hermes_trio.tools.background_store import (
    CONTAINER,
    HOST,
    ProcessEntry,
    is_profiles_own,
    is_same_process,
    processes_file,
    read_entries,
    write_entries,
)
from hermes_trio.tools.background_watch import Notify, ProcessNotice, Watch
from hermes_trio.tools.terminal_docker import ProfileContainer
from hermes_trio.tools.terminal_launch import Launch, run_launch
from hermes_trio.tools.tool import ToolError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from hermes_trio.io.child_process import Child
    from hermes_trio.scope import ProfileScope

MOST_PROCESSES: Final = 64
KEPT_CHARACTERS: Final = 200_000
FINISHED_SECONDS: Final = 30 * 60.0
LEFT_IN_BACKGROUND: Final = b"\n[The command ended, and what it left running with it; start that without `&`.]\n"
CLOSE_SECONDS: Final = 5.0
_KILL_SECONDS: Final = 1.0


class BackgroundProcess:
    """One command in the background.

    Attributes:
        entry: What is known of it.
        output: What it wrote, its last 200,000 characters.
        done: Set when it has ended.
        exit_code: As a shell reports it; None while it runs, and for one of an earlier gateway.
        reported: How many characters of its output a poll has shown.
    """

    def __init__(self, entry: ProcessEntry, output: Tail, child: Child | None) -> None:
        self.entry = entry
        self.output = output
        self.done = trio.Event()
        self.exit_code: int | None = None
        self.reported = 0
        self._child = child
        self._finished_at: float | None = None
        self._ending = trio.Event()

    @property
    def process_id(self) -> str:
        """Its name, ``proc_`` and 12 hexadecimal digits."""
        return self.entry.session_id

    @property
    def pid(self) -> int:
        """Id of its process."""
        return self.entry.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._finished_at is None

    @property
    def is_recovered(self) -> bool:
        """Whether an earlier gateway started it."""
        return self._child is None

    def is_forgotten(self) -> bool:
        """Whether it ended more than half an hour ago."""
        return self._finished_at is not None and trio.current_time() > self._finished_at + FINISHED_SECONDS

    async def end(self) -> None:
        """End it and wait for its end. Cancellation: it ends all the same."""
        self._ending.set()
        if self._child is not None:
            self._child.request_end()
        await self.done.wait()

    async def write(self, data: bytes) -> None:
        """Write to its input.

        Raises:
            ToolError: It does not read.
        """
        if self._child is None or not self.is_running:
            raise ToolError("its input is closed", where=self.process_id)
        try:
            await self._child.write(data)
        except ChildError as exc:
            raise ToolError(exc.problem, where=self.process_id) from exc

    def close_input(self) -> None:
        """Let it read the end of its input."""
        if self._child is not None and self.is_running:
            self._child.close_input()

    def finish(self, exit_code: int | None) -> None:
        """Note that it has ended."""
        if self.is_running:
            self.exit_code = exit_code
            self._finished_at = trio.current_time()
            self.done.set()

    async def watch_recovered(self, grace: float) -> None:
        """Wait for the end of a process that is not our child, and end it when asked or when cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._cancel_when_asked, nursery.cancel_scope)
                await self._wait_recovered()
                nursery.cancel_scope.cancel()
        finally:
            with trio.move_on_after(grace + 2 * _KILL_SECONDS, shield=True):
                await self._kill_recovered(grace)
            self.finish(None)

    async def _cancel_when_asked(self, scope: trio.CancelScope) -> None:
        await self._ending.wait()
        scope.cancel()

    async def _kill_recovered(self, grace: float) -> None:
        for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, _KILL_SECONDS)):
            if is_same_process(self.entry):
                signal_group(self.pid, number)
                with trio.move_on_after(seconds):
                    await self._wait_recovered()

    async def _wait_recovered(self) -> None:
        if is_same_process(self.entry):
            await wait_end_of(self.pid)


class BackgroundProcesses:
    """The background commands of a profile; see `open_background_processes`.

    Attributes:
        container: The profile's container, for the docker backend.
        reports: Whether somebody hears of what is to be reported.
    """

    def __init__(self, scope: ProfileScope, nursery: trio.Nursery, notify: Notify | None) -> None:
        self.container = ProfileContainer()
        self.reports = notify is not None
        self._scope = scope
        self._nursery = nursery
        self._notify = notify or _ignore
        self._processes: dict[str, BackgroundProcess] = {}
        self._storing = trio.Lock()
        self._stored: Sequence[str] = ()
        self._closed = False

    def list(self) -> tuple[BackgroundProcess, ...]:
        """Those that run, and those that ended within the last half hour, oldest first."""
        for process in [process for process in self._processes.values() if process.is_forgotten()]:
            del self._processes[process.process_id]
        return tuple(self._processes.values())

    def find(self, process_id: str) -> BackgroundProcess:
        """One of them.

        Raises:
            ToolError: There is none of this name.
        """
        self.list()
        process = self._processes.get(process_id)
        if process is None:
            raise ToolError(
                "there is no such process", found=process_id, mend="process(action=list) shows those that are there"
            )
        return process

    async def start(
        self,
        launch: Launch,
        command: str,
        *,
        session_id: str = "",
        session_key: str = "",
        notify_on_complete: bool = False,
        watch_patterns: tuple[str, ...] = (),
    ) -> BackgroundProcess:
        """Start a command; it runs until it ends, is ended, or the profile ends.

        Args:
            launch: What to start.
            command: As the model wrote it.
            session_id: The conversation that wants it.
            session_key: That conversation's key.
            notify_on_complete: Whether its end is to be reported.
            watch_patterns: Texts in its output that are to be reported.

        Raises:
            ToolError: It cannot be started, or 64 run already.
            ScopeClosed: The profile ends.
        """
        self._make_room()
        entry = ProcessEntry(
            session_id=f"proc_{uuid.uuid4().hex[:12]}",
            command=command,
            pid=0,
            pid_scope=HOST if launch.clean_up is None else CONTAINER,
            cwd=launch.folder,
            started_at=self._scope.clock.now(),
            task_id=session_id,
            session_key=session_key,
            notify_on_complete=notify_on_complete,
            watch_patterns=watch_patterns,
        )
        process: BackgroundProcess = await self._nursery.start(
            self._run, launch, entry, name=f"{self._scope.name}#{self._scope.generation} {entry.session_id}"
        )
        await self._store()
        return process

    async def recover(self) -> None:
        """Take over what an earlier gateway left running; of what has ended, tell that, and forget it."""
        found = await self._scope.run_blocking(_look_for, self._scope.home.root, self._scope.name)
        for entry in found.ended:
            self._tell_lost(entry)
        for entry in found.alive:
            process = BackgroundProcess(entry, Tail(KEPT_CHARACTERS), None)
            self._processes[entry.session_id] = process
            self._nursery.start_soon(self._watch_recovered, process)
        self._stored = [entry.session_id for entry in found.written]
        await self._store()

    def refuse(self) -> None:
        """Start no more."""
        self._closed = True

    async def close(self) -> None:
        """Note that all have ended, and stop the container. Cancellation: the caller shields."""
        await self._store()
        await self.container.close()

    def _make_room(self) -> None:
        if self._closed:
            raise ScopeClosed("the profile ends", profile=self._scope.name)
        if len(self.list()) < MOST_PROCESSES:
            return
        finished = [process for process in self._processes.values() if not process.is_running]
        if not finished:
            raise ToolError(
                f"{MOST_PROCESSES} processes run in the background already", mend="end one with process(action=kill)"
            )
        del self._processes[finished[0].process_id]

    async def _run(
        self, launch: Launch, entry: ProcessEntry, *, task_status: trio.TaskStatus[BackgroundProcess]
    ) -> None:
        output = Tail(KEPT_CHARACTERS)
        sink = Watch(output, entry, self._notify)

        def register(child: Child) -> None:
            task_status.started(self._register(entry, output, child))

        try:
            result = await run_launch(self._scope, launch, sink, task_status=_OnStart(register))
        except BaseException:  # cancelled with the turn before anybody knew of it, or with the profile
            process = self._processes.pop(entry.session_id, None)
            if process is not None:
                process.finish(None)
            raise
        if result.left_over:
            output.feed(LEFT_IN_BACKGROUND)
        self._processes[entry.session_id].finish(result.code)
        sink.finish(result.code)
        await self._store()

    def _register(self, entry: ProcessEntry, output: Tail, child: Child) -> BackgroundProcess:
        entry = replace(entry, pid=child.pid, host_start_time=SystemProcesses().start_time(child.pid))
        process = BackgroundProcess(entry, output, child)
        self._processes[process.process_id] = process
        return process

    async def _watch_recovered(self, process: BackgroundProcess) -> None:
        await process.watch_recovered(self._scope.config.terminal.daemon_term_grace_seconds)
        self._tell_lost(process.entry)
        await self._store()

    def _tell_lost(self, entry: ProcessEntry) -> None:
        if entry.notify_on_complete:
            self._notify(ProcessNotice(entry, lost=True))

    async def _store(self) -> None:
        """Write down what runs; a disk that refuses costs the recovery, not the command."""
        async with self._storing:
            entries = [process.entry for process in self._processes.values() if process.is_running]
            names = [entry.session_id for entry in entries]
            if names == list(self._stored):
                return
            path = processes_file(self._scope.home.root)
            try:
                await self._scope.run_blocking(write_entries, path, entries, self._scope.name)
                self._stored = names
            except HomeError as error:
                self._scope.log.bind(component="tools").warning(f"processes.json is out of date: {error}")


@asynccontextmanager
async def open_background_processes(
    scope: ProfileScope, notify: Notify | None = None
) -> AsyncIterator[BackgroundProcesses]:
    """Own a profile's background commands; at the end all of them are ended, also those of an earlier gateway.

    Args:
        scope: The profile.
        notify: Told when a command ends whose end is awaited, or says something that is watched for; must not fail nor
            wait. None forgets it.

    Cancellation: the end is shielded; it takes the grace period at most, and 5 s.
    """
    failure: BaseException | None = None
    processes: BackgroundProcesses | None = None
    try:
        async with trio.open_nursery() as nursery:
            processes = BackgroundProcesses(scope, nursery, notify)
            try:
                await processes.recover()
                yield processes
            except BaseException as exc:  # noqa: BLE001  raised again below; in here it would come out in a group
                failure = exc
            finally:
                processes.refuse()
                nursery.cancel_scope.cancel()
    finally:
        with trio.move_on_after(CLOSE_SECONDS, shield=True):
            if processes is not None:
                await processes.close()
    if failure is not None:
        raise failure


class _Found(NamedTuple):
    """What the file of a profile says, what of it runs for this profile, and what has ended for certain."""

    written: Sequence[ProcessEntry]
    alive: list[ProcessEntry]
    ended: list[ProcessEntry]


def _look_for(root: Path, profile: str) -> _Found:
    """Blocking."""
    entries = read_entries(processes_file(root), profile)
    found = _Found(entries, [], [])
    for entry in entries[-MOST_PROCESSES:]:
        if is_same_process(entry):
            found.alive.extend([entry] if is_profiles_own(entry, root) else [])
        elif entry.pid_scope == HOST and entry.host_start_time is not None:
            found.ended.append(entry)
    return found


def _ignore(_notice: ProcessNotice) -> None:
    """Nobody wants to know."""


class _OnStart:
    """Hands on a `Child` the moment it has started, before anything can be cancelled."""

    def __init__(self, hand_on: Callable[[Child], None]) -> None:
        self._hand_on = hand_on

    def started(self, value: Child | None = None) -> None:
        """See `trio.TaskStatus.started`."""
        if value is not None:
            self._hand_on(value)
