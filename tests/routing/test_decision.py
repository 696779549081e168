from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.home.route_config import RouteConfig
from hermes_trio.routing.decision import RouteDecision, covers, decide
from hermes_trio.routing.route_table import build_route_table
from hermes_trio.routing.source import MessageSource
from tests.routing.routes import BOTS, IDS, TARGETS, bots, sources, tables, winner

KIDS = RouteConfig("kids", "telegram", chat_id="-100")
HERE = MessageSource("telegram", chat_id="-100", user_id="7")
ELSEWHERE = MessageSource("telegram", chat_id="-200", user_id="7")
GONE = "route_target_parked"


def nobody(_profile: str) -> str | None:
    return GONE


def everybody(_profile: str) -> str | None:
    return None


# Decisions


def test_a_message_that_no_route_takes_is_the_bots_own() -> None:
    assert decide(build_route_table([KIDS]), "default", ELSEWHERE, nobody) == RouteDecision(
        "default", "default", target="default"
    )


def test_a_routed_message_goes_to_the_target() -> None:
    assert decide(build_route_table([KIDS]), "default", HERE, everybody) == RouteDecision(
        "default", "kids", KIDS, target="kids"
    )


def test_a_message_to_a_target_that_is_not_there_goes_to_nobody() -> None:
    found = decide(build_route_table([KIDS]), "default", HERE, nobody)
    assert found == RouteDecision("default", None, KIDS, GONE, target="kids")


def test_a_less_specific_route_does_not_stand_in() -> None:
    table = build_route_table([KIDS, RouteConfig("career", "telegram")])
    found = decide(table, "default", HERE, lambda profile: GONE if profile == "kids" else None)
    assert (found.runtime_profile, found.route) == (None, KIDS)


def test_a_route_to_the_bots_own_profile_is_always_open() -> None:
    own = replace(KIDS, profile="default")
    assert decide(build_route_table([own]), "default", HERE, nobody) == RouteDecision(
        "default", "default", own, target="default"
    )


@pytest.mark.parametrize(
    ("reason", "is_transient"),
    [
        ("route_target_starting", True),
        ("route_target_draining", True),
        ("route_target_backoff", True),
        ("route_target_unknown", False),
        ("route_target_not_served", False),
        ("route_target_parked", False),
        ("route_target_failed", False),
        ("route_target_quarantined", False),
    ],
)
def test_some_reasons_pass_by_themselves(reason: str, is_transient: bool) -> None:
    found = decide(build_route_table([KIDS]), "default", HERE, lambda _: reason)
    assert (found.reason, found.is_transient) == (reason, is_transient)


def test_a_choice_comes_before_the_routes() -> None:
    table = build_route_table([KIDS])
    assert decide(table, "default", HERE, everybody, chosen="career") == RouteDecision(
        "default", "career", target="career"
    )
    assert decide(table, "default", HERE, nobody, chosen="default") == RouteDecision(
        "default", "default", target="default"
    )
    assert decide(table, "default", HERE, nobody, chosen="career") == RouteDecision(
        "default", None, None, GONE, target="career"
    )


@given(tables, bots, sources, st.frozensets(st.sampled_from(TARGETS)))
def test_a_message_never_goes_to_another_than_the_one_meant(
    declared: list[RouteConfig], bot: str, message: MessageSource, gone: frozenset[str]
) -> None:
    found = decide(build_route_table(declared), bot, message, lambda profile: GONE if profile in gone else None)
    meant = winner(declared, bot, message)
    target = meant.profile if meant else bot
    assert found.route is meant
    if target != bot and target in gone:
        assert (found.runtime_profile, found.reason) == (None, GONE)
    else:
        assert (found.runtime_profile, found.reason) == (target, None)


# Where a profile may send


def may_send(
    profile: str, chat: str, thread: str | None = None, *declared: RouteConfig, platform: str = "telegram"
) -> bool:
    return covers(build_route_table(declared), "default", profile, platform, chat, thread)


def test_without_routes_a_bot_is_its_own_profiles_alone() -> None:
    assert may_send("default", "-100")
    assert not may_send("kids", "-100")


def test_a_routed_chat_belongs_to_its_target() -> None:
    assert may_send("kids", "-100", None, KIDS)
    assert may_send("kids", "-100", "6", KIDS)
    assert not may_send("default", "-100", None, KIDS)
    assert not may_send("kids", "-200", None, KIDS)
    assert may_send("default", "-200", None, KIDS)


def test_a_routed_topic_does_not_open_the_rest_of_the_chat() -> None:
    topic = replace(KIDS, thread_id="6")
    assert may_send("kids", "-100", "6", topic)
    assert not may_send("kids", "-100", "9", topic)
    assert not may_send("kids", "-100", None, topic)
    assert not may_send("default", "-100", "6", topic)
    assert may_send("default", "-100", None, topic)


