"""Profiles with hooks: real files, real processes and threads where a test asks for them."""

from __future__ import annotations

import json
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from hermes_trio.home.settings import load_profile_settings
from hermes_trio.io.clock import FixedClock
from hermes_trio.io.log import open_log_writer
from hermes_trio.io.workers import ThreadWorkers
from hermes_trio.scope import ProfileScope, make_shared, open_scope
from hermes_trio.store.schema import prepare
from hermes_trio.testing.home import ProfileFiles, write_home

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from hermes_trio.home.paths import HomePaths

BASE = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/home/launcher", "LAUNCHER_SECRET": "CANARY_launcher"}


def put_handler(
    home: HomePaths, profile: str, folder: str, code: str, manifest: str = "events: [agent:start]\n"
) -> Path:
    """Write a gateway hook into a profile's home."""
    place = home.profile(profile).hooks / folder
    place.mkdir(parents=True)
    (place / "HOOK.yaml").write_text(manifest)
    (place / "handler.py").write_text(code)
    return place


def put_script(folder: Path, name: str, code: str) -> Path:
    """Write an executable Python script."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{code}\n")
    path.chmod(0o700)
    return path


def hooks_config(*hooks: tuple[str, str], **options: object) -> Mapping[str, object]:
    """Settings with accepted shell hooks: event and command each."""
    found: dict[str, list[object]] = {}
    for event, command in hooks:
        found.setdefault(event, []).append({"command": command, **options})
    return {"model": "builtin/echo", "hooks": found, "hooks_auto_accept": True}


def accept(home: HomePaths, profile: str, *hooks: tuple[str, str]) -> None:
    """Write what the user has accepted."""
    entries = [{"event": event, "command": command, "approved_at": "2026-01-01T00:00:00Z"} for event, command in hooks]
    (home.profile(profile).root / "shell-hooks-allowlist.json").write_text(json.dumps({"approvals": entries}))


def make_home(
    root: Path, configs: Mapping[str, Mapping[str, object]], env: Mapping[str, str] | None = None
) -> HomePaths:
    """A home whose profiles have these settings."""
    return write_home(root, {name: ProfileFiles(config=config, env=env or {}) for name, config in configs.items()})


@asynccontextmanager
async def open_scopes(home: HomePaths, *names: str) -> AsyncIterator[list[ProfileScope]]:
    """Open profiles of a home."""
    clock, workers = FixedClock(), ThreadWorkers()
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(open_log_writer(workers, clock))
        shared = make_shared(writer, workers=workers, clock=clock)
        yield [
            await stack.enter_async_context(open_scope(load_profile_settings(home, name, {}), 1, shared, prepare))
            for name in names
        ]


def log_of(scope: ProfileScope) -> str:
    """What the profile's log says; complete after the scope's end."""
    return (scope.home.logs / "agent.log").read_text()
