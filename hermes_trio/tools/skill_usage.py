"""Counts in ``skills/.usage.json`` how often skills are read and changed. Blocking."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.home.guarded_files import GuardedFiles
from hermes_trio.tools.file_changes import FileChange, apply_changes, read_state
from hermes_trio.tools.tool import ToolError

if TYPE_CHECKING:
    from pathlib import Path

    from hermes_trio.home.file_guard import FileGuard

USAGE_FILE: Final = ".usage.json"
USED: Final = "use"
VIEWED: Final = "view"
PATCHED: Final = "patch"
_ATTEMPTS: Final = 5
_PAST_TENSE: Final = (("use", "last_used_at"), ("view", "last_viewed_at"), ("patch", "last_patched_at"))


def count_usage(guard: FileGuard, skills: Path, name: str, what: str, at: float) -> None:
    """Count one use of a skill. What others keep in the file stays; a file that is not what we expect is left alone.

    Args:
        guard: The profile's file guard.
        skills: The profile's skills folder.
        name: The skill.
        what: `USED`, `VIEWED` or `PATCHED`.
        at: Seconds since the epoch.

    Raises:
        HermesTrioError: The file may not be written.
        OSError: It cannot be.
    """
    for attempt in range(_ATTEMPTS):
        files = GuardedFiles(guard)
        before = read_state(files, skills / USAGE_FILE)
        data = _counted(before.data, name, what, at)
        if data is None:
            return
        try:
            apply_changes(files, [FileChange(before, data)])
        except ToolError:  # somebody else has counted meanwhile
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def _counted(data: bytes | None, name: str, what: str, at: float) -> bytes | None:
    try:
        usage = msgspec.json.decode(data) if data else {}
    except msgspec.DecodeError:
        return None
    if not isinstance(usage, dict) or not isinstance(entry := usage.get(name, {}), dict):
        return None
    count = entry.get(f"{what}_count", 0)
    time = datetime.fromtimestamp(at, UTC).isoformat()
    times = dict(_PAST_TENSE)
    usage[name] = {**entry, f"{what}_count": (count if isinstance(count, int) else 0) + 1, times[what]: time}
    return msgspec.json.format(msgspec.json.encode(usage), indent=2) + b"\n"
