"""The tables, indexes and full-text indexes of ``state.db`` in hermes-agent 0.19 (schema version 22); data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA_VERSION: Final = 22

#: What is indexed of a message; ``{row}`` is the row's name in the statement.
FTS_TEXT: Final = (
    "COALESCE({row}.content, '') || ' ' || COALESCE({row}.tool_name, '') || ' ' || COALESCE({row}.tool_calls, '')"
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name, a declaration per column, and constraints over several columns."""

    name: str
    columns: tuple[str, ...]
    constraints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FullText:
    """A full-text index over ``messages`` that triggers keep."""

    name: str
    module: str

    def triggers(self) -> Iterator[tuple[str, str]]:
        """Name and body of each trigger.

        The update trigger leaves rows alone whose indexed text stays: marking a message inactive must not cost an
        indexing.
        """
        insert = f"INSERT INTO {self.name}(rowid, content) VALUES (new.id, {FTS_TEXT.format(row='new')});"  # noqa: S608
        delete = f"DELETE FROM {self.name} WHERE rowid = old.id;"  # noqa: S608  a name of our own
        yield f"{self.name}_insert", f"AFTER INSERT ON messages BEGIN {insert} END"
        yield f"{self.name}_delete", f"AFTER DELETE ON messages BEGIN {delete} END"
        yield (
            f"{self.name}_update",
            f"AFTER UPDATE OF content, tool_name, tool_calls ON messages BEGIN {delete} {insert} END",
        )


FULL_TEXT: Final = (
    FullText("messages_fts", "fts5(content)"),
    FullText("messages_fts_trigram", "fts5(content, tokenize='trigram')"),
)

_SESSIONS: Final = Table(
    "sessions",
    (
        "id TEXT PRIMARY KEY",
        "source TEXT NOT NULL",
        "user_id TEXT",
        "session_key TEXT",
        "chat_id TEXT",
        "chat_type TEXT",
        "thread_id TEXT",
        "display_name TEXT",
        "origin_json TEXT",
        "expiry_finalized INTEGER DEFAULT 0",
        "model TEXT",
        "model_config TEXT",
        "system_prompt TEXT",
        "parent_session_id TEXT REFERENCES sessions(id)",
        "started_at REAL NOT NULL",
        "ended_at REAL",
        "end_reason TEXT",
        "message_count INTEGER DEFAULT 0",
        "tool_call_count INTEGER DEFAULT 0",
        "input_tokens INTEGER DEFAULT 0",
        "output_tokens INTEGER DEFAULT 0",
        "cache_read_tokens INTEGER DEFAULT 0",
        "cache_write_tokens INTEGER DEFAULT 0",
        "reasoning_tokens INTEGER DEFAULT 0",
        "cwd TEXT",
        "git_branch TEXT",
        "git_repo_root TEXT",
        "billing_provider TEXT",
        "billing_base_url TEXT",
        "billing_mode TEXT",
        "estimated_cost_usd REAL",
        "actual_cost_usd REAL",
        "cost_status TEXT",
        "cost_source TEXT",
        "pricing_version TEXT",
        "title TEXT",
        "api_call_count INTEGER DEFAULT 0",
        "handoff_state TEXT",
        "handoff_platform TEXT",
        "handoff_error TEXT",
        "compression_failure_cooldown_until REAL",
        "compression_failure_error TEXT",
        "compression_fallback_streak INTEGER NOT NULL DEFAULT 0",
        "profile_name TEXT",
        "rewind_count INTEGER NOT NULL DEFAULT 0",
        "archived INTEGER NOT NULL DEFAULT 0",
    ),
)

_MESSAGES: Final = Table(
    "messages",
    (
        "id INTEGER PRIMARY KEY AUTOINCREMENT",
        "session_id TEXT NOT NULL REFERENCES sessions(id)",
        "role TEXT NOT NULL",
        "content TEXT",
        "tool_call_id TEXT",
        "tool_calls TEXT",
        "tool_name TEXT",
        "effect_disposition TEXT",
        "timestamp REAL NOT NULL",
        "token_count INTEGER",
        "finish_reason TEXT",
        "reasoning TEXT",
        "reasoning_content TEXT",
        "reasoning_details TEXT",
        "codex_reasoning_items TEXT",
        "codex_message_items TEXT",
        "platform_message_id TEXT",
        "observed INTEGER DEFAULT 0",
        "active INTEGER NOT NULL DEFAULT 1",
        "compacted INTEGER NOT NULL DEFAULT 0",
        "api_content TEXT",
    ),
)

