"""Checks quickly whether a file that was written can be read by its language. Blocking, for small files only."""

from __future__ import annotations

import ast
import json
import tomllib
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

LARGEST: Final = 500_000
_LARGEST_SOURCE: Final = 100_000
"""Of Python and YAML: their readers are slow, and Python's lets nobody else run meanwhile (up to 1 ms a kilobyte)."""


def lint_file(path: Path, data: bytes) -> Mapping[str, str]:
    """Say whether a file is well-formed: ``status`` ok, error or skipped, and a ``message``."""
    check = _CHECKS.get(path.suffix.lower())
    if check is None:
        return {"status": "skipped", "message": f"no check for {path.suffix or 'such'} files"}
    if len(data) > (_LARGEST_SOURCE if check in (_check_yaml, _check_python) else LARGEST):
        return {"status": "skipped", "message": "too large to be checked"}
    problem = check(data)
    return {"status": "error", "message": problem} if problem else {"status": "ok", "message": ""}


def lint_files(written: Mapping[Path, bytes]) -> Mapping[str, str]:
    """The same for several files: the first problem, or whether any was checked."""
    results = [(path, lint_file(path, data)) for path, data in written.items()]
    for path, result in results:
        if result["status"] == "error":
            return {"status": "error", "message": f"{path.name}: {result['message']}"}
    checked = next((result for _, result in results if result["status"] == "ok"), None)
    return checked or (results[0][1] if results else {"status": "skipped", "message": "no file was written"})


def _check_python(data: bytes) -> str | None:
    try:
        ast.parse(data)
    except SyntaxError as exc:
        return f"line {exc.lineno}: {exc.msg}"
    except (ValueError, RecursionError, MemoryError) as exc:
        return str(exc) or "too deeply nested"
    return None


def _check_json(data: bytes) -> str | None:
    try:
        json.loads(data)
    except json.JSONDecodeError as exc:
        return f"line {exc.lineno} column {exc.colno}: {exc.msg}"
    except (ValueError, RecursionError) as exc:
        return str(exc)
    return None


def _check_toml(data: bytes) -> str | None:
    try:
        tomllib.loads(data.decode())
    except (ValueError, RecursionError) as exc:
        return str(exc)
    return None


def _check_yaml(data: bytes) -> str | None:
    """Reads events only: nothing is built, so no alias can blow it up."""
    try:
        for _ in yaml.parse(data, Loader=yaml.SafeLoader):
            pass
    except yaml.MarkedYAMLError as exc:
        line = f"line {exc.problem_mark.line + 1}: " if exc.problem_mark else ""
        return f"{line}{exc.problem}"
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        return str(exc).replace("\n", " ")
    return None


_CHECKS: Final[Mapping[str, Callable[[bytes], str | None]]] = MappingProxyType(
    {
        ".py": _check_python,
        ".pyi": _check_python,
        ".json": _check_json,
        ".toml": _check_toml,
        ".yaml": _check_yaml,
        ".yml": _check_yaml,
    }
)
