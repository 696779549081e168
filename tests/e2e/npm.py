"""Packages of npm that tests talk to: installed from their lock files when they are first needed."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def install(folder: Path, package: str) -> Path:
    """Install what a folder's lock file says, once; the folder of one package of it.

    Args:
        folder: The folder with ``package.json`` and ``package-lock.json``.
        package: The package that tells whether the installed version is the wanted one.
    """
    npm = shutil.which("npm")
    assert npm is not None, "these tests need npm"
    wanted = json.loads((folder / "package.json").read_text())["dependencies"][package]
    installed = folder / "node_modules" / package
    with (folder / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs at once would install into each other
        manifest = installed / "package.json"
        if not manifest.exists() or json.loads(manifest.read_text())["version"] != wanted:
            command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return installed
