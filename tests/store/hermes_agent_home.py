"""A home in the format of hermes-agent 0.19, and what that program reads back: plain SQL, nothing of the product.

`write_hermes_agent_home` lays down what its multiplexer leaves: a root home whose ``state.db`` holds the chats of the
default profile *and* of ``coder``, and the home of ``coder``, which has also run alone and answered HTTP. `context_of`,
`search` and `check_format` mimic its reader.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

T0 = 1_795_000_000.0

#: Sessions of the default profile, in the root home.
TELEGRAM_SESSION = "20261119_101500_1de4570a"
TELEGRAM_KEY = "agent:main:telegram:dm:42"
ENDED_SESSION = "20261118_090000_0badcafe"
API_SESSION = "api-0123456789abcdef"

#: A session of ``coder`` that the multiplexer kept in the root home, and its ancestor.
CODER_ROOT_SESSION = "20261119_120000_c0de0001"
CODER_ROOT_PARENT = "20261119_110000_c0de0000"
CODER_ROOT_KEY = "agent:coder:telegram:dm:42"

#: A session of ``coder`` from a time it ran alone, in its own home, and one over HTTP.
CODER_ALONE_SESSION = "20261101_080000_a10e0001"
CODER_ALONE_KEY = "agent:main:telegram:group:-100:7"
CODER_API_SESSION = "api-fedcba9876543210"

#: A key only ``sessions.json`` knows.
MIRROR_ONLY_KEY = "agent:main:discord:channel:555"

TOOL_CALLS = [
    {
        "id": "call_1",
        "call_id": "call_1",
        "response_item_id": "fc_1",
        "type": "function",
        "function": {"name": "terminal", "arguments": '{"command": "ls"}'},
    }
]
PARTS = [
    {"type": "text", "text": "what is on this picture?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
]


def _names(text: str) -> list[str]:
    return text.split()


COLUMNS = {
    "sessions": _names("""
        id source user_id session_key chat_id chat_type thread_id display_name origin_json expiry_finalized
        model model_config system_prompt parent_session_id started_at ended_at end_reason message_count tool_call_count
        input_tokens output_tokens cache_read_tokens cache_write_tokens reasoning_tokens cwd git_branch git_repo_root
        billing_provider billing_base_url billing_mode estimated_cost_usd actual_cost_usd cost_status cost_source
        pricing_version title api_call_count handoff_state handoff_platform handoff_error
        compression_failure_cooldown_until compression_failure_error compression_fallback_streak profile_name
        rewind_count archived"""),
    "messages": _names("""
        id session_id role content tool_call_id tool_calls tool_name effect_disposition timestamp token_count
        finish_reason reasoning reasoning_content reasoning_details codex_reasoning_items codex_message_items
        platform_message_id observed active compacted api_content"""),
    "session_model_usage": _names("""
        session_id model billing_provider billing_base_url billing_mode task api_call_count
        input_tokens output_tokens cache_read_tokens cache_write_tokens reasoning_tokens estimated_cost_usd
        actual_cost_usd cost_status cost_source first_seen last_seen"""),
    "gateway_routing": _names("scope session_key entry_json updated_at"),
    "compression_locks": _names("session_id holder acquired_at expires_at"),
    "async_delegations": _names("""
        delegation_id origin_session origin_ui_session_id parent_session_id state dispatched_at
        completed_at updated_at event_json result_json delivery_state delivery_attempts delivered_at owner_pid
        owner_started_at task_json delivery_claim delivery_claimed_at"""),
    "state_meta": ["key", "value"],
    "schema_version": ["version"],
}
INDEXES = _names("""
        idx_messages_session idx_messages_session_active idx_messages_active_null idx_messages_platform_msg_id
    idx_sessions_source idx_sessions_source_id idx_sessions_parent idx_sessions_started idx_sessions_session_key
    idx_sessions_gateway_peer idx_sessions_handoff_state idx_sessions_title_unique idx_session_model_usage_session
    idx_session_model_usage_model idx_compression_locks_expires idx_async_delegations_delivery""")
TRIGGERS = [
    f"{table}_{event}" for table in ("messages_fts", "messages_fts_trigram") for event in ("insert", "delete", "update")
]

SCHEMA = """
CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version VALUES (22);
CREATE TABLE state_meta (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE sessions (
    id TEXT PRIMARY KEY, source TEXT NOT NULL, user_id TEXT, session_key TEXT, chat_id TEXT, chat_type TEXT,
    thread_id TEXT, display_name TEXT, origin_json TEXT, expiry_finalized INTEGER DEFAULT 0, model TEXT,
    model_config TEXT, system_prompt TEXT, parent_session_id TEXT, started_at REAL NOT NULL, ended_at REAL,
    end_reason TEXT, message_count INTEGER DEFAULT 0, tool_call_count INTEGER DEFAULT 0,
    input_tokens INTEGER DEFAULT 0, output_tokens INTEGER DEFAULT 0, cache_read_tokens INTEGER DEFAULT 0,
    cache_write_tokens INTEGER DEFAULT 0, reasoning_tokens INTEGER DEFAULT 0, cwd TEXT, git_branch TEXT,
    git_repo_root TEXT, billing_provider TEXT, billing_base_url TEXT, billing_mode TEXT, estimated_cost_usd REAL,
    actual_cost_usd REAL, cost_status TEXT, cost_source TEXT, pricing_version TEXT, title TEXT,
    api_call_count INTEGER DEFAULT 0, handoff_state TEXT, handoff_platform TEXT, handoff_error TEXT,
    compression_failure_cooldown_until REAL, compression_failure_error TEXT,
    compression_fallback_streak INTEGER NOT NULL DEFAULT 0, profile_name TEXT,
    rewind_count INTEGER NOT NULL DEFAULT 0, archived INTEGER NOT NULL DEFAULT 0,
    FOREIGN KEY (parent_session_id) REFERENCES sessions(id));
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL REFERENCES sessions(id), role TEXT NOT NULL,
    content TEXT, tool_call_id TEXT, tool_calls TEXT, tool_name TEXT, effect_disposition TEXT,
    timestamp REAL NOT NULL, token_count INTEGER, finish_reason TEXT, reasoning TEXT, reasoning_content TEXT,
    reasoning_details TEXT, codex_reasoning_items TEXT, codex_message_items TEXT, platform_message_id TEXT,
    observed INTEGER DEFAULT 0, active INTEGER NOT NULL DEFAULT 1, compacted INTEGER NOT NULL DEFAULT 0,
    api_content TEXT);
