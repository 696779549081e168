"""Installs packages of npm that end-to-end tests run."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def install_package(folder: Path, package: str) -> str:
    """Install what a folder's lock file says, once, and return the path of ``node``; skips the test without npm.

    Args:
        folder: Where ``package.json`` and ``package-lock.json`` are.
        package: The package that shows by its version whether that has been done.
    """
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip(f"{package} needs node and npm")
    wanted = json.loads((folder / "package.json").read_text())["dependencies"][package]
    with (folder / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs at once would install into each other
        manifest = folder / "node_modules" / package / "package.json"
        if not manifest.exists() or json.loads(manifest.read_text())["version"] != wanted:
            command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return node
