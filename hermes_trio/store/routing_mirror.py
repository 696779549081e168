"""The file ``sessions/sessions.json``: reading it and replacing it; blocking."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.errors import HomeError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

README: Final = (
    "A copy of the routing index for other programs to read. The original is the table gateway_routing in ../state.db; "
    "changes made here are not taken over for keys the table has."
)


def stamp_of(path: Path) -> str | None:
    """What changes when the file does; None when there is none.

    Raises:
        HomeError: The file cannot be looked at.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise _unusable(path, exc) from exc
    return f"{found.st_mtime_ns}:{found.st_size}:{found.st_ino}"


def read_mirror(path: Path) -> dict[str, object]:
    """The entries by session key; none when the file is missing or is not a JSON object.

    Raises:
        HomeError: The file cannot be read.
    """
    try:
        value = msgspec.json.decode(path.read_bytes())
    except (FileNotFoundError, msgspec.DecodeError):
        return {}
    except OSError as exc:
        raise _unusable(path, exc) from exc
    if not isinstance(value, dict):
        return {}
    return {key: entry for key, entry in value.items() if not key.startswith("_")}


def write_mirror(path: Path, entries: Mapping[str, object]) -> str:
    """Replace the file (mode 0600) in one step and return its `stamp_of`; makes its folder, never the home.

    Raises:
        HomeError: It cannot be written.
    """
    text = msgspec.json.format(msgspec.json.encode({"_README": README, **entries}), indent=2)
    passing = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            _write_new(passing, text)
            passing.replace(path)
        finally:
            passing.unlink(missing_ok=True)
        return stamp_of(path) or ""
    except OSError as exc:
        raise _unusable(path, exc) from exc


def _write_new(path: Path, text: bytes) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123  a descriptor, not a path
        file.write(text)


def _unusable(path: Path, exc: OSError) -> HomeError:
    return HomeError("cannot be used", where=str(path), found=str(exc), mend="let the gateway's user write its folder")