CREATE TABLE session_model_usage (
    session_id TEXT NOT NULL, model TEXT NOT NULL, billing_provider TEXT NOT NULL DEFAULT '',
    billing_base_url TEXT NOT NULL DEFAULT '', billing_mode TEXT NOT NULL DEFAULT '', task TEXT NOT NULL DEFAULT '',
    api_call_count INTEGER NOT NULL DEFAULT 0, input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0, cache_read_tokens INTEGER NOT NULL DEFAULT 0,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0, reasoning_tokens INTEGER NOT NULL DEFAULT 0,
    estimated_cost_usd REAL NOT NULL DEFAULT 0, actual_cost_usd REAL NOT NULL DEFAULT 0, cost_status TEXT,
    cost_source TEXT, first_seen REAL, last_seen REAL,
    PRIMARY KEY (session_id, model, billing_provider, billing_base_url, billing_mode, task),
    FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE);
CREATE TABLE gateway_routing (
    scope TEXT NOT NULL DEFAULT '', session_key TEXT NOT NULL, entry_json TEXT NOT NULL, updated_at REAL NOT NULL,
    PRIMARY KEY (scope, session_key));
CREATE TABLE compression_locks (
    session_id TEXT PRIMARY KEY, holder TEXT NOT NULL, acquired_at REAL NOT NULL, expires_at REAL NOT NULL);
CREATE TABLE async_delegations (
    delegation_id TEXT PRIMARY KEY, origin_session TEXT NOT NULL, origin_ui_session_id TEXT NOT NULL DEFAULT '',
    parent_session_id TEXT, state TEXT NOT NULL, dispatched_at REAL NOT NULL, completed_at REAL,
    updated_at REAL NOT NULL, event_json TEXT, result_json TEXT, delivery_state TEXT NOT NULL DEFAULT 'pending',
    delivery_attempts INTEGER NOT NULL DEFAULT 0, delivered_at REAL, owner_pid INTEGER, owner_started_at INTEGER,
    task_json TEXT, delivery_claim TEXT, delivery_claimed_at REAL);
