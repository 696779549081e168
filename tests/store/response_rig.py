"""The kept responses of a profile, without a gateway around them; run as a program it keeps some until it is killed."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import trio

from hermes_trio.home.settings import load_profile_settings
from hermes_trio.io.log import open_log_writer
from hermes_trio.io.workers import InlineWorkers, ThreadWorkers
from hermes_trio.scope import make_shared, open_scope
from hermes_trio.store.response_store import KeptResponse, ResponseStore, open_response_store
from hermes_trio.store.schema import prepare
from hermes_trio.testing.clock import MovingClock
from hermes_trio.testing.home import write_home

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hermes_trio.io.workers import Workers


@asynccontextmanager
async def open_responses(
    root: Path, *, clock: MovingClock | None = None, workers: Workers | None = None
) -> AsyncIterator[tuple[ResponseStore, Path]]:
    """The store of the profile ``ada``, and its file."""
    home, used, clock = write_home(root, {"ada": "You are Ada."}), workers or InlineWorkers(), clock or MovingClock()
    async with open_log_writer(used, clock, console=None) as writer:
        shared = make_shared(writer, workers=used, clock=clock)
        async with (
            open_scope(load_profile_settings(home, "ada", {}), 1, shared, prepare) as scope,
            open_response_store(scope) as store,
        ):
            yield store, scope.home.response_store_db


def kept(text: str = "hello", session: str = "s") -> KeptResponse:
    """A response after a talk of one message."""
    history: list[dict[str, object]] = [{"role": "user", "content": text}]
    return KeptResponse(response=msgspec.Raw(b'{"id":"r"}'), conversation_history=history, session_id=session)


async def keep_many(root: Path) -> None:
    """Keep one response after the other, and print the number of each that was confirmed."""
    async with open_responses(root, workers=ThreadWorkers()) as (store, _):
        for number in range(100_000):
            await store.put(f"r{number}", kept("word " * 1000), "talk")
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    trio.run(keep_many, Path(sys.argv[1]))
