"""A file of any version opens: what is missing is added, what is unknown stays."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from hermes_trio.store import schema
from hermes_trio.store.schema import prepare
from tests.store.hermes_agent_home import check_format, insert, open_state, read, search


def prepared(path, factory=sqlite3.Connection):
    with closing(sqlite3.connect(path, isolation_level=None, factory=factory)) as connection:
        prepare(connection)


class Recording(sqlite3.Connection):
    """Remembers the statements."""

    statements: list[str]

    def execute(self, sql, *parameters):
        self.statements = [*getattr(self, "statements", []), sql]
        return super().execute(sql, *parameters)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.db"


def test_a_new_file_has_everything_hermes_agent_expects(path):
    prepared(path)
    check_format(path)
    assert read(path, "SELECT version FROM schema_version") == [(22,)]


def test_a_new_file_is_made_in_one_transaction(path):
    with closing(sqlite3.connect(path, isolation_level=None, factory=Recording)) as connection:
        prepare(connection)
        assert sum(sql.startswith("BEGIN") for sql in connection.statements) == 1


def test_a_file_that_is_up_to_date_costs_one_query_and_no_write(path):
    with open_state(path):
        pass
    before = path.read_bytes()
    with closing(sqlite3.connect(path, isolation_level=None, factory=Recording)) as connection:
        prepare(connection)
        assert len(connection.statements) == 1
    assert path.read_bytes() == before


def test_missing_columns_tables_and_indexes_are_added_to_an_older_file(path):
    with open_state(path) as connection:
        insert(connection, "sessions", id="s1", source="cli", started_at=1.0)
        for statement in (
            "DROP INDEX idx_sessions_handoff_state",
            "ALTER TABLE sessions DROP COLUMN handoff_state",
            "ALTER TABLE sessions DROP COLUMN compression_fallback_streak",
            "ALTER TABLE messages DROP COLUMN api_content",
            "DROP TABLE async_delegations",
            "UPDATE schema_version SET version = 15",
        ):
            connection.execute(statement)
    prepared(path)
    check_format(path)
    assert read(path, "SELECT id, compression_fallback_streak FROM sessions") == [("s1", 0)]
    assert read(path, "SELECT version FROM schema_version") == [(15,)], "its maker still has to migrate its data"


def test_unknown_columns_tables_and_a_higher_version_stay(path):
    with open_state(path) as connection:
        connection.execute("ALTER TABLE sessions ADD COLUMN mood TEXT")
        connection.execute("CREATE TABLE dreams (id INTEGER PRIMARY KEY, text TEXT)")
        connection.execute("UPDATE schema_version SET version = 99")
        insert(connection, "sessions", id="s1", source="cli", started_at=1.0, mood="good")
        insert(connection, "dreams", text="of sheep")
    before = path.read_bytes()
    prepared(path)
    assert path.read_bytes() == before
    assert read(path, "SELECT mood FROM sessions") == [("good",)]


def test_an_older_file_without_full_text_gets_its_messages_indexed(path):
    with open_state(path) as connection:
        insert(connection, "sessions", id="s1", source="cli", started_at=1.0)
        insert(connection, "messages", session_id="s1", role="user", content="a lighthouse", timestamp=1.0)
        _drop_full_text(connection)
    prepared(path)
    check_format(path)
    assert search(path, "lighthouse") == ["a lighthouse"]
    assert search(path, "ighthou", "messages_fts_trigram") == ["a lighthouse"]


def test_a_huge_file_without_full_text_is_not_indexed_at_the_start(path, monkeypatch):
    monkeypatch.setattr(schema, "MOST_MESSAGES_TO_INDEX", 1)
    with open_state(path) as connection:
        insert(connection, "sessions", id="s1", source="cli", started_at=1.0)
        for _ in range(2):
            insert(connection, "messages", session_id="s1", role="user", content="a lighthouse", timestamp=1.0)
        _drop_full_text(connection)
    before = path.read_bytes()
    prepared(path)
    assert path.read_bytes() == before


def _drop_full_text(connection):
    for table in ("messages_fts", "messages_fts_trigram"):
        for event in ("insert", "delete", "update"):
            connection.execute(f"DROP TRIGGER {table}_{event}")
        connection.execute(f"DROP TABLE {table}")


def test_without_the_trigram_tokenizer_that_index_is_left_out(path):
    class NoTrigram(sqlite3.Connection):
        def execute(self, sql, *parameters):
            if "trigram'" in sql:
                raise sqlite3.OperationalError("no such tokenizer: trigram")
            return super().execute(sql, *parameters)

    prepared(path, NoTrigram)
    names = {name for (name,) in read(path, "SELECT name FROM sqlite_schema")}
    assert "messages_fts_insert" in names
    assert not any("trigram" in name for name in names)


def test_without_fts5_the_rest_works(path):
    class NoFts(sqlite3.Connection):
        def execute(self, sql, *parameters):
            if "fts5" in sql:
                raise sqlite3.OperationalError("no such module: fts5")
            return super().execute(sql, *parameters)

    prepared(path, NoFts)
    names = {name for (name,) in read(path, "SELECT name FROM sqlite_schema")}
    assert "messages" in names
    assert not any("fts" in name for name in names)


def test_titles_that_were_never_unique_do_not_keep_a_file_from_opening(path):
    with open_state(path) as connection:
        connection.execute("DROP INDEX idx_sessions_title_unique")
        for name in ("s1", "s2"):
            insert(connection, "sessions", id=name, source="cli", started_at=1.0, title="same")
    prepared(path)
    assert read(path, "SELECT count(*) FROM sessions") == [(2,)]


def test_a_table_of_ours_that_is_something_else_is_reported_as_damage(path):
    with open_state(path, schema=False) as connection:
        connection.execute("CREATE TABLE sessions (name TEXT)")
    with pytest.raises(sqlite3.DatabaseError, match="sessions has no column id") as caught:
        prepared(path)
    assert caught.value.sqlite_errorcode == sqlite3.SQLITE_CORRUPT


def test_a_failure_in_the_middle_leaves_a_new_file_empty(path):
    class Failing(sqlite3.Connection):
        def execute(self, sql, *parameters):
            if "idx_async_delegations_delivery" in sql:
                raise sqlite3.OperationalError("disk I/O error")
            return super().execute(sql, *parameters)

    with pytest.raises(sqlite3.OperationalError):
        prepared(path, Failing)
    assert read(path, "SELECT name FROM sqlite_schema") == []


def test_marking_a_message_inactive_does_not_touch_the_full_text_index(path):
    prepared(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        insert(connection, "sessions", id="s1", source="cli", started_at=1.0)
        insert(connection, "messages", session_id="s1", role="user", content="a lighthouse", timestamp=1.0)
        connection.execute("DELETE FROM messages_fts WHERE rowid = 1")
        connection.execute("UPDATE messages SET active = 0")
        assert connection.execute("SELECT count(*) FROM messages_fts").fetchone() == (0,)
        connection.execute("UPDATE messages SET content = 'a tower'")
        assert connection.execute("SELECT content FROM messages_fts").fetchall() == [("a tower  ",)]