CREATE INDEX idx_messages_session ON messages(session_id, timestamp);
CREATE INDEX idx_messages_session_active ON messages(session_id, active, timestamp);
CREATE INDEX idx_messages_active_null ON messages(active) WHERE active IS NULL;
CREATE INDEX idx_messages_platform_msg_id ON messages(session_id, platform_message_id)
    WHERE platform_message_id IS NOT NULL;
CREATE INDEX idx_sessions_source ON sessions(source);
CREATE INDEX idx_sessions_source_id ON sessions(source, id);
CREATE INDEX idx_sessions_parent ON sessions(parent_session_id);
CREATE INDEX idx_sessions_started ON sessions(started_at DESC);
CREATE INDEX idx_sessions_session_key ON sessions(session_key, started_at DESC);
CREATE INDEX idx_sessions_gateway_peer ON sessions(source, user_id, chat_id, chat_type, thread_id, started_at DESC);
CREATE INDEX idx_sessions_handoff_state ON sessions(handoff_state, started_at);
CREATE UNIQUE INDEX idx_sessions_title_unique ON sessions(title) WHERE title IS NOT NULL;
CREATE INDEX idx_session_model_usage_session ON session_model_usage(session_id);
CREATE INDEX idx_session_model_usage_model ON session_model_usage(model);
CREATE INDEX idx_compression_locks_expires ON compression_locks(expires_at);
CREATE INDEX idx_async_delegations_delivery ON async_delegations(delivery_state, completed_at);
CREATE VIRTUAL TABLE messages_fts USING fts5(content);
CREATE VIRTUAL TABLE messages_fts_trigram USING fts5(content, tokenize='trigram');
"""
TRIGGER_SQL = """
CREATE TRIGGER {fts}_insert AFTER INSERT ON messages BEGIN
    INSERT INTO {fts}(rowid, content) VALUES (new.id,
        COALESCE(new.content, '') || ' ' || COALESCE(new.tool_name, '') || ' ' || COALESCE(new.tool_calls, ''));
END;
CREATE TRIGGER {fts}_delete AFTER DELETE ON messages BEGIN DELETE FROM {fts} WHERE rowid = old.id; END;
CREATE TRIGGER {fts}_update AFTER UPDATE ON messages BEGIN
    DELETE FROM {fts} WHERE rowid = old.id;
    INSERT INTO {fts}(rowid, content) VALUES (new.id,
        COALESCE(new.content, '') || ' ' || COALESCE(new.tool_name, '') || ' ' || COALESCE(new.tool_calls, ''));
END;
"""


def write_hermes_agent_home(root: Path) -> None:
    """Write the home under ``root`` (made if missing).

    ``state.db``, ``sessions/sessions.json`` and ``SOUL.md`` of the default profile and, in ``profiles/coder``, of
    ``coder``. No ``config.yaml`` and no ``.env``: add what the test needs. The names of sessions and keys are the
    constants of this module.
    """
    coder = root / "profiles" / "coder"
    for home, persona in ((root, "You are the house of the home."), (coder, "You are coder.")):
        (home / "sessions").mkdir(parents=True, exist_ok=True)
        (home / "SOUL.md").write_text(persona)
    with open_state(root / "state.db") as connection:
        _write_default_profile(connection, root)
        _write_coder_in_root(connection, root)
    with open_state(coder / "state.db") as connection:
        _write_coder_alone(connection, coder)
    entries = {TELEGRAM_KEY: TELEGRAM_SESSION, CODER_ROOT_KEY: CODER_ROOT_SESSION, MIRROR_ONLY_KEY: ENDED_SESSION}
    _write_mirror(root, entries)
    _write_mirror(coder, {CODER_ALONE_KEY: CODER_ALONE_SESSION})


@contextmanager
def open_state(path: Path, schema: bool = True) -> Iterator[sqlite3.Connection]:
    """A new ``state.db`` in write-ahead mode with the full schema."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=OFF")
        if schema:
            connection.executescript(SCHEMA)
            for fts in ("messages_fts", "messages_fts_trigram"):
                connection.executescript(TRIGGER_SQL.format(fts=fts))
        yield connection
        connection.commit()


