"""The rig that all tests share: canary secrets and a recorder of what the process opens and starts."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

OPENING = frozenset({"open", "sqlite3.connect", "os.mkdir", "os.rename", "os.remove", "os.listdir", "os.scandir"})
STARTING = frozenset(
    {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.system"}
)


def canary(profile: str, key: str) -> str:
    """A secret value that says whose it is when it turns up in the wrong place."""
    return f"CANARY_{profile}_{key}_0123456789"


@dataclass
class Recorder:
    """What happened in this process while it was recording."""

    recording: bool = False
    paths: list[Path] = field(default_factory=list)
    processes: list[tuple[object, ...]] = field(default_factory=list)

    def hear(self, event: str, args: tuple[object, ...]) -> None:
        """The audit hook (PEP 578); hooks cannot be removed, so one is installed and switched."""
        if not self.recording:
            return
        if event in OPENING and args and isinstance(args[0], str | bytes | os.PathLike):
            self.paths.append(Path(os.fsdecode(args[0])))
        elif event in STARTING:
            self.processes.append((event, *args))

    def under(self, folder: Path) -> list[Path]:
        """The recorded paths below a folder."""
        return [path for path in self.paths if path.is_relative_to(folder)]


RECORDER = Recorder()
sys.addaudithook(RECORDER.hear)
