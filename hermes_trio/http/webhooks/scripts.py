"""A route's script: a program of the operator that is asked about each delivery.

It lies below ``scripts/`` of the default profile's home, whose settings name it, also when the route is bound to
another profile: what lies in a profile's own folder may have been written by its agent, and would run here without
anybody's consent. It runs in the environment of the profile that the delivery is for.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from hermes_trio.errors import HermesTrioError
from hermes_trio.home.child_environment import Conversation
from hermes_trio.io.child_output import HeadAndTail
from hermes_trio.io.child_process import ChildCommand, ChildError, run_child
from hermes_trio.tools.terminal_launch import profile_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.scope import ProfileScope

OUTPUT_BYTES: Final = 200_000
_ERROR_BYTES: Final = 4000
_GRACE_SECONDS: Final = 1.0
_SILENT: Final = "[silent]"


class ScriptMissing(HermesTrioError):
    """A route's script is not there, or lies outside of ``scripts/``."""

    default_code = "webhook_script_missing"


@dataclass(frozen=True, slots=True)
class ScriptAnswer:
    """What a script said.

    Attributes:
        text: Its output; empty when the delivery is to be ignored.
        problem: Why it is ignored, for the log.
    """

    text: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """What is asked of a script.

    Attributes:
        folder: The folder ``scripts/`` of the default profile's home.
        name: The file, relative to it.
        payload: The delivery's payload.
        variables: What it is told besides.
        seconds: How long it may take.
    """

    folder: Path
    name: str
    payload: object
    variables: Mapping[str, str]
    seconds: float


def find_script(folder: Path, name: str) -> Path:
    """The file of a script; blocking.

    Args:
        folder: The folder ``scripts/``.
        name: As the route has it.

    Raises:
        ScriptMissing: There is no such file below the folder, links followed.
    """
    home = Path(os.path.realpath(folder))
    # Whatever way the name takes, links included, it has to end below the folder.
    path = Path(os.path.realpath(home / name.removeprefix("scripts/"))) if "\0" not in name else home
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except OSError:
        is_file = False
    if not is_file or not path.is_relative_to(home):
        raise ScriptMissing(
            "no such script", where=name[:200], expected=f"a file below {folder}", mend=f"put it into {folder}"
        )
    return path


async def run_script(scope: ProfileScope, call: ScriptCall) -> ScriptAnswer:
    """Ask a script about a delivery: payload as JSON on stdin, its word on stdout.

    No output, ``[SILENT]``, an exit status other than 0, too much output and too much time all mean: ignore it.

    Args:
        scope: The profile that the delivery is for.
        call: What is asked.

    Raises:
        ScriptMissing: It cannot be run.

    Cancellation: its processes are ended first, within 4 s.
    """
    path = await scope.run_blocking(find_script, call.folder, call.name)
    environment = {**await profile_environment(scope, Conversation(platform="webhook")), **call.variables}
    output, errors = HeadAndTail(OUTPUT_BYTES), HeadAndTail(_ERROR_BYTES)
    command = ChildCommand(_argv(path, environment), environment, path.parent, stdin=msgspec.json.encode(call.payload))
    deadline = trio.current_time() + call.seconds
    try:
        ended = await run_child(command, output, errors, deadline=deadline, grace=_GRACE_SECONDS)
    except ChildError as error:
        raise ScriptMissing(f"the script cannot be run: {error.problem}", where=call.name) from error
    if ended.timed_out:
        return ScriptAnswer(problem=f"took longer than {call.seconds:g} s")
    if ended.code != 0:
        return ScriptAnswer(problem=f"exit status {ended.code}: {' '.join(errors.text().split())[:300]}")
    if output.dropped:
        return ScriptAnswer(problem=f"said more than {OUTPUT_BYTES} bytes")
    text = output.text().strip()
    return ScriptAnswer() if text.casefold() == _SILENT else ScriptAnswer(text)


def _argv(path: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    """How a script is run: by its ending, else as the program that it is."""
    if path.suffix == ".py":
        return (sys.executable, str(path))
    if path.suffix in (".sh", ".bash"):
        return (shutil.which("bash", path=environment.get("PATH")) or "/bin/sh", str(path))
    return (str(path),)