def insert(connection: sqlite3.Connection, table: str, **values: object) -> None:
    """Insert one row."""
    names, places = ", ".join(values), ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table}({names}) VALUES ({places})", tuple(values.values()))


def entry_json(key: str, session_id: str, profile: str | None = None) -> dict[str, object]:
    """An entry of the routing index."""
    _, _, platform, chat_type, *rest = key.split(":")
    origin = {"platform": platform, "chat_id": rest[0], "chat_type": chat_type, "user_id": "42", "user_name": "Ada"}
    return {
        "session_key": key,
        "session_id": session_id,
        "created_at": "2026-11-19T10:15:00.000000",
        "updated_at": "2026-11-19T10:20:00.000000",
        "display_name": "Ada",
        "platform": platform,
        "chat_type": chat_type,
        "input_tokens": 0,
        "output_tokens": 0,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "total_tokens": 0,
        "last_prompt_tokens": 321,
        "estimated_cost_usd": 0.0,
        "cost_status": "unknown",
        "expiry_finalized": False,
        "suspended": False,
        "resume_pending": False,
        "resume_reason": None,
        "last_resume_marked_at": None,
        "is_fresh_reset": False,
        "was_auto_reset": False,
        "auto_reset_reason": None,
        "reset_had_activity": False,
        "origin": origin | ({"profile": profile} if profile else {}),
    }


def _write_default_profile(connection: sqlite3.Connection, root: Path) -> None:
    insert(
        connection,
        "sessions",
        id=TELEGRAM_SESSION,
        source="telegram",
        user_id="42",
        session_key=TELEGRAM_KEY,
        chat_id="42",
        chat_type="dm",
        model="some-model",
        system_prompt="You are the house of the home.",
        started_at=T0,
        message_count=6,
        tool_call_count=1,
        input_tokens=900,
        output_tokens=60,
        api_call_count=3,
        title="Pictures",
        billing_provider="openrouter",
    )
    rows: list[dict[str, object]] = [
        {"role": "user", "content": "please list my files"},
        {"role": "assistant", "content": "", "tool_calls": json.dumps(TOOL_CALLS), "finish_reason": "tool_calls"},
        {"role": "tool", "content": "notes.txt\nholiday.png", "tool_call_id": "call_1", "tool_name": "terminal"},
        {"role": "assistant", "content": "You have notes and a holiday picture.", "finish_reason": "stop"},
        {"role": "user", "content": "\x00json:" + json.dumps(PARTS), "platform_message_id": "1007"},
        {"role": "assistant", "content": "A beach in Brittany.", "finish_reason": "stop", "reasoning": "sand, sea"},
        {"role": "user", "content": "undone remark", "active": 0},
        {"role": "user", "content": "compacted away remark", "active": 0, "compacted": 1},
    ]
    for number, row in enumerate(rows):
        insert(connection, "messages", session_id=TELEGRAM_SESSION, timestamp=T0 + number, **row)
    insert(
        connection,
        "session_model_usage",
        session_id=TELEGRAM_SESSION,
        model="some-model",
        billing_provider="openrouter",
        api_call_count=3,
        input_tokens=900,
        output_tokens=60,
        first_seen=T0,
        last_seen=T0 + 6,
    )
    _write_plain_session(connection, ENDED_SESSION, "cli", ended_at=T0 + 5, end_reason="agent_close", title="Old times")
    _write_plain_session(connection, API_SESSION, "api_server")
    _write_routing(connection, root, TELEGRAM_KEY, TELEGRAM_SESSION)


