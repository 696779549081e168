"""From what a model wants to run to a child process: where, with which environment, on which backend."""

from __future__ import annotations

import contextlib
import math
import shlex
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.home.child_environment import (
    Conversation,
    below,
    child_environment,
    choose_folder,
    choose_home,
    declared_variables,
    session_variables,
)
from hermes_trio.io.child_process import ChildCommand, ChildError, ChildExit, run_child
from hermes_trio.tools.terminal_docker import (
    CONTROL_SECONDS,
    MARK,
    ContainerSpec,
    ProfileContainer,
    container_spec,
    end_argv,
    exec_argv,
    shell_in_container,
)
from hermes_trio.tools.tool import ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.io.child_output import Sink
    from hermes_trio.io.child_process import Child
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool_turn import ToolTurn

#: Longer ones do not fit into one argument of a process on Linux.
LONGEST_COMMAND: Final = 120_000


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be run.

    Attributes:
        shell: A shell command; or None, then
        program: is a program with its arguments,
        program_in_container: and this the same for a container.
        stdin: What it reads.
        interactive: Whether more can be written to it later.
        terminal: Whether it gets a pseudo terminal.
    """

    shell: str | None = None
    program: tuple[str, ...] = ()
    program_in_container: tuple[str, ...] = ()
    stdin: bytes | None = None
    interactive: bool = False
    terminal: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where commands of a profile run on this machine.

    Attributes:
        folder: Working directory.
        home: Their ``HOME``.
        shell: The shell.
    """

    folder: Path
    home: Path
    shell: str


@dataclass(frozen=True, slots=True)
class Launch:
    """A command that is ready to be started.

    Attributes:
        command: What to start here.
        folder: Where it runs, for people; in the container if there is one.
        clean_up: What ends its processes in the container when it does not end by itself; None without a container.
        container: The container.
    """

    command: ChildCommand
    folder: str
    clean_up: ChildCommand | None = None
    container: ProfileContainer | None = None


def base_of(scope: ProfileScope) -> Mapping[str, str]:
    """The gateway's own environment, captured at its start."""
    return scope.shared.base_environment


def conversation_of(turn: ToolTurn) -> Conversation:
    """What a child is told of the turn it works for."""
    known = turn.conversation
    return known or Conversation(turn.platform, turn.session_id, turn.session_key, turn.user_id)


def is_boxed(scope: ProfileScope) -> bool:
    """Whether a profile's commands cannot touch this machine: a container without mounts."""
    settings = scope.config.terminal
    return settings.backend == "docker" and not settings.docker_volumes


async def find_place(scope: ProfileScope, workdir: str = "") -> Place:
    """Find out where a command runs on this machine.

    Args:
        scope: The profile.
        workdir: As the model wrote it; relative to ``terminal.cwd``.

    Raises:
        ToolError: There is no such folder.
    """
    place = await scope.run_blocking(_look_around, scope, workdir)
    if place is None:
        raise ToolError("there is no such folder", where="workdir", found=workdir or scope.config.terminal.cwd)
    return place


async def prepare_launch(scope: ProfileScope, turn: ToolTurn, work: Work, workdir: str = "") -> Launch:
    """Make ready what starts ``work`` on the profile's backend.

    Raises:
        ToolError: The backend is not available, the folder does not exist, the command is too long.
    """
    backend = scope.config.terminal.backend
    if work.shell is not None and len(work.shell.encode()) > LONGEST_COMMAND:
        raise ToolError("the command is too long", expected=f"at most {LONGEST_COMMAND} bytes", mend="use a file")
    if backend == "local":
        return await _prepare_here(scope, turn, work, workdir)
    if backend == "docker":
        return await _prepare_in_container(scope, turn, work, workdir)
    raise ToolError(
        "this terminal backend is not available", where="terminal.backend", found=backend, expected="local or docker"
    )


async def run_launch(
    scope: ProfileScope,
    launch: Launch,
    output: Sink,
    errors: Sink | None = None,
    *,
    deadline: float = math.inf,
    task_status: trio.TaskStatus[Child] = trio.TASK_STATUS_IGNORED,
) -> ChildExit:
    """Run it; see `run_child`. Processes in a container are ended as well.

    Raises:
        ToolError: It cannot be started.
    """
    grace = scope.config.terminal.daemon_term_grace_seconds
    result: ChildExit | None = None
    try:
        result = await run_child(
            launch.command, output, errors, deadline=deadline, grace=grace, task_status=task_status
        )
        if launch.container is not None and result.code:
            launch.container.doubt()
        return result
    except ChildError as exc:
        raise ToolError(exc.problem) from exc
    finally:
        if launch.clean_up is not None and (result is None or result.timed_out or result.ended):
            with trio.move_on_after(grace + CONTROL_SECONDS / 4, shield=True):
                with contextlib.suppress(ChildError):
                    await run_child(launch.clean_up, _Nowhere(), grace=0.1)


