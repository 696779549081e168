"""Replies that hermes-agent had written but not delivered: its ledger ``delivery_obligations``, taken over once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.process_record import Processes, SystemProcesses
from hermes_trio.store.outbox import NewOutboxRow, commit_and_wake, insert_parts
from hermes_trio.store.ownership import SHARED_NAMESPACE, Owner

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from hermes_trio.scope import ProfileScope

#: As hermes-agent itself does it.
OLDEST_SECONDS: Final = 86_400.0
MOST_ATTEMPTS: Final = 3

_COLUMNS: Final = (
    "obligation_id",
    "session_key",
    "platform",
    "chat_id",
    "thread_id",
    "content",
    "state",
    "owner_pid",
    "owner_started_at",
)
_NEEDED: Final = frozenset((*_COLUMNS, "attempts", "created_at", "updated_at", "last_error"))
_OPEN: Final = "state IN ('pending', 'attempting', 'failed')"
_SELECT: Final = f"""
SELECT {", ".join(_COLUMNS)} FROM delivery_obligations WHERE {_OPEN} AND attempts < ? AND created_at > ?
ORDER BY created_at, obligation_id
"""  # noqa: S608  only names
_CLOSE: Final = f"""
UPDATE delivery_obligations SET state = 'abandoned', last_error = 'taken over by hermes-trio', updated_at = ?
WHERE obligation_id = ? AND {_OPEN}
"""  # noqa: S608  only names


@dataclass(frozen=True, slots=True)
class _Obligation:
    """A reply that is owed; the fields are columns of the ledger."""

    obligation_id: str
    session_key: str
    platform: str
    chat_id: str
    thread_id: str | None
    content: str
    state: str
    owner_pid: int | None
    owner_started_at: int | None


async def take_over_obligations(
    scope: ProfileScope, encode: Callable[[str], str], processes: Processes | None = None
) -> int:
    """Move what a dead hermes-agent owes to this profile's chats into the outbox; how many replies.

    Only what is younger than a day, was tried fewer than three times, and whose owner does not live. In the ledger it
    is closed in the same transaction, so that neither program sends it again.

    Args:
        scope: The profile; its own bots send.
        encode: Makes the content of an outbox row of a reply's text.
        processes: Knows which processes live; None for those of this machine.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s.
    """
    since = scope.clock.now() - OLDEST_SECONDS
    owed = [one for one in await scope.db.read(lambda connection: _select(connection, since)) if _is_own(scope, one)]
    if owed:
        owed = await scope.run_blocking(_without_live_owner, owed, processes or SystemProcesses())
    if not owed:
        return 0
    rows = [(one.obligation_id, _row(scope.name, one, encode)) for one in owed]
    now = scope.clock.now()
    return await commit_and_wake(scope, lambda: scope.db.write(lambda connection: _move(connection, rows, now)))


def _select(connection: sqlite3.Connection, since: float) -> list[_Obligation]:
    known = {name for (name,) in connection.execute("SELECT name FROM pragma_table_info('delivery_obligations')")}
    if not known >= _NEEDED:
        return []
    return [_Obligation(*row) for row in connection.execute(_SELECT, (MOST_ATTEMPTS, since))]


def _is_own(scope: ProfileScope, obligation: _Obligation) -> bool:
    return Owner(scope.name).owns(None, obligation.session_key, obligation.platform)


def _without_live_owner(owed: list[_Obligation], processes: Processes) -> list[_Obligation]:
    return [one for one in owed if not _lives(one.owner_pid, one.owner_started_at, processes)]


def _lives(pid: int | None, started_at: int | None, processes: Processes) -> bool:
    if pid is None or not processes.is_alive(pid):
        return False
    started = processes.start_time(pid)
    return started_at is None or started is None or started == started_at


def _row(profile: str, obligation: _Obligation, encode: Callable[[str], str]) -> NewOutboxRow:
    return NewOutboxRow(
        transport_profile=profile,
        platform=obligation.platform,
        chat_id=obligation.chat_id,
        thread_id=obligation.thread_id or None,
        session_key=_own_key(profile, obligation.session_key),
        kind="reply",
        content=encode(obligation.content),
        idempotency_key=f"hermes-agent:{obligation.obligation_id}",
        may_have_arrived=obligation.state == "attempting",
    )


def _own_key(profile: str, session_key: str) -> str:
    """The key in the profile's namespace; one that ran alone had the shared one."""
    shared = f"agent:{SHARED_NAMESPACE}:"
    if profile == DEFAULT_PROFILE or not session_key.startswith(shared):
        return session_key
    owner = Owner(profile)
    own = owner.escaped_prefix if profile == SHARED_NAMESPACE else owner.prefix
    return own + session_key.removeprefix(shared)


def _move(connection: sqlite3.Connection, rows: list[tuple[str, NewOutboxRow]], at: float) -> int:
    taken = [row for obligation_id, row in rows if connection.execute(_CLOSE, (at, obligation_id)).rowcount]
    insert_parts(connection, taken, at)
    return len(taken)