def _write_coder_in_root(connection: sqlite3.Connection, root: Path) -> None:
    common = {
        "session_key": CODER_ROOT_KEY,
        "chat_id": "42",
        "chat_type": "dm",
        "user_id": "42",
        "profile_name": "coder",
    }
    _write_plain_session(connection, CODER_ROOT_PARENT, "telegram", ended_at=T0, end_reason="compression", **common)
    _write_plain_session(
        connection, CODER_ROOT_SESSION, "telegram", parent_session_id=CODER_ROOT_PARENT, title="Coder's chat", **common
    )
    insert(
        connection,
        "session_model_usage",
        session_id=CODER_ROOT_SESSION,
        model="code-model",
        api_call_count=1,
        input_tokens=10,
        output_tokens=5,
    )
    _write_routing(connection, root, CODER_ROOT_KEY, CODER_ROOT_SESSION, "coder")


def _write_coder_alone(connection: sqlite3.Connection, home: Path) -> None:
    _write_plain_session(connection, CODER_ALONE_SESSION, "telegram", session_key=CODER_ALONE_KEY)
    _write_plain_session(connection, CODER_API_SESSION, "api_server")
    _write_routing(connection, home, CODER_ALONE_KEY, CODER_ALONE_SESSION)


def _write_plain_session(connection: sqlite3.Connection, session_id: str, source: str, **more: object) -> None:
    insert(connection, "sessions", id=session_id, source=source, started_at=T0 - 100, message_count=2, **more)
    for number, (role, text) in enumerate((("user", "what of"), ("assistant", "much of"))):
        content = f"{text} {session_id}"
        insert(connection, "messages", session_id=session_id, role=role, content=content, timestamp=T0 - 100 + number)


def _write_routing(
    connection: sqlite3.Connection, home: Path, key: str, session_id: str, profile: str | None = None
) -> None:
    entry = json.dumps(entry_json(key, session_id, profile))
    insert(
        connection, "gateway_routing", scope=str(home / "sessions"), session_key=key, entry_json=entry, updated_at=T0
    )


def _write_mirror(home: Path, entries: dict[str, str]) -> None:
    mirror = {"_README": "written by hermes-agent"} | {key: entry_json(key, one) for key, one in entries.items()}
    (home / "sessions" / "sessions.json").write_text(json.dumps(mirror, indent=2))


# What its reader sees.


def read(path: Path, sql: str, *parameters: object) -> list[tuple[object, ...]]:
    """Rows of a ``state.db``."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql, parameters).fetchall()


def context_of(path: Path, session_id: str) -> list[dict[str, object]]:
    """The messages hermes-agent gives its model, in the form of the chat completions API."""
    context = []
    sql = """SELECT role, content, tool_call_id, tool_calls, tool_name FROM messages
        WHERE session_id = ? AND active = 1 ORDER BY id"""
    for role, content, call_id, calls, tool_name in read(path, sql, session_id):
        text = str(content) if content is not None else None
        is_json = text is not None and text.startswith("\x00json:")
        message: dict[str, object] = {"role": role, "content": json.loads(text[6:]) if text and is_json else text}
        if calls:
            message["tool_calls"] = json.loads(str(calls))
        if call_id:
            message |= {"tool_call_id": call_id, "tool_name": tool_name}
        context.append(message)
    return context


def search(path: Path, query: str, table: str = "messages_fts") -> list[object]:
    """Texts hermes-agent finds."""
    sql = f"""SELECT m.content FROM {table} JOIN messages m ON m.id = {table}.rowid
        JOIN sessions s ON s.id = m.session_id
        WHERE {table} MATCH ? AND (m.active = 1 OR m.compacted = 1) ORDER BY rank"""
    return [content for (content,) in read(path, sql, query)]


def check_format(path: Path) -> None:
    """Whether a file has every column, index and trigger hermes-agent expects, and is sound."""
    for table, columns in COLUMNS.items():
        found = [name for (name,) in read(path, "SELECT name FROM pragma_table_info(?)", table)]
        assert set(columns) <= set(found), table
    names = {name for (name,) in read(path, "SELECT name FROM sqlite_schema WHERE type IN ('index', 'trigger')")}
    assert {*INDEXES, *TRIGGERS} <= names
    assert read(path, "PRAGMA integrity_check") == [("ok",)]
    assert read(path, "PRAGMA foreign_key_check") == []
    with closing(sqlite3.connect(path)) as connection:
        for table in ("messages_fts", "messages_fts_trigram"):
            connection.execute(f"INSERT INTO {table}({table}) VALUES ('integrity-check')")
