"""What the routing index keeps of a chat besides its session: settings, counters, what a restart has to know."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from hermes_trio.store.chat_sessions import last_active_in
from hermes_trio.store.routing_index import (
    ENTRY_DEFAULTS,
    TOPIC,
    RoutingEntry,
    entries_of,
    list_entries,
    read_entry,
    write_entry,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping

    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.sessions import SqlJob

DAY: Final = 86_400.0

#: Interrupted turns older than this are not taken up again.
RESUME_WITHIN_SECONDS: Final = 3600.0

_NOT_FRESH: Final = dict.fromkeys(("is_fresh_reset", "was_auto_reset", "auto_reset_reason", "reset_had_activity"))
_NOT_PENDING: Final = dict.fromkeys(("resume_pending", "resume_reason", "last_resume_marked_at"))


@dataclass(frozen=True, slots=True)
class TurnCounts:
    """What a turn adds to the counters of its chat.

    Attributes:
        input_tokens: Tokens of all prompts of the turn.
        output_tokens: Tokens of all answers.
        cache_read_tokens: Part of the prompts that came from a cache.
        cache_write_tokens: Part of the prompts that went into a cache.
        last_prompt_tokens: Tokens of the turn's last prompt; replaces the former figure. 0 when it is not known.
        cost_usd: What it cost, or None when that is not known.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    last_prompt_tokens: int = 0
    cost_usd: float | None = None


async def update_entry(scope: ProfileScope, key: str, **more: object) -> bool:
    """Change fields of a chat's entry, e.g. ``verbose`` or ``reasoning_effort``; False when the chat has no entry.

    A field that is set to None goes back to its default; one that has none is removed.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    return bool(await _change(scope, (key,), lambda entry: _with_fields(entry, more)))


def _with_fields(entry: RoutingEntry, more: Mapping[str, object]) -> RoutingEntry:
    fields = dict(entry.more)
    for name, value in more.items():
        new = ENTRY_DEFAULTS.get(name) if value is None else value
        fields[name] = new
        if new is None and name not in ENTRY_DEFAULTS:
            del fields[name]
    return replace(entry, more=fields)


async def set_model_override(scope: ProfileScope, key: str, override: Mapping[str, str] | None) -> bool:
    """Let a chat's session use another model, until it ends; False when the chat has no entry.

    Args:
        scope: The runtime profile.
        key: The chat's session key.
        override: ``model``, ``provider``, ``base_url`` as far as they differ; None for the profile's own model.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    return await update_entry(scope, key, model_override=dict(override) if override else None)


async def clear_resume_pending(scope: ProfileScope, keys: Iterable[str]) -> int:
    """Note that nothing is to be taken up again in these chats; how many have an entry.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    return await _change(scope, keys, lambda entry: _with_fields(entry, _NOT_PENDING))


async def list_resume_pending(
    scope: ProfileScope, within_seconds: float = RESUME_WITHIN_SECONDS
) -> tuple[RoutingEntry, ...]:
    """The chats whose turns are to be taken up again, if they were interrupted no longer ago.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    since = scope.clock.now() - within_seconds

    def is_fresh(entry: RoutingEntry) -> bool:
        try:
            marked = datetime.fromisoformat(str(entry.more.get("last_resume_marked_at")))
        except ValueError:
            return False
        return scope.clock.instant(marked.replace(tzinfo=None)) >= since

    return tuple(entry for entry in await list_entries(scope) if entry.more.get("resume_pending") and is_fresh(entry))


async def note_turn(scope: ProfileScope, key: str, counts: TurnCounts) -> None:
    """Add a turn to the counters of its chat; its session is not fresh any more, and ``model_once`` has done its work.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    await scope.db.write(turn_counter(scope, key, counts))
    scope.db.changes.mark(TOPIC)


def turn_counter(scope: ProfileScope, key: str, counts: TurnCounts) -> SqlJob:
    """The writing of `note_turn`, for the transaction that stores the turn."""
    index = str(scope.home.sessions)

    def count(connection: sqlite3.Connection) -> None:
        _rewrite(connection, index, key, lambda entry: _counted(entry, counts))

    return count


def _counted(entry: RoutingEntry, counts: TurnCounts) -> RoutingEntry:
    more = dict(entry.more)
    for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"):
        more[name] = _number(more.get(name)) + getattr(counts, name)
    more["total_tokens"] = _number(more.get("total_tokens")) + counts.input_tokens + counts.output_tokens
    more["last_prompt_tokens"] = counts.last_prompt_tokens or _number(more.get("last_prompt_tokens"))
    if counts.cost_usd is not None:
        more["estimated_cost_usd"] = _number(more.get("estimated_cost_usd")) + counts.cost_usd
        more["cost_status"] = "estimated"
    return _with_fields(replace(entry, more=more), {**_NOT_FRESH, "model_once": None})


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0


async def prune_entries(scope: ProfileScope, max_age_days: float) -> int:
    """Forget the chats that were not active for so many days; how many. Their sessions stay.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    index, before, clock = str(scope.home.sessions), scope.clock.now() - max_age_days * DAY, scope.clock

    def prune(connection: sqlite3.Connection) -> int:
        old = [
            (index, entry.session_key)
            for entry, written_at in entries_of(connection, index)
            if min(written_at, last_active_in(entry, clock)) < before
        ]
        connection.executemany("DELETE FROM gateway_routing WHERE scope = ? AND session_key = ?", old)
        return len(old)

    pruned = await scope.db.write(prune)
    if pruned:
        scope.db.changes.mark(TOPIC)
    return pruned


async def _change(scope: ProfileScope, keys: Iterable[str], change: Callable[[RoutingEntry], RoutingEntry]) -> int:
    """Rewrite the entries of these keys in one transaction; how many there were."""
    index, wanted = str(scope.home.sessions), tuple(keys)
    changed = await scope.db.write(lambda connection: sum(_rewrite(connection, index, key, change) for key in wanted))
    if changed:
        scope.db.changes.mark(TOPIC)
    return changed


def _rewrite(
    connection: sqlite3.Connection, index: str, key: str, change: Callable[[RoutingEntry], RoutingEntry]
) -> bool:
    """Rewrite an entry; when its chat was last active stays."""
    stored = read_entry(connection, index, key)
    if stored is not None:
        write_entry(connection, index, change(stored[0]), stored[1])
    return stored is not None