class _Nowhere:
    def feed(self, data: bytes) -> None:
        """See `Sink.feed`."""


async def _prepare_here(scope: ProfileScope, turn: ToolTurn, work: Work, workdir: str) -> Launch:
    place = await find_place(scope, workdir)
    environment = _environment(scope, turn, place)
    argv = work.program
    if work.shell is not None:
        argv = (place.shell, "-c", _init_lines(scope, place) + work.shell)
    return Launch(
        ChildCommand(argv, environment, place.folder, work.stdin, work.interactive, work.terminal), str(place.folder)
    )


async def _prepare_in_container(scope: ProfileScope, turn: ToolTurn, work: Work, workdir: str) -> Launch:
    place = await scope.run_blocking(_look_around, scope, "", True)
    if place is None:
        raise ToolError("the profile's folder is gone", found=str(scope.home.root))
    spec = _spec(scope)
    if workdir and not workdir.startswith("/") and not spec.folder:
        raise ToolError("not a path in the container", where="workdir", found=workdir, expected="an absolute path")
    here = _environment(scope, turn, place)
    container = turn.workplace.processes.container
    await container.make_ready(spec, here, place.folder)
    mark = uuid.uuid4().hex
    inside = _environment_inside(scope, turn, spec, mark)
    inner = shell_in_container(work.shell) if work.shell is not None else work.program_in_container
    reads = work.interactive or work.stdin is not None
    argv = exec_argv(spec, inner, inside, workdir, interactive=reads, terminal=work.terminal)
    grace = scope.config.terminal.daemon_term_grace_seconds
    secrets = {name: value for name, value in inside.items() if name in argv}
    return Launch(
        ChildCommand(argv, {**here, **secrets}, place.folder, work.stdin, work.interactive, work.terminal),
        workdir or spec.folder or "/",
        ChildCommand(end_argv(spec, mark, grace), here, place.folder),
        container,
    )


async def profile_environment(scope: ProfileScope, conversation: Conversation) -> dict[str, str]:
    """The environment of a program that is run for a profile outside of any turn."""
    place = await scope.run_blocking(_look_around, scope, "", True)
    home = place.home if place is not None else scope.home.root
    return _environment_of(scope, home, conversation)


def _environment(scope: ProfileScope, turn: ToolTurn, place: Place) -> dict[str, str]:
    return _environment_of(scope, place.home, conversation_of(turn))


def _environment_of(scope: ProfileScope, home: Path, conversation: Conversation) -> dict[str, str]:
    return child_environment(
        base_of(scope), scope.name, scope.home, scope.secrets, scope.config.terminal, home, conversation
    )


def _environment_inside(scope: ProfileScope, turn: ToolTurn, spec: ContainerSpec, mark: str) -> dict[str, str]:
    """In the container nothing of this machine is of use: no ``PATH``, no ``HOME``, no paths."""
    passthrough = scope.config.terminal.env_passthrough
    named = {
        name: value
        for name, value in declared_variables(base_of(scope), scope.secrets, passthrough)
        if name in passthrough
    }
    return {
        "TERM": "dumb",
        **spec.environment,
        **named,
        **session_variables(scope.name, conversation_of(turn)),
        MARK: mark,
    }


def _spec(scope: ProfileScope) -> ContainerSpec:
    return container_spec(scope.name, scope.home, scope.config.terminal, _user_home(scope))


def _user_home(scope: ProfileScope) -> Path:
    return Path(base_of(scope).get("HOME") or scope.home.root)


def _look_around(scope: ProfileScope, workdir: str, anywhere: bool = False) -> Place | None:
    """Blocking; None when there is no such folder. ``anywhere``: the profile's home folder will do."""
    settings, paths = scope.config.terminal, scope.home
    home = choose_home(
        settings.home_mode, paths.terminal_home, _user_home(scope), own_exists=paths.terminal_home.is_dir()
    )
    folder = paths.root
    if not anywhere:
        usual = choose_folder(settings.cwd, paths, home, workspace_exists=paths.workspace.is_dir())
        folder = below(usual, workdir.strip(), home)
    if not folder.is_dir():
        return None
    shell = shutil.which("bash", path=base_of(scope).get("PATH")) or "/bin/sh"
    return Place(folder, home, shell)


def _init_lines(scope: ProfileScope, place: Place) -> str:
    """Shell code that reads ``terminal.shell_init_files``; those that are missing are passed over."""
    files = [below(scope.home.root, name, place.home) for name in scope.config.terminal.shell_init_files]
    return "".join(f"[ -r {shlex.quote(str(file))} ] && . {shlex.quote(str(file))}\n" for file in files)
