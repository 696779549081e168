"""Waiting for a commit that somebody has to act on, also when the caller is being cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import trio

from hermes_trio.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hermes_trio.scope import ProfileScope

T = TypeVar("T")

#: Longer than a database tries at a locked file.
COMMIT_SECONDS: Final = 10.0


async def wait_for_commit(scope: ProfileScope, write: Callable[[], Awaitable[T]]) -> T:
    """Run ``write`` to its end, and return or raise what it does.

    A write that was begun is committed even if its caller is cancelled. Where something has to follow a commit, the
    caller must not miss it: this returns without a checkpoint, so what the caller then does without waiting, is done.

    Args:
        scope: Whose database is written.
        write: Writes, once.

    Raises:
        StoreError: ``store_slow``: it took more than 10 s; whether it is stored is not known.

    Cancellation: shielded for at most 10 s.
    """
    with trio.CancelScope(deadline=trio.current_time() + COMMIT_SECONDS, shield=True):
        return await write()
    raise StoreError(
        f"was not written within {COMMIT_SECONDS:g} s",
        code="store_slow",
        profile=scope.name,
        where=str(scope.db.path),
        mend="look for a full or failing disk, or for too many writers",
    )
