"""The hooks of one profile: what they hear of, and what they may block. No hook ever runs for another profile."""

from __future__ import annotations

import os
import pwd
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.home.child_environment import Conversation, child_environment, choose_home
from hermes_trio.tools.hook_events import AFTER_TOOL, BEFORE_TOOL, NEVER, TOOL_EVENTS, Block, HookError, find_block
from hermes_trio.tools.hook_python import THREADS, LoadedHooks, load_python_hooks, run_python_hook
from hermes_trio.tools.hook_shell import HookPlace, ShellHook, load_shell_hooks, run_shell_hook
from hermes_trio.tools.output import map_texts, secrets_redactor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.hook_python import PythonHook

__all__ = ["Block", "HookError", "HookOutcome", "Hooks", "load_hooks", "open_hooks"]

#: Commands of hooks that one profile runs at once.
COMMANDS: Final = 8
LONGEST_RESULT: Final = 50_000


@dataclass(frozen=True, slots=True)
class HookOutcome:
    """What the hooks of an event said.

    Attributes:
        answers: The mappings they gave, in order.
        block: The first one's word that it must not be done.
        failures: What went wrong in those that failed, for people; they have been logged.
    """

    answers: tuple[Mapping[str, object], ...] = ()
    block: Block | None = None
    failures: tuple[str, ...] = ()

    @property
    def context(self) -> tuple[str, ...]:
        """Texts for the model."""
        return tuple(text for answer in self.answers if isinstance(text := answer.get("context"), str) and text)

    @property
    def text(self) -> str | None:
        """What is to take the place of the text that the hooks were shown; the first one's word counts."""
        return next((text for answer in self.answers if isinstance(text := answer.get("text"), str)), None)


_NOTHING: Final = HookOutcome()


class Hooks:
    """The hooks of one generation of a profile. Where nobody listens to an event, nothing happens, not even a wait.

    A hook that fails, or takes too long, is logged and otherwise ignored.

    Args:
        scope: The profile.
        python: Its handlers.
        shell: Its commands.
        place: Where the commands run.
    """

    def __init__(
        self, scope: ProfileScope, python: LoadedHooks, shell: tuple[ShellHook, ...], place: HookPlace
    ) -> None:
        self._scope = scope
        self._python = python
        self._shell = shell
        self._place = place
        self._exist = bool(shell or python.hooks)
        self._threads = trio.CapacityLimiter(THREADS)
        self._commands = trio.CapacityLimiter(COMMANDS)

    def listens(self, event: str) -> bool:
        """Tell whether any hook wants to hear of this event."""
        if not self._exist:
            return False  # asked a dozen times in a turn
        return any(hook.event == event for hook in self._shell) or any(hook.wants(event) for hook in self._python.hooks)

    async def fire(self, event: str, context: Mapping[str, object]) -> HookOutcome:
        """Tell the hooks of an event, one after the other; after one that blocks the others are not told any more.

        Args:
            event: Its name.
            context: What they are told; for events of tools with ``tool_name`` and ``tool_input``.

        Cancellation: commands are ended, handlers left alone.
        """
        if not self.listens(event):
            return _NOTHING
        answers: list[Mapping[str, object]] = []
        failures: list[str] = []
        for handler in (hook for hook in self._python.hooks if hook.wants(event)):
            answer, failure = await self._call(handler, event, context)
            answers.append(answer)
            failures.append(failure)
            if block := find_block(answer):
                return HookOutcome(tuple(answers), block)
        for command in self._commands_for(event, context):
            answer, failure, found = await self._run(command, context)
            answers.append(answer)
            failures.append(failure)
            if found:
                return HookOutcome(tuple(answers), found)
        return HookOutcome(tuple(filter(None, answers)), failures=tuple(filter(None, failures)))

    async def tell(self, event: str, context: Mapping[str, object]) -> HookOutcome:
        """Do the same as `fire`, with the profile's secrets blackened in everything that the hooks are told."""
        redact = secrets_redactor(self._scope)
        return await self.fire(event, {name: map_texts(value, redact) for name, value in context.items()})

    async def before_tool(
        self, name: str, arguments: Mapping[str, object], *, session_id: str = "", cwd: str = ""
    ) -> Block | None:
        """Ask the ``pre_tool_call`` hooks whether a tool may be called; None if none objects."""
        if not self.listens(BEFORE_TOOL):
            return None
        outcome = await self.fire(BEFORE_TOOL, _tool_context(name, arguments, session_id, cwd))
        if outcome.block is not None:
            self._log(f"a hook blocked {name}: {outcome.block.reason}")
        return outcome.block

    async def after_tool(
        self, name: str, arguments: Mapping[str, object], result: str, *, session_id: str = "", cwd: str = ""
    ) -> None:
        """Tell the ``post_tool_call`` hooks what a tool gave."""
        if self.listens(AFTER_TOOL):
            context = _tool_context(name, arguments, session_id, cwd)
            await self.fire(AFTER_TOOL, {**context, "result": result[:LONGEST_RESULT]})

    def close(self) -> None:
        """Let go of the handlers' modules."""
        self._python.forget()

    def _commands_for(self, event: str, context: Mapping[str, object]) -> list[ShellHook]:
        tool = str(context.get("tool_name", ""))
        return [
            hook for hook in self._shell if hook.event == event and (event not in TOOL_EVENTS or hook.matches(tool))
        ]

    async def _call(
        self, hook: PythonHook, event: str, context: Mapping[str, object]
    ) -> tuple[Mapping[str, object], str]:
        failure = ""
        try:
            return await run_python_hook(hook, event, context, self._threads), failure
        except trio.TooSlowError:
            failure = f"{hook} took longer than {hook.seconds:g} s at {event}; it is not waited for"
        except Exception as error:  # noqa: BLE001  a user's handler may raise anything, and that must not end the turn
            failure = f"{hook} failed at {event}: {type(error).__name__}: {error}"
        self._warn(failure)
        return {}, failure

    async def _run(
        self, hook: ShellHook, context: Mapping[str, object]
    ) -> tuple[Mapping[str, object], str, Block | None]:
        async with self._commands:
            answer = await run_shell_hook(hook, context, self._place)
        failure = f"{hook} failed: {answer.problem}" if answer.problem else ""
        if failure:
            self._warn(failure)
        return answer.values, failure, answer.block

    def _warn(self, message: str) -> None:
        self._scope.log.bind(component="hooks").warning(message)

    def _log(self, message: str) -> None:
        self._scope.log.bind(component="hooks").info(message)


