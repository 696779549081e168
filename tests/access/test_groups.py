"""When a bot answers in a group."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.access.groups import GroupReason, Verdict, bad_mention_patterns, group_verdict
from hermes_trio.adapter_api.messages import InboundMessage, QuotedMessage
from hermes_trio.home.platform_config import AccessConfig
from tests.access.rig import direct, group

USUAL = AccessConfig()
STRICT = AccessConfig(require_mention=True)
OURS = QuotedMessage("5", is_ours=True)
THEIRS = QuotedMessage("5")


def message(text: str = "hello", source=None, **more: object) -> InboundMessage:
    return InboundMessage(source or group(), "1", text, 0.0, **more)


def verdict(access, what, *, required=False):
    found = group_verdict(access, what, requires_mention_default=required)
    return found.verdict.value, found.reason.value


def only(**lists: str) -> AccessConfig:
    return AccessConfig(**{name: frozenset(ids.split()) for name, ids in lists.items()})


@pytest.mark.parametrize(
    ("access", "what", "expected"),
    [
        (USUAL, message(), ("answer", "no_mention_needed")),
        (STRICT, message(), ("drop", "mention_required")),
        (STRICT, message(mentions_us=True), ("answer", "mention")),
        (STRICT, message(quoted=OURS), ("answer", "reply")),
        (STRICT, message(quoted=THEIRS), ("drop", "mention_required")),
        (replace(STRICT, observe_unmentioned=True), message(), ("observe", "mention_required")),
        # a direct message needs no mention, whatever the lists of groups say
        (replace(STRICT, allowed_chats=frozenset({"-9"})), message(source=direct()), ("answer", "direct")),
        (AccessConfig(dm_policy="disabled"), message(source=direct()), ("drop", "policy_disabled")),
        (AccessConfig(group_policy="disabled"), message(mentions_us=True), ("drop", "policy_disabled")),
        # threads and topics
        (only(ignored_threads="7"), message(mentions_us=True, source=group(thread_id="7")), ("drop", "thread_ignored")),
        (only(ignored_threads="7"), message(source=group(thread_id="8")), ("answer", "no_mention_needed")),
        (only(ignored_threads="1"), message(source=group()), ("drop", "thread_ignored")),
        (only(allowed_topics="7"), message(source=group(thread_id="7")), ("answer", "no_mention_needed")),
        (only(allowed_topics="7"), message(source=group(thread_id="8")), ("drop", "topic_not_allowed")),
        (only(allowed_topics="7"), message(source=group()), ("drop", "topic_not_allowed")),
        (only(allowed_topics="1"), message(source=group()), ("answer", "no_mention_needed")),
        (only(allowed_topics="1"), message(source=group(thread_id="1")), ("answer", "no_mention_needed")),
        (
            only(ignored_threads="7", allowed_topics="7"),
            message(source=group(thread_id="7")),
            ("drop", "thread_ignored"),
        ),
        # chats
        (only(ignored_chats="-100"), message(mentions_us=True), ("drop", "chat_ignored")),
        (only(allowed_chats="-100"), message(), ("answer", "no_mention_needed")),
        (only(allowed_chats="*"), message(), ("answer", "no_mention_needed")),
        (only(allowed_chats="-9"), message(mentions_us=True), ("drop", "chat_not_allowed")),
        (
            only(allowed_chats="-100"),
            message(source=group("1", "-7", parent_chat_id="-100")),
            ("answer", "no_mention_needed"),
        ),
        (only(allowed_chats="-9"), message(source=group(chat=None)), ("drop", "chat_not_allowed")),
    ],
)
def test_the_first_rule_that_decides_counts(access, what, expected):
    assert verdict(access, what) == expected


def test_guest_mode_opens_other_chats_to_a_mention_and_to_nothing_else():
    guests = replace(only(allowed_chats="-9"), guest_mode=True)
    assert verdict(guests, message(mentions_us=True)) == ("answer", "guest_mention")
    assert verdict(guests, message(quoted=OURS)) == ("drop", "chat_not_allowed")
    assert verdict(replace(guests, mention_patterns=("hello",)), message()) == ("drop", "chat_not_allowed")
    ignoring = replace(guests, ignored_threads=frozenset({"7"}))
    assert verdict(ignoring, message(mentions_us=True, source=group(thread_id="7"))) == ("drop", "thread_ignored")


@pytest.mark.parametrize("lists", [{"free_response_chats": "-100"}, {"free_response_topics": "7"}])
def test_where_it_may_speak_freely_no_mention_is_needed(lists):
    access = replace(only(**lists), require_mention=True)
    assert verdict(access, message(source=group(thread_id="7"))) == ("answer", "free_response")
    assert verdict(access, message(source=group(chat="-8", thread_id="8"))) == ("drop", "mention_required")


def test_the_platforms_usual_holds_where_the_user_says_nothing():
    assert verdict(USUAL, message(), required=True) == ("drop", "mention_required")
    assert verdict(AccessConfig(require_mention=False), message(), required=True) == ("answer", "no_mention_needed")


def test_a_message_for_another_bot_is_left_to_it_on_request():
    exclusive = replace(only(free_response_chats="-100"), exclusive_bot_mentions=True)
    assert verdict(USUAL, message(mentions_other_bot=True)) == ("answer", "no_mention_needed")
    assert verdict(exclusive, message(mentions_other_bot=True)) == ("drop", "other_bot_mentioned")
    assert verdict(exclusive, message(mentions_other_bot=True, quoted=OURS)) == ("drop", "other_bot_mentioned")
    assert verdict(exclusive, message(mentions_other_bot=True, mentions_us=True)) == ("answer", "free_response")


def test_a_bot_that_may_only_mention_is_not_heard_otherwise():
    access = replace(only(free_response_chats="-100"), allow_bots="mentions")
    bot = group(is_bot=True)
    assert verdict(access, message(source=bot)) == ("drop", "bot_without_mention")
    assert verdict(access, message(source=bot, mentions_us=True)) == ("answer", "free_response")
    assert verdict(replace(access, allow_bots="all"), message(source=bot)) == ("answer", "free_response")


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        (r"^hey coder\b", "Hey Coder, look", True),
        (r"^hey coder\b", "they said hey coder", False),
        (r"кодер", "эй КОДЕР", True),
        (r"(a+)+$", "a" * 50_000 + "b", False),
        (r"coder", "half \ud83d coder", True),
    ],
)
def test_a_pattern_counts_as_a_mention(pattern, text, fits):
    access = replace(STRICT, mention_patterns=("nothing", pattern))
    expected = ("answer", "pattern") if fits else ("drop", "mention_required")
    assert verdict(access, message(text)) == expected


@pytest.mark.parametrize("pattern", ["(", "", "(?<=a)b", "a" * 3000, "\ud83d", "[", "a{9999}"])
def test_a_bad_pattern_counts_for_nothing_and_is_told(pattern):
    access = replace(STRICT, mention_patterns=(pattern, "coder"))
    assert verdict(access, message("hello")) == ("drop", "mention_required")
    assert verdict(access, message("coder")) == ("answer", "pattern")
    assert len(bad_mention_patterns(access)) == 1


def test_good_patterns_are_not_complained_of():
    assert bad_mention_patterns(replace(STRICT, mention_patterns=("coder", r"\bbot\b"))) == ()


lists = st.frozensets(st.sampled_from(["-100", "1", "7", "*", "", "x"]), max_size=3)
rules = st.builds(
    AccessConfig,
    allowed_chats=lists,
    allowed_topics=lists,
    ignored_threads=lists,
    ignored_chats=lists,
    free_response_chats=lists,
    free_response_topics=lists,
    require_mention=st.sampled_from([None, True, False]),
    mention_patterns=st.lists(st.sampled_from(["hello", "(", "x$"]), max_size=2).map(tuple),
    exclusive_bot_mentions=st.booleans(),
    guest_mode=st.booleans(),
    observe_unmentioned=st.booleans(),
)
messages = st.builds(
    InboundMessage,
    source=st.builds(
        group,
        chat=st.sampled_from(["-100", "-7", None, ""]),
        thread_id=st.sampled_from([None, "", "1", "7"]),
        is_bot=st.booleans(),
    ),
    message_id=st.just("1"),
    text=st.sampled_from(["hello", "", "x"]),
    at=st.just(0.0),
    quoted=st.sampled_from([None, OURS, THEIRS]),
    mentions_us=st.booleans(),
    mentions_other_bot=st.booleans(),
)


@given(rules, messages, st.booleans())
def test_what_is_dropped_or_kept_depends_on_the_setting_for_context_only_where_the_place_is_open(
    access, what, required
):
    silent = group_verdict(replace(access, observe_unmentioned=False), what, requires_mention_default=required)
    keeping = group_verdict(replace(access, observe_unmentioned=True), what, requires_mention_default=required)
    assert silent.reason is keeping.reason
    assert silent.verdict is not Verdict.OBSERVE
    closed = {
        GroupReason.CHAT_IGNORED,
        GroupReason.THREAD_IGNORED,
        GroupReason.TOPIC_NOT_ALLOWED,
        GroupReason.CHAT_NOT_ALLOWED,
    }
    if silent.reason in closed:
        assert keeping.verdict is Verdict.DROP
    assert (silent.verdict is Verdict.ANSWER) == (keeping.verdict is Verdict.ANSWER)


@given(rules, messages, st.booleans())
def test_asking_for_a_mention_never_makes_the_bot_answer_more(access, what, required):
    relaxed = group_verdict(replace(access, require_mention=False), what, requires_mention_default=required)
    strict = group_verdict(replace(access, require_mention=True), what, requires_mention_default=required)
    if strict.verdict is Verdict.ANSWER:
        assert relaxed.verdict is Verdict.ANSWER
