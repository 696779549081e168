"""Hooks that are commands: JSON on stdin, JSON on stdout, from ``hooks:`` in a profile's settings.

A command is split into words as a shell does but runs without one, in a session of its own and with a constructed
environment. Each must have been accepted: in ``shell-hooks-allowlist.json``, by ``hooks_auto_accept``, or by
``HERMES_ACCEPT_HOOKS`` of the profile.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from hermes_trio.home.scalars import to_boolean
from hermes_trio.home.text_file import read_text_file
from hermes_trio.io.child_output import HeadAndTail
from hermes_trio.io.child_process import ChildCommand, ChildError, run_child
from hermes_trio.tools.hook_events import (
    BEFORE_TOOL,
    TOOL_EVENTS,
    Block,
    HookError,
    find_block,
    is_event,
    suggest_event,
)

if TYPE_CHECKING:
    from hermes_trio.home.agent_config import ShellHookConfig
    from hermes_trio.home.config import ProfileConfig
    from hermes_trio.home.secrets import Secrets

ALLOWLIST: Final = "shell-hooks-allowlist.json"
BLOCKS: Final = 2
_OUTPUT_BYTES: Final = 256_000
_ERROR_BYTES: Final = 4000
_GRACE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class ShellHook:
    """A command attached to an event.

    Attributes:
        event: Name of the event.
        argv: Program and arguments.
        matcher: What a tool's name must match as a whole; None for all.
        seconds: Deadline of one run.
        fail_closed: Whether its failure blocks.
    """

    event: str
    argv: tuple[str, ...]
    matcher: re.Pattern[str] | None
    seconds: float
    fail_closed: bool = False

    def matches(self, tool: str) -> bool:
        """Tell whether it wants to hear of this tool."""
        return self.matcher is None or self.matcher.fullmatch(tool) is not None

    def __str__(self) -> str:
        return f"hook {self.event} ({Path(self.argv[0]).name})"


@dataclass(frozen=True, slots=True)
class HookPlace:
    """Where the commands of a profile's hooks run.

    Attributes:
        folder: Working directory when the turn has none.
        environment: The whole environment.
    """

    folder: Path
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShellAnswer:
    """What a command said.

    Attributes:
        values: The JSON object on its stdout; empty when there is none.
        block: Whether it blocks.
        problem: What went wrong, or empty.
    """

    values: Mapping[str, object] = field(default_factory=dict)
    block: Block | None = None
    problem: str = ""


def load_shell_hooks(
    config: ProfileConfig, profile: str, root: Path, secrets: Secrets, place: HookPlace
) -> tuple[ShellHook, ...]:
    """Check and prepare the hooks of a profile's settings; blocking.

    Raises:
        HookError: One cannot work or was never accepted.
    """
    if not config.hooks:
        return ()
    allowlist = root / ALLOWLIST
    accepted = None if _accepts_all(config, secrets) else _read_accepted(allowlist, profile)
    found = []
    for number, hook in enumerate(config.hooks, 1):
        where = f"config.yaml hooks.{hook.event} (hook {number})"
        found.append(_load(hook, profile, where, place))
        if accepted is not None and (hook.event, hook.command) not in accepted:
            entry = json.dumps({"event": hook.event, "command": hook.command})
            raise HookError(
                "this command has not been accepted",
                profile=profile,
                where=where,
                mend=f'add {entry} to the list "approvals" in {allowlist}, or set hooks_auto_accept: true',
            )
    return tuple(found)


def _accepts_all(config: ProfileConfig, secrets: Secrets) -> bool:
    try:
        return config.hooks_auto_accept or to_boolean(secrets.get("HERMES_ACCEPT_HOOKS") or False)
    except ValueError:
        return False


def _read_accepted(path: Path, profile: str) -> frozenset[tuple[str, str]]:
    """``{"approvals": [{"event", "command", ...}]}``; what else is in the file is others' business."""
    text = read_text_file(path, HookError, profile)
    if text is None:
        return frozenset()
    try:
        values = json.loads(text)
    except ValueError as exc:
        raise HookError("not valid JSON", profile=profile, where=str(path), found=str(exc)) from None
    entries = values.get("approvals") if isinstance(values, dict) else None
    return frozenset(
        (str(entry.get("event")), str(entry.get("command")))
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict)
    )