_SESSION_MODEL_USAGE: Final = Table(
    "session_model_usage",
    (
        "session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE",
        "model TEXT NOT NULL",
        "billing_provider TEXT NOT NULL DEFAULT ''",
        "billing_base_url TEXT NOT NULL DEFAULT ''",
        "billing_mode TEXT NOT NULL DEFAULT ''",
        "task TEXT NOT NULL DEFAULT ''",
        "api_call_count INTEGER NOT NULL DEFAULT 0",
        "input_tokens INTEGER NOT NULL DEFAULT 0",
        "output_tokens INTEGER NOT NULL DEFAULT 0",
        "cache_read_tokens INTEGER NOT NULL DEFAULT 0",
        "cache_write_tokens INTEGER NOT NULL DEFAULT 0",
        "reasoning_tokens INTEGER NOT NULL DEFAULT 0",
        "estimated_cost_usd REAL NOT NULL DEFAULT 0",
        "actual_cost_usd REAL NOT NULL DEFAULT 0",
        "cost_status TEXT",
        "cost_source TEXT",
        "first_seen REAL",
        "last_seen REAL",
    ),
    ("PRIMARY KEY (session_id, model, billing_provider, billing_base_url, billing_mode, task)",),
)

_GATEWAY_ROUTING: Final = Table(
    "gateway_routing",
    (
        "scope TEXT NOT NULL DEFAULT ''",
        "session_key TEXT NOT NULL",
        "entry_json TEXT NOT NULL",
        "updated_at REAL NOT NULL",
    ),
    ("PRIMARY KEY (scope, session_key)",),
)

_ASYNC_DELEGATIONS: Final = Table(
    "async_delegations",
    (
        "delegation_id TEXT PRIMARY KEY",
        "origin_session TEXT NOT NULL",
        "origin_ui_session_id TEXT NOT NULL DEFAULT ''",
        "parent_session_id TEXT",
        "state TEXT NOT NULL",
        "dispatched_at REAL NOT NULL",
        "completed_at REAL",
        "updated_at REAL NOT NULL",
        "event_json TEXT",
        "result_json TEXT",
        "delivery_state TEXT NOT NULL DEFAULT 'pending'",
        "delivery_attempts INTEGER NOT NULL DEFAULT 0",
        "delivered_at REAL",
        "owner_pid INTEGER",
        "owner_started_at INTEGER",
        "task_json TEXT",
        "delivery_claim TEXT",
        "delivery_claimed_at REAL",
    ),
)

TABLES: Final = (
    Table("state_meta", ("key TEXT PRIMARY KEY", "value TEXT")),
    _SESSIONS,
    _MESSAGES,
    _SESSION_MODEL_USAGE,
    _GATEWAY_ROUTING,
    Table(
        "compression_locks",
        (
            "session_id TEXT PRIMARY KEY",
            "holder TEXT NOT NULL",
            "acquired_at REAL NOT NULL",
            "expires_at REAL NOT NULL",
        ),
    ),
    _ASYNC_DELEGATIONS,
)

#: What to create, its name, and the table with its columns.
INDEXES: Final = (
    ("INDEX", "idx_messages_session", "messages(session_id, timestamp)"),
    ("INDEX", "idx_messages_session_active", "messages(session_id, active, timestamp)"),
    ("INDEX", "idx_messages_active_null", "messages(active) WHERE active IS NULL"),
    (
        "INDEX",
        "idx_messages_platform_msg_id",
        "messages(session_id, platform_message_id) WHERE platform_message_id IS NOT NULL",
    ),
    ("INDEX", "idx_sessions_source", "sessions(source)"),
    ("INDEX", "idx_sessions_source_id", "sessions(source, id)"),
    ("INDEX", "idx_sessions_parent", "sessions(parent_session_id)"),
    ("INDEX", "idx_sessions_started", "sessions(started_at DESC)"),
    ("INDEX", "idx_sessions_session_key", "sessions(session_key, started_at DESC)"),
    (
        "INDEX",
        "idx_sessions_gateway_peer",
        "sessions(source, user_id, chat_id, chat_type, thread_id, started_at DESC)",
    ),
    ("INDEX", "idx_sessions_handoff_state", "sessions(handoff_state, started_at)"),
    ("UNIQUE INDEX", "idx_sessions_title_unique", "sessions(title) WHERE title IS NOT NULL"),
    ("INDEX", "idx_session_model_usage_session", "session_model_usage(session_id)"),
    ("INDEX", "idx_session_model_usage_model", "session_model_usage(model)"),
    ("INDEX", "idx_compression_locks_expires", "compression_locks(expires_at)"),
    ("INDEX", "idx_async_delegations_delivery", "async_delegations(delivery_state, completed_at)"),
)