def test_a_message_to_a_forum_without_a_topic_stands_in_general() -> None:
    general = replace(KIDS, thread_id="1")
    assert may_send("kids", "-100", None, general)
    assert not may_send("default", "-100", None, general)
    assert may_send("default", "-200", None, general)
    assert not may_send("kids", "-100", None, replace(general, platform="discord"), platform="discord")


def test_another_bot_in_the_chat_is_another_matter() -> None:
    table = build_route_table([KIDS])
    assert covers(table, "coder", "coder", "telegram", "-100", None)
    assert not covers(table, "coder", "kids", "telegram", "-100", None)


def test_the_direct_chat_with_a_routed_sender_belongs_to_the_target() -> None:
    sender = RouteConfig("kids", "telegram", user_id="7")
    assert may_send("kids", "7", None, sender)
    assert not may_send("default", "7", None, sender)
    assert may_send("default", "8", None, sender)


def test_a_routed_sender_opens_no_groups() -> None:
    assert not may_send("kids", "-100", None, RouteConfig("kids", "telegram", user_id="7"))


def test_the_direct_chat_is_found_in_every_form_of_the_number() -> None:
    sender = RouteConfig("kids", "whatsapp", user_id="+49170555")
    assert may_send("kids", "49170555@s.whatsapp.net", None, sender, platform="whatsapp")


def test_a_chat_named_with_a_sender_is_shared() -> None:
    sender = replace(KIDS, user_id="7")
    assert may_send("kids", "-100", None, sender)
    assert may_send("default", "-100", None, sender)
    assert not may_send("career", "-100", None, sender)
    assert not may_send("kids", "-200", None, sender)


def test_a_share_ends_where_a_more_specific_route_takes_the_sender() -> None:
    declared = [
        replace(KIDS, user_id="7"),
        RouteConfig("career", "telegram", user_id="7", chat_id="-100", thread_id="6"),
    ]
    assert may_send("kids", "-100", "9", *declared)
    assert not may_send("kids", "-100", "6", *declared)
    assert may_send("career", "-100", "6", *declared)


def test_a_share_takes_a_route_of_ones_own() -> None:
    """That another profile's route names the chat with a sender of ours opens it to that profile only."""
    ours = RouteConfig("kids", "telegram", user_id="7", thread_id="6")
    theirs = replace(KIDS, profile="career", user_id="7")
    assert not may_send("kids", "-100", "6", ours, theirs)


def test_a_chat_named_with_a_sender_is_shared_with_its_threads() -> None:
    table = build_route_table([RouteConfig("kids", "discord", user_id="7", chat_id="9")])
    assert covers(table, "default", "kids", "discord", "55", None, parent_chat_id="9")
    assert not covers(table, "default", "kids", "discord", "55", None, parent_chat_id="8")


def test_a_group_that_writes_in_its_own_name_is_no_person() -> None:
    """Telegram's anonymous admins have the group's id."""
    anonymous = RouteConfig("kids", "telegram", user_id="-100")
    assert not may_send("kids", "-100", None, anonymous)
    assert may_send("default", "-100", None, anonymous)


def test_guild_and_parent_count_when_they_are_known() -> None:
    table = build_route_table(
        [RouteConfig("kids", "discord", guild_id="g"), RouteConfig("career", "discord", chat_id="9")]
    )
    assert covers(table, "default", "kids", "discord", "5", None, guild_id="g")
    assert not covers(table, "default", "default", "discord", "5", None, guild_id="g")
    assert covers(table, "default", "career", "discord", "55", "55", parent_chat_id="9", guild_id="g")
    assert not covers(table, "default", "kids", "discord", "55", "55", parent_chat_id="9", guild_id="g")


@given(tables, bots, st.sampled_from(TARGETS), st.sampled_from(IDS), st.none() | st.sampled_from(IDS))
def test_a_profile_may_send_only_where_it_would_answer_somebody(
    declared: list[RouteConfig], bot: str, profile: str, chat: str, thread: str | None
) -> None:
    if not covers(build_route_table(declared), bot, profile, "discord", chat, thread):
        return
    people = (None, *IDS)
    answered = {
        found.profile if (found := winner(declared, bot, source)) else bot
        for source in (MessageSource("discord", chat_id=chat, thread_id=thread, user_id=user) for user in people)
    }
    assert profile in answered


@given(tables, bots, st.sampled_from(IDS), st.none() | st.sampled_from(IDS))
def test_every_chat_has_somebody_who_may_send_there(
    declared: list[RouteConfig], bot: str, chat: str, thread: str | None
) -> None:
    table = build_route_table(declared)
    assert any(covers(table, bot, profile, "telegram", chat, thread) for profile in {*BOTS, *TARGETS})
