"""Whose a session is; the rule in Python and the rule in SQL are one."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.store.ownership import OWN_ROWS, Owner

profiles = st.sampled_from(["default", "coder", "main", "cod", "a_b-c"])
names = st.none() | st.just("") | profiles
keys = st.none() | st.text(max_size=8) | st.builds("agent:{}:telegram:dm:1".format, profiles | st.just("main~"))
sources = st.sampled_from(["telegram", "api_server", "cli"])


@given(profiles, names, keys, sources)
def test_both_forms_of_the_rule_agree(profile, profile_name, session_key, source):
    owner = Owner(profile)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE sessions(profile_name, session_key, source)")
        connection.execute("INSERT INTO sessions VALUES (?, ?, ?)", (profile_name, session_key, source))
        sql = f"SELECT count(*) FROM sessions AS s WHERE {OWN_ROWS}"
        (count,) = connection.execute(sql, owner.parameters).fetchone()
    assert bool(count) == owner.owns(profile_name, session_key, source)


@pytest.mark.parametrize(
    ("profile", "profile_name", "session_key", "source", "expected"),
    [
        ("default", None, None, "cli", True),
        ("default", None, "agent:main:telegram:dm:1", "telegram", True),
        ("default", "coder", "agent:coder:telegram:dm:1", "telegram", False),
        ("default", None, "agent:coder:telegram:dm:1", "telegram", False),
        ("default", None, "agent:coder:chosen:by:client", "api_server", True),
        ("coder", None, "agent:main:telegram:dm:1", "telegram", True),
        ("coder", None, "agent:coder:telegram:dm:1", "telegram", True),
        ("coder", "coder", "agent:coder:telegram:dm:1", "telegram", True),
        ("coder", "writer", "agent:coder:telegram:dm:1", "telegram", False),
        ("main", None, "agent:main~:telegram:dm:1", "telegram", True),
    ],
)
def test_who_owns_a_row_of_its_own_file(profile, profile_name, session_key, source, expected):
    assert Owner(profile).owns(profile_name, session_key, source) is expected


@pytest.mark.parametrize(
    ("profile", "profile_name", "session_key", "source", "expected"),
    [
        ("coder", "coder", None, "telegram", True),
        ("coder", None, "agent:coder:telegram:dm:1", "telegram", True),
        ("coder", None, "agent:coder:telegram:dm:1", "api_server", False),
        ("coder", "coder", "agent:main:any", "api_server", True),
        ("coder", None, "agent:coder2:telegram:dm:1", "telegram", False),
        ("coder", None, "agent:main:telegram:dm:1", "telegram", False),
        ("coder", "writer", "agent:coder:telegram:dm:1", "telegram", False),
        ("coder", None, None, "telegram", False),
        ("main", None, "agent:main:telegram:dm:1", "telegram", False),
        ("main", "main", "agent:main:telegram:dm:1", "telegram", True),
    ],
)
def test_what_a_profile_may_take_from_the_root_home(profile, profile_name, session_key, source, expected):
    assert Owner(profile).may_adopt(profile_name, session_key, source) is expected
