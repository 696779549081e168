"""What an adapter might leave behind, keep in its modules, or read from the environment."""

from __future__ import annotations

import ast
import contextlib
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

_DEEPEST: Final = 6
_CORE: Final = "hermes_trio."
_LIVE: Final = (trio.Event, trio.Lock, trio.CapacityLimiter, trio.Semaphore)
_AMBIENT: Final = frozenset({"ContextVar", "_local"})  # by name: whoever imports these modules seems to use them


def system_tasks() -> list[str]:
    """Names of trio's system tasks, in which an adapter could hide work from everybody."""
    root = trio.lowlevel.current_root_task()
    nurseries = root.child_nurseries if root is not None else []
    return sorted(task.name for nursery in nurseries for task in nursery.child_tasks)


def threads() -> list[str]:
    """Names of threads that are no idle workers of trio's."""
    return sorted(thread.name for thread in threading.enumerate() if not thread.name.startswith("Trio thread"))


def open_descriptors() -> int:
    """How many file descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def modules_of(packages: Sequence[str]) -> dict[str, ModuleType]:
    """The loaded modules of packages, by name."""
    return {name: module for name, module in sys.modules.items() if _belongs(name, packages)}


def contents_of(packages: Sequence[str]) -> dict[str, str]:
    """A description of everything that the modules of packages hold, classes and caches included."""
    found: dict[str, str] = {}
    for name, module in modules_of(packages).items():
        for key, value in vars(module).items():
            if not key.startswith("__"):
                found[f"{name}.{key}"] = _describe(value, packages, _DEEPEST)
    return found


def live_objects_of(packages: Sequence[str]) -> list[str]:
    """Names of what cannot be shared between profiles but stands in modules: locks, events, context variables."""
    return [
        f"{name}.{key}"
        for name, module in modules_of(packages).items()
        for key, value in vars(module).items()
        if isinstance(value, _LIVE) or type(value).__name__ in _AMBIENT
    ]


def readers_of_environment(packages: Sequence[str]) -> list[str]:
    """Places in the sources of packages that name the process environment."""
    names = {"environ", "environb", "getenv", "getenvb"}
    return [
        f"{name}:{node.lineno}"
        for name, module in modules_of(packages).items()
        if module.__file__ is not None
        for node in ast.walk(ast.parse(Path(module.__file__).read_bytes()))
        if (isinstance(node, ast.Attribute) and node.attr in names)
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and {each.name for each in node.names} & names)
    ]


@contextlib.contextmanager
def guarded_environment(packages: Sequence[str], poison: Mapping[str, str]) -> Iterator[list[str]]:
    """Let the environment hold other values, and note when code of packages reads it, be it through a library.

    What the core does on an adapter's behalf is the core's business.

    Yields:
        Where it was read, with the name; filled as it happens.
    """
    real, found = vars(os)["environ"], list[str]()

    def note(key: object) -> None:
        if place := _reader(packages):
            found.append(f"{place} reads {key!r}")

    vars(os)["environ"] = _Watched({**real, **poison}, note)
    try:
        yield found
    finally:
        vars(os)["environ"] = real


class _Watched(dict[str, str]):
    """An environment that tells who reads it."""

    def __init__(self, values: Mapping[str, str], note: Callable[[object], None]) -> None:
        super().__init__(values)
        self._note = note

    def __getitem__(self, key: str) -> str:
        self._note(key)
        return super().__getitem__(key)

    def get(self, key: str, default: object = None) -> str | None:  # type: ignore[override]
        self._note(key)
        return super().get(key, default)  # type: ignore[arg-type]

    def __contains__(self, key: object) -> bool:
        self._note(key)
        return super().__contains__(key)

    def __iter__(self) -> Iterator[str]:
        self._note("everything")
        return super().__iter__()

    def copy(self) -> dict[str, str]:
        self._note("everything")
        return super().copy()


def _reader(packages: Sequence[str]) -> str:
    """The nearest place of packages below the reading of a variable, unless the core stands between them."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001  there is no other way to see who calls
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if _belongs(name, packages):
            return f"{name}:{frame.f_lineno}"
        if name.startswith(_CORE) and not name.startswith(__name__):
            return ""
        frame = frame.f_back
    return ""


def _belongs(name: str, packages: Sequence[str]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def _describe(value: object, packages: Sequence[str], depth: int) -> str:
    """A text that differs when a value has changed."""
    if depth == 0 or isinstance(value, ModuleType):
        return type(value).__name__
    if isinstance(value, str | bytes | int | float | bool | None):
        return repr(value)
    if isinstance(value, Mapping):
        parts = (
            f"{_describe(key, packages, depth - 1)}: {_describe(each, packages, depth - 1)}"
            for key, each in value.items()
        )
        return f"{{{', '.join(sorted(parts))}}}"
    if isinstance(value, Sequence | set | frozenset):
        return f"[{', '.join(sorted(_describe(each, packages, depth - 1) for each in value))}]"
    if (cache := getattr(value, "cache_info", None)) is not None:
        return f"a cache of {cache().currsize}"
    if isinstance(value, FunctionType):
        return _describe((value.__defaults__ or (), vars(value)), packages, depth - 1)
    module = value.__module__ if isinstance(value, type) else type(value).__module__
    if _belongs(str(module), packages):
        return f"{_name(value)} {_describe(_attributes(value), packages, depth - 1)}"
    return _name(value)


def _name(value: object) -> str:
    return value.__qualname__ if isinstance(value, type) else f"a {type(value).__qualname__}"


def _attributes(value: object) -> dict[str, object]:
    found: dict[str, object] = {
        key: each for key, each in getattr(value, "__dict__", {}).items() if not key.startswith("__")
    }
    if not isinstance(value, type):
        slots = (slot for kind in type(value).__mro__ for slot in getattr(kind, "__slots__", ()))
        found |= {slot: getattr(value, slot) for slot in slots if hasattr(value, slot)}
    return found
