"""A profile's scope with a real database and nothing else, for tests of the store."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import trio

from hermes_trio.home.paths import ProfilePaths
from hermes_trio.io.clock import FixedClock
from hermes_trio.io.database import Database, OpenDatabases, open_database
from hermes_trio.io.workers import InlineWorkers
from hermes_trio.store.schema import prepare

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@dataclass
class Log:
    warnings: list[str] = field(default_factory=list)

    def warning(self, message: str, **extra: object) -> None:
        self.warnings.append(message)


@dataclass
class StoreScope:
    """What the store uses of a `ProfileScope`."""

    name: str
    home: ProfilePaths
    db: Database
    clock: FixedClock = field(default_factory=FixedClock)
    log: Log = field(default_factory=Log)
    config: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(timezone=""))

    async def run_blocking(self, fn: Any, *args: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return fn(*args)


@asynccontextmanager
async def open_store(home: Path, name: str = "default") -> AsyncIterator[Any]:
    """The scope of a profile whose home is ``home``, in the calling task: usable on a mock clock."""
    paths = ProfilePaths(home)
    async with open_database(paths.state_db, prepare, name, OpenDatabases(), InlineWorkers()) as db:
        yield StoreScope(name, paths, db)
