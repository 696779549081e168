"""Hooks that are Python functions: ``hooks/<folder>/HOOK.yaml`` and ``handler.py`` in a profile's home.

A handler's module belongs to one generation of one profile. It is compiled from its text (no byte code is left in the
user's folder) under a name that nobody else can have, and forgotten at the end.

Handlers always run in a worker thread, the asynchronous ones on an event loop of their own: they are written for
Hermes, where they may block, and must not hold up other profiles here.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.errors import ConfigError
from hermes_trio.home.section import Origin, Section
from hermes_trio.home.text_file import read_text_file
from hermes_trio.home.yaml_source import parse_yaml
from hermes_trio.tools.hook_events import BEFORE_MODEL, HookError, is_event, suggest_event

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

MANIFEST: Final = "HOOK.yaml"
HANDLER: Final = "handler.py"
USUAL_SECONDS: Final = 60.0
LONGEST_SECONDS: Final = 300.0
THREADS: Final = 4

Handle = Callable[[str, Mapping[str, object]], object]


@dataclass(frozen=True, slots=True)
class PythonHook:
    """A handler and the events it wants.

    Attributes:
        name: For people.
        events: Exact names, or ``<base>:*``.
        handle: ``handle(event, context)``, plain or asynchronous.
        seconds: Deadline of one call.
        module: The module it lives in.
    """

    name: str
    events: frozenset[str]
    handle: Handle
    seconds: float
    module: str

    def wants(self, event: str) -> bool:
        """Tell whether it wants to hear of this event."""
        return event in self.events or f"{event.partition(':')[0]}:*" in self.events

    def __str__(self) -> str:
        return f"hook {self.name}"


@dataclass(frozen=True, slots=True)
class LoadedHooks:
    """What was found in a profile's ``hooks/``.

    Attributes:
        hooks: In the order of their folders' names.
        remarks: What the user should know, for the log.
    """

    hooks: tuple[PythonHook, ...] = ()
    remarks: tuple[str, ...] = ()

    def forget(self) -> None:
        """Let go of the modules."""
        for hook in self.hooks:
            sys.modules.pop(hook.module, None)


def load_python_hooks(folder: Path, profile: str, owner: str) -> LoadedHooks:
    """Load all handlers of a profile; blocking, runs the users' modules. No folder, no hooks.

    Args:
        folder: The profile's ``hooks/``.
        profile: Its name, for errors.
        owner: Names this loading, unlike any other in this process.

    Raises:
        HookError: One cannot be loaded; then none is.
    """
    loaded: list[PythonHook] = []
    remarks: list[str] = []
    try:
        for place in _folders(folder, profile):
            hook = _load(place, profile, owner, remarks)
            if hook is not None:
                loaded.append(hook)
    except BaseException:
        LoadedHooks(tuple(loaded)).forget()
        raise
    return LoadedHooks(tuple(loaded), tuple(remarks))


def _folders(folder: Path, profile: str) -> list[Path]:
    try:
        return sorted(place for place in folder.iterdir() if (place / MANIFEST).exists())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as exc:
        raise HookError(f"cannot be read: {exc.strerror}", profile=profile, where=str(folder)) from exc


def _load(place: Path, profile: str, owner: str, remarks: list[str]) -> PythonHook | None:
    manifest = _read_manifest(place / MANIFEST, profile)
    try:
        events = manifest.texts("events")
        seconds = manifest.optional_number("timeout", minimum=0, maximum=LONGEST_SECONDS) or USUAL_SECONDS
        name = manifest.text("name").strip() or place.name
    except ConfigError as exc:
        raise _translate(exc) from None
    unknown = [event for event in events if not is_event(event)]
    if not events:
        remarks.append(f"{place / MANIFEST} names no events; this hook never runs")
        return None
    if len(unknown) == len(events):
        raise HookError(
            f"there is no event {unknown[0]!r}",
            profile=profile,
            where=f"{place / MANIFEST} events",
            expected=suggest_event(unknown[0]),
        )
    remarks += [f"{place / MANIFEST}: there is no event {event!r}; the others count" for event in unknown]
    module = _run_module(place / HANDLER, f"hermes_trio_hook_{owner}_{place.name}", profile)
    handle = getattr(module, "handle", None)
    if not callable(handle):
        sys.modules.pop(module.__name__, None)
        raise HookError("has no function handle(event_type, context)", profile=profile, where=str(place / HANDLER))
    return PythonHook(name, frozenset(events), handle, seconds, module.__name__)


def _read_manifest(path: Path, profile: str) -> Section:
    try:
        text = read_text_file(path, HookError, profile) or ""
        document = parse_yaml(text, path, profile, lambda _path, written: written)
    except ConfigError as exc:
        raise _translate(exc) from None
    return Section(Origin(path, profile, document.lines, document.spellings), document.values, "")


def _translate(exc: ConfigError) -> HookError:
    return HookError(
        exc.problem, profile=exc.profile, where=exc.where, found=exc.found, expected=exc.expected, mend=exc.mend
    )


def _run_module(path: Path, name: str, profile: str) -> ModuleType:
    text = read_text_file(path, HookError, profile)
    if text is None:
        raise HookError("there is no such file", profile=profile, where=str(path))
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses and pickle look their module up; the name is nobody else's
    try:
        code = compile(text, str(path), "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102  the user's own handler, as the user's settings say
    except BaseException as exc:  # whatever a user's module raises is the reason why it cannot be loaded
        sys.modules.pop(name, None)
        where = f"{path}:{_line_in(path, exc)}"
        raise HookError(f"cannot be imported: {type(exc).__name__}: {exc}", profile=profile, where=where) from exc
    return module


def _line_in(path: Path, exc: BaseException) -> int:
    if isinstance(exc, SyntaxError) and exc.lineno:
        return exc.lineno
    frames = [frame for frame in traceback.extract_tb(exc.__traceback__) if frame.filename == str(path)]
    return (frames[-1].lineno if frames else None) or 1


async def run_python_hook(
    hook: PythonHook, event: str, context: Mapping[str, object], threads: trio.CapacityLimiter
) -> Mapping[str, object]:
    """Call a handler; gives the mapping it returns, an empty one for anything else.

    A text that it returns stands for ``{"text": ...}``, at ``pre_llm_call`` for ``{"context": ...}``.

    Args:
        hook: The handler.
        event: What happened.
        context: What it is told; it gets a copy.
        threads: Bounds the threads that this profile's handlers use.

    Raises:
        trio.TooSlowError: It took too long. Its thread goes on by itself and counts against ``threads`` until it ends.
        Exception: Whatever the handler raises.

    Cancellation: the handler is left alone likewise.
    """
    with trio.fail_after(hook.seconds):
        # Nobody can end a thread of foreign code, so it must be possible to leave one behind: not `Workers.run`.
        answer = await trio.to_thread.run_sync(
            _call, hook, event, dict(context), abandon_on_cancel=True, limiter=threads
        )
    if isinstance(answer, str):
        return {"context" if event == BEFORE_MODEL else "text": answer}
    return answer if isinstance(answer, Mapping) else {}


def _call(hook: PythonHook, event: str, context: Mapping[str, object]) -> object:
    try:
        answer = hook.handle(event, context)
        return _run_to_end(hook, answer) if inspect.isawaitable(answer) else answer
    except Exception:
        raise
    except BaseException as exc:  # `sys.exit()` here would end the gateway, and with it all other profiles
        raise RuntimeError(f"the handler raised {type(exc).__name__}: {exc}") from exc


def _run_to_end(hook: PythonHook, answer: Awaitable[object]) -> object:
    """A handler whose module imports trio runs on trio, all others on what Hermes itself runs on."""

    async def wait() -> object:
        return await answer

    if isinstance(getattr(sys.modules.get(hook.module), "trio", None), ModuleType):
        return trio.run(wait)
    import asyncio  # noqa: TID251  in the handler's own thread, for the handler alone; 40 ms that few need

    return asyncio.run(asyncio.wait_for(wait(), hook.seconds))
