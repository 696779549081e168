"""Profiles with bots, on a clock that the test moves; blocking work runs in the calling task."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hermes_trio.access.pairing_places import pairing_places
from hermes_trio.home.platform_config import AccessConfig, PlatformConfig
from hermes_trio.home.settings import load_profile_settings
from hermes_trio.io.clock import FixedClock
from hermes_trio.io.log import open_log_writer
from hermes_trio.io.workers import InlineWorkers
from hermes_trio.routing.source import MessageSource
from hermes_trio.scope import ProfileScope, make_shared, open_scope
from hermes_trio.store.schema import prepare
from hermes_trio.testing.home import ProfileFiles, write_home

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from hermes_trio.access.pairing_places import PairingPlaces
    from hermes_trio.home.paths import HomePaths


@dataclass
class Bots:
    """Some profiles of one home, each with a bot."""

    home: HomePaths
    clock: FixedClock
    scopes: Mapping[str, ProfileScope]

    def __getitem__(self, profile: str) -> ProfileScope:
        return self.scopes[profile]

    def places(self, profile: str) -> PairingPlaces:
        return pairing_places(profile, self.home.profile(profile))

    def log_of(self, profile: str) -> str:
        folder = self.home.profile(profile).logs
        return "".join(path.read_text() for path in folder.glob("*.log"))


@asynccontextmanager
async def open_bots(root: Path, rules: Mapping[str, AccessConfig], platform: str = "telegram") -> AsyncIterator[Bots]:
    """Open profiles with these rules for one platform."""
    home = write_home(root, {name: ProfileFiles() for name in rules})
    clock, workers = FixedClock(), InlineWorkers()
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(open_log_writer(workers, clock))
        shared = make_shared(writer, workers=workers, clock=clock)
        scopes = {}
        for name, access in rules.items():
            settings = load_profile_settings(home, name, {})
            platforms = {platform: PlatformConfig(platform, enabled=True, access=access)}
            settings = replace(settings, config=replace(settings.config, platforms=platforms))
            scopes[name] = await stack.enter_async_context(open_scope(settings, 1, shared, prepare))
        yield Bots(home, clock, scopes)


def direct(user: object = "1", **more: object) -> MessageSource:
    """A direct message of a user."""
    return MessageSource(**{"platform": "telegram", "chat_id": user, "user_id": user, "user_name": "Ada", **more})


def group(user: object = "1", chat: object = "-100", **more: object) -> MessageSource:
    """A message in a group."""
    return MessageSource(
        **{"platform": "telegram", "chat_type": "group", "chat_id": chat, "user_id": user, "user_name": "Ada", **more}
    )


def write_json(path: Path, content: object) -> None:
    """Write a file as another program would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))


def write_approved(folder: Path, *users: str, platform: str = "telegram") -> None:
    """Write a file of approvals."""
    write_json(folder / f"{platform}-approved.json", {user: {"user_name": "X", "approved_at": 1.5} for user in users})