def _tool_context(name: str, arguments: Mapping[str, object], session_id: str, cwd: str) -> dict[str, object]:
    return {"tool_name": name, "tool_input": dict(arguments), "session_id": session_id, "cwd": cwd}


async def load_hooks(scope: ProfileScope, base: Mapping[str, str] = MappingProxyType({})) -> Hooks:
    """Load all hooks of a profile; its owner calls `Hooks.close` at the end.

    Args:
        scope: The profile.
        base: The gateway's own environment, of which commands get a few variables.

    Raises:
        HookError: One is configured but cannot be loaded; no hook is silently left out.
    """
    owner = f"{scope.name}_{scope.generation}_{uuid.uuid4().hex}"
    place = await scope.run_blocking(_find_place, scope, base)
    shell = await scope.run_blocking(load_shell_hooks, scope.config, scope.name, scope.home.root, scope.secrets, place)
    python = await scope.run_blocking(load_python_hooks, scope.home.hooks, scope.name, owner)
    hooks = Hooks(scope, python, shell, place)
    unheard = [f"there is a hook for {event}, which never happens here" for event in NEVER if hooks.listens(event)]
    for remark in (*python.remarks, *unheard):
        scope.log.bind(component="hooks").warning(remark)
    return hooks


@asynccontextmanager
async def open_hooks(scope: ProfileScope, base: Mapping[str, str] = MappingProxyType({})) -> AsyncIterator[Hooks]:
    """Own a profile's hooks; see `load_hooks`."""
    hooks = await load_hooks(scope, base)
    try:
        yield hooks
    finally:
        hooks.close()


def _find_place(scope: ProfileScope, base: Mapping[str, str]) -> HookPlace:
    paths, terminal = scope.home, scope.config.terminal
    user = Path(base.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir)
    home = choose_home(terminal.home_mode, paths.terminal_home, user, own_exists=paths.terminal_home.is_dir())
    environment = child_environment(base, scope.name, paths, scope.secrets, terminal, home, Conversation())
    return HookPlace(paths.root, MappingProxyType(environment))
