"""The tool ``session_search``: looks into the profile's own earlier conversations.

Three ways, told apart by the arguments: ``discover`` finds sessions by words, ``scroll`` reads around a message of one,
``browse`` names the latest.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from hermes_trio.store.search import SearchHit, search_messages
from hermes_trio.store.session_window import SessionWindow, WindowMessage, load_window
from hermes_trio.store.sessions import list_sessions
from hermes_trio.tools.tool import Tool, ToolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.messages import Content
    from hermes_trio.tools.tool import Arguments
    from hermes_trio.tools.tool_turn import ToolTurn

USUAL_SESSIONS: Final = 3
MOST_SESSIONS: Final = 10
USUAL_WINDOW: Final = 5
MOST_WINDOW: Final = 20
FOUND_WINDOW: Final = 2
"""Messages shown before and after a hit."""

LONGEST_FOUND: Final = 600
LONGEST_READ: Final = 3000
_HITS_LOOKED_AT: Final = 200
_ROLES: Final = ("user", "assistant", "tool")


async def run_session_search(scope: ProfileScope, turn: ToolTurn, arguments: Arguments) -> Mapping[str, object]:
    """Look something up in this profile's conversations.

    Raises:
        ToolError: There is no such session, or it asks for another profile's.
        StoreError: ``state.db`` cannot be used.
    """
    profile = str(arguments.get("profile") or "").strip()
    if profile not in ("", scope.name):
        raise ToolError("only this profile's own conversations can be searched", code="profile_foreign")
    query = str(arguments.get("query") or "").strip()
    session_id = str(arguments.get("session_id") or "").strip()
    if session_id and not query:
        return await _scroll(scope, session_id, arguments)
    if query:
        return await _discover(scope, turn, query, arguments)
    return await _browse(scope, turn, arguments)


async def _discover(scope: ProfileScope, turn: ToolTurn, query: str, arguments: Arguments) -> Mapping[str, object]:
    hits = await search_messages(scope, query, limit=_HITS_LOOKED_AT)
    roles = _roles(arguments)
    other = [hit for hit in hits if hit.session_id != turn.session_id and (not roles or hit.role in roles)]
    best = {hit.session_id: hit for hit in reversed(other)}  # the first of a session is its best
    chosen = [hit for hit in other if best[hit.session_id] is hit]
    sort = arguments.get("sort")
    if sort in ("newest", "oldest"):
        chosen.sort(key=lambda hit: hit.timestamp, reverse=sort == "newest")
    results = [
        await _result(scope, hit) for hit in chosen[: _number(arguments, "limit", USUAL_SESSIONS, MOST_SESSIONS)]
    ]
    found = [result for result in results if result is not None]
    reply: dict[str, object] = {"success": True, "mode": "discover", "query": query, "results": found}
    reply |= {"count": len(found), "sessions_matched": len(chosen)}
    if not found:
        reply["message"] = "Nothing was found in earlier conversations. All words must occur; try fewer or others."
    return reply


async def _result(scope: ProfileScope, hit: SearchHit) -> Mapping[str, object] | None:
    around = await load_window(scope, hit.session_id, hit.message_id, FOUND_WINDOW)
    if around is None:
        return None
    return {
        "session_id": hit.session_id,
        "when": _when(scope, hit.timestamp),
        "source": around.source,
        "model": around.model,
        "title": around.title,
        "matched_role": hit.role,
        "match_message_id": hit.message_id,
        "snippet": hit.snippet,
        "messages": _messages(scope, around.messages, LONGEST_FOUND),
        "messages_before": around.before,
        "messages_after": around.after,
    }


async def _scroll(scope: ProfileScope, session_id: str, arguments: Arguments) -> Mapping[str, object]:
    anchor = arguments.get("around_message_id")
    window = _number(arguments, "window", USUAL_WINDOW, MOST_WINDOW)
    found = await load_window(scope, session_id, anchor if isinstance(anchor, int) else None, window)
    if found is None:
        raise ToolError(f"there is no session '{session_id[:80]}'", mend="find it with query, or name nothing at all")
    roles = _roles(arguments)
    shown = (message for message in found.messages if not roles or message.role in roles)
    return {
        "success": True,
        "mode": "scroll",
        "session_id": found.session_id,
        "around_message_id": anchor,
        "window": window,
        **_facts(scope, found),
        "messages": _messages(scope, shown, LONGEST_READ),
        "messages_before": found.before,
        "messages_after": found.after,
    }


async def _browse(scope: ProfileScope, turn: ToolTurn, arguments: Arguments) -> Mapping[str, object]:
    limit = _number(arguments, "limit", USUAL_SESSIONS, MOST_SESSIONS)
    sessions = [s for s in await list_sessions(scope, limit=limit + 1) if s.id != turn.session_id][:limit]
    results = [
        {
            "session_id": session.id,
            "when": _when(scope, session.started_at),
            "source": session.source,
            "model": session.model,
            "title": session.title,
            "message_count": session.message_count,
        }
        for session in sessions
    ]
    return {"success": True, "mode": "browse", "results": results, "count": len(results)}


def _facts(scope: ProfileScope, window: SessionWindow) -> Mapping[str, object]:
    return {
        "when": _when(scope, window.started_at),
        "source": window.source,
        "model": window.model,
        "title": window.title,
    }


def _messages(scope: ProfileScope, messages: Iterable[WindowMessage], longest: int) -> list[Mapping[str, object]]:
    return [
        {
            "id": message.id,
            "role": message.role,
            "when": _when(scope, message.timestamp),
            "content": _shorten(_text_of(message.content), longest),
        }
        | ({"tool_name": message.tool_name} if message.tool_name else {})
        for message in messages
    ]


def _text_of(content: Content) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(str(part["text"]) if "text" in part else f"[{part.get('type', 'part')}]" for part in content)


def _shorten(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]} [... {len(text) - longest} more characters]"


def _roles(arguments: Arguments) -> frozenset[str]:
    """The roles to look at; empty for all, and when no known one is named."""
    named = {part.strip().lower() for part in str(arguments.get("role_filter") or "").split(",")}
    return frozenset(named.intersection(_ROLES))


def _number(arguments: Arguments, name: str, usual: int, most: int) -> int:
    value = arguments.get(name)
    return max(1, min(value, most)) if isinstance(value, int) and not isinstance(value, bool) else usual


def _when(scope: ProfileScope, timestamp: float) -> str:
    zone = ZoneInfo(scope.config.timezone) if scope.config.timezone else None
    try:
        return datetime.fromtimestamp(timestamp, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):  # another program's row, with a time that is none
        return ""


TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        name="session_search",
        description=(
            "Look into your earlier conversations with this user: query finds them (all words must occur); session_id, "
            "best with around_message_id, reads on there; nothing at all names the latest."
        ),
        parameters={
            "type": "object",
            "properties": {
                "query": {"type": "string"},
                "limit": {"type": "integer", "minimum": 1, "maximum": MOST_SESSIONS, "default": USUAL_SESSIONS},
                "sort": {"type": "string", "enum": ["newest", "oldest"]},
                "session_id": {"type": "string"},
                "around_message_id": {"type": "integer"},
                "window": {"type": "integer", "minimum": 1, "maximum": MOST_WINDOW, "default": USUAL_WINDOW},
                "role_filter": {"type": "string", "description": "e.g. user,assistant"},
            },
        },
        toolset="session_search",
        run=run_session_search,
    ),
)