def _load(hook: ShellHookConfig, profile: str, where: str, place: HookPlace) -> ShellHook:
    def refuse(problem: str, expected: str | None = None) -> HookError:
        return HookError(problem, profile=profile, where=where, expected=expected)

    if not is_event(hook.event):
        raise refuse("there is no such event", suggest_event(hook.event))
    try:
        words = shlex.split(hook.command)
    except ValueError as exc:
        raise refuse(f"the command cannot be split into words: {exc}") from None
    matcher = None
    if hook.matcher:
        if hook.event not in TOOL_EVENTS:
            raise refuse("a matcher makes sense at pre_tool_call and post_tool_call only")
        try:
            matcher = re.compile(hook.matcher)
        except re.error as exc:
            raise refuse(f"the matcher is no regular expression: {exc}") from None
    program = _find_program(words[0], place) if words else None
    if program is None:
        raise refuse(f"the program {words[0] if words else ''!r} is not there or cannot be run", "an executable file")
    home = place.environment.get("HOME", "")
    argv = (program, *(_expand(word, home) for word in words[1:]))
    return ShellHook(hook.event, argv, matcher, hook.timeout, hook.fail_closed)


def _find_program(word: str, place: HookPlace) -> str | None:
    path = _expand(word, place.environment.get("HOME", ""))
    if "/" not in path:
        return shutil.which(path, path=place.environment.get("PATH", os.defpath))
    found = place.folder / path
    return str(found) if found.is_file() and os.access(found, os.X_OK) else None


def _expand(word: str, home: str) -> str:
    return home + word[1:] if word == "~" or word.startswith("~/") else word


async def run_shell_hook(hook: ShellHook, context: Mapping[str, object], place: HookPlace) -> ShellAnswer:
    """Run a command with an event's context; what goes wrong is in the answer.

    A ``pre_tool_call`` hook blocks with exit status 2, too; its stderr says why. So does the failure of one that is
    ``fail_closed``.

    Args:
        hook: The command.
        context: ``tool_name``, ``tool_input``, ``session_id``, ``cwd`` and whatever else belongs to the event.
        place: Where it runs.

    Cancellation: its processes are ended first, within 4 s.
    """
    answer = await _run(hook, context, place)
    if answer.problem and hook.fail_closed and hook.event == BEFORE_TOOL and answer.block is None:
        return replace(answer, block=Block("the hook that guards this tool failed"))
    return answer


async def _run(hook: ShellHook, context: Mapping[str, object], place: HookPlace) -> ShellAnswer:
    output, errors = HeadAndTail(_OUTPUT_BYTES), HeadAndTail(_ERROR_BYTES)
    folder = await _folder(context, place)
    given = _payload(hook.event, context)
    command = ChildCommand(hook.argv, place.environment, folder, stdin=given, daemons=True)
    try:
        ended = await run_child(
            command, output, errors, deadline=trio.current_time() + hook.seconds, grace=_GRACE_SECONDS
        )
    except ChildError as error:
        return ShellAnswer(problem=str(error))
    said = " ".join(errors.text().split())
    if ended.timed_out:
        return ShellAnswer(problem=f"took longer than {hook.seconds:g} s")
    if ended.code == BLOCKS and hook.event == BEFORE_TOOL:
        return ShellAnswer(block=find_block({"decision": "block", "reason": said}))
    values = _parse(output.text())
    if ended.code != 0:
        return ShellAnswer(block=find_block(values), problem=f"exit status {ended.code}: {said[:300]}")
    return ShellAnswer(values, find_block(values))


async def _folder(context: Mapping[str, object], place: HookPlace) -> Path:
    cwd = context.get("cwd")
    if isinstance(cwd, str) and cwd and await trio.Path(cwd).is_dir():
        return Path(cwd)
    return place.folder


def _payload(event: str, context: Mapping[str, object]) -> bytes:
    named = ("tool_name", "tool_input", "session_id", "cwd")
    values = {
        "hook_event_name": event,
        "tool_name": context.get("tool_name"),
        "tool_input": context.get("tool_input"),
        "session_id": context.get("session_id", ""),
        "cwd": context.get("cwd", ""),
        "extra": {key: value for key, value in context.items() if key not in named},
    }
    return msgspec.json.encode(values, enc_hook=_plain)


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _parse(text: str) -> Mapping[str, object]:
    try:
        values = json.loads(text) if text.lstrip().startswith("{") else {}
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
