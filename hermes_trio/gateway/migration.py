"""A chat that has got another id, as Telegram's groups do when they become supergroups."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hermes_trio.routing.session_key import SessionKey, parse_session_key
from hermes_trio.store import outbox, routing_index

if TYPE_CHECKING:
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.routing_index import RoutingEntry


async def move_chat(scope: ProfileScope, transport: tuple[str, str], old_chat_id: str, new_chat_id: str) -> None:
    """Let a chat's conversations go on under its new id, and send there what waits for the old one.

    Doing it twice does no harm: platforms announce a move in both chats.

    Args:
        scope: The runtime profile, whose conversations they are.
        transport: Whose bot was told, and on which platform.
        old_chat_id: The id that the chat had.
        new_chat_id: The id that it has.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    await outbox.move_chat(scope, transport, old_chat_id, new_chat_id)
    entries = {entry.session_key: entry for entry in await routing_index.list_entries(scope)}
    for entry in entries.values():
        moved = _moved(entry, transport[1], old_chat_id, new_chat_id)
        if moved is None:
            continue
        if moved.session_key not in entries:
            await routing_index.upsert(scope, moved)
        await routing_index.remove(scope, entry.session_key)


def _moved(entry: RoutingEntry, platform: str, old_chat_id: str, new_chat_id: str) -> RoutingEntry | None:
    """The entry under the chat's new id, or None when it is about another chat."""
    key = parse_session_key(entry.session_key)
    if key is None or key.parts.platform != platform:
        return None
    chat_id, colon, rest = key.parts.ids.partition(":")
    if chat_id != old_chat_id:
        return None
    new_key = SessionKey(replace(key.parts, ids=f"{new_chat_id}{colon}{rest}"))
    origin = entry.more.get("origin")
    more = {**entry.more, "origin": {**origin, "chat_id": new_chat_id}} if isinstance(origin, dict) else entry.more
    return replace(entry, session_key=new_key, more=more)
