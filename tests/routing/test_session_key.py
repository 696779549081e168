"""The grammar of session keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.routing.session_key import (
    SessionKey,
    build_session_key,
    is_shared_multi_user,
    namespace_of_profile,
    parse_session_key,
    profile_of_namespace,
)
from hermes_trio.routing.source import MessageSource

words = st.from_regex(r"[a-z0-9_-]{1,8}", fullmatch=True)
profiles = st.just("default") | st.just("main") | words
odd_ids = st.text(min_size=1, max_size=12)
plain_ids = st.text(st.characters(exclude_characters=":", exclude_categories=["Cs"]), min_size=1, max_size=12)


def sources(ids):
    optional = st.none() | ids
    return st.builds(MessageSource, words, st.just("dm") | words, optional, optional, optional, optional)


def group(**fields):
    return MessageSource("telegram", "group", "-100", **fields)


@pytest.mark.parametrize(
    ("profile", "source", "expected"),
    [
        ("default", MessageSource("telegram", "dm", "42"), "agent:main:telegram:dm:42"),
        ("coder", MessageSource("telegram", "dm", "42"), "agent:coder:telegram:dm:42"),
        ("main", MessageSource("telegram", "dm", "42"), "agent:main~:telegram:dm:42"),
        ("default", MessageSource("telegram", "dm", "42", "7", user_id="9"), "agent:main:telegram:dm:42:7"),
        ("default", MessageSource("signal", "dm", user_id="9", user_id_alt="x"), "agent:main:signal:dm:x"),
        ("default", MessageSource("signal", "dm", user_id="9"), "agent:main:signal:dm:9"),
        ("default", MessageSource("signal", "dm", thread_id="t"), "agent:main:signal:dm:t"),
        ("default", MessageSource("cli", "dm"), "agent:main:cli:dm"),
        ("default", group(user_id="9"), "agent:main:telegram:group:-100:9"),
        ("default", group(user_id="9", user_id_alt="x"), "agent:main:telegram:group:-100:x"),
        ("default", group(user_id="9", thread_id="1"), "agent:main:telegram:group:-100:1"),
        ("default", group(), "agent:main:telegram:group:-100"),
        (
            "default",
            MessageSource("webhook", "webhook", "webhook:gh:d1", user_id="webhook:gh"),
            "agent:main:webhook:webhook:webhook:gh:d1:webhook:gh",
        ),
    ],
)
def test_keys_as_hermes_agent_builds_them(profile, source, expected):
    assert build_session_key(profile, source) == expected


def test_a_group_may_share_one_conversation():
    key = build_session_key("default", group(user_id="9"), group_sessions_per_user=False)
    assert key == "agent:main:telegram:group:-100"


def test_people_in_a_thread_may_have_conversations_of_their_own():
    key = build_session_key("default", group(user_id="9", thread_id="1"), thread_sessions_per_user=True)
    assert key == "agent:main:telegram:group:-100:1:9"


@pytest.mark.parametrize("source", [MessageSource("tele:gram"), MessageSource("x", ""), MessageSource("x", "a:b")])
def test_a_platform_or_chat_type_that_would_break_the_grammar_is_refused(source):
    with pytest.raises(ValueError, match="cannot stand in a session key"):
        build_session_key("default", source)


@given(profiles, sources(odd_ids))
def test_a_key_can_be_read_back_whatever_the_ids(profile, source):
    key = build_session_key(profile, source)
    assert parse_session_key(str(key)) == key
    assert profile_of_namespace(key.parts.namespace) == profile
    assert (key.parts.platform, key.parts.chat_type) == (source.platform, source.chat_type)
    assert SessionKey(key.parts) == key


@given(profiles, profiles, sources(odd_ids), sources(odd_ids))
def test_profiles_platforms_and_chat_types_never_share_a_key(one_profile, other_profile, one, other):
    one_owner = (one_profile, one.platform, one.chat_type)
    other_owner = (other_profile, other.platform, other.chat_type)
    if one_owner != other_owner:
        assert build_session_key(one_profile, one) != build_session_key(other_profile, other)


@given(words, plain_ids, plain_ids, plain_ids, plain_ids, st.booleans())
def test_different_chats_never_share_a_key(platform, chat, thread, other_chat, other_thread, in_group):
    chat_type = "group" if in_group else "dm"
    key, other = (
        build_session_key("default", MessageSource(platform, chat_type, one, two))
        for one, two in ((chat, thread), (other_chat, other_thread))
    )
    assert (key == other) == ((chat, thread) == (other_chat, other_thread))


@given(plain_ids, plain_ids)
def test_different_people_in_a_group_never_share_a_key(one, other):
    key, other_key = (build_session_key("default", group(user_id=user)) for user in (one, other))
    assert (key == other_key) == (one == other)


@given(profiles)
def test_a_namespace_names_its_profile(profile):
    assert profile_of_namespace(namespace_of_profile(profile)) == profile


@pytest.mark.parametrize(
    "text", ["", "agent", "agent:main", "agent:main:telegram", "chat:main:telegram:dm:1", "agent::x:dm"]
)
def test_what_is_no_key_is_none(text):
    assert parse_session_key(text) is None


@given(st.text())
def test_any_text_is_a_key_or_none(text):
    assert parse_session_key(text) in (None, text)


@pytest.mark.parametrize(
    ("source", "shared"),
    [
        (MessageSource("telegram", "dm", "1"), False),
        (group(user_id="9"), False),
        (group(user_id="9", thread_id="1"), True),
    ],
)
def test_who_shares_a_conversation(source, shared):
    assert is_shared_multi_user(source) is shared
    assert is_shared_multi_user(source, group_sessions_per_user=False) is (source.chat_type != "dm")
