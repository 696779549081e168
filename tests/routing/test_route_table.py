from __future__ import annotations

import dataclasses
from types import MappingProxyType

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.home.route_config import RouteConfig
from hermes_trio.routing.route_table import RouteTable, build_route_table, explain_candidates, resolve_route
from hermes_trio.routing.source import MessageSource
from hermes_trio_adapters.telegram.parse import parse_message
from hermes_trio_adapters.telegram.wire import Message, User
from tests.routing.routes import bots, holds, importance, routes, sources, tables, winner


def route(profile: str = "kids", platform: str = "telegram", **fields: str) -> RouteConfig:
    return RouteConfig(profile, platform, **fields)


def source(**fields: str) -> MessageSource:
    return MessageSource(**{"platform": "telegram", "chat_id": "-100", "user_id": "7", **fields})


def goes_to(*declared: RouteConfig, bot: str = "default", **fields: str) -> str:
    return resolve_route(build_route_table(declared), bot, source(**fields)).runtime_profile


# What matches


def test_without_routes_the_bots_own_profile_answers() -> None:
    assert goes_to() == "default"
    assert goes_to(bot="coder") == "coder"
    assert resolve_route(RouteTable(), "coder", source()).route is None


def test_a_route_by_chat_takes_the_messages_of_this_chat_only() -> None:
    assert goes_to(route(chat_id="-100")) == "kids"
    assert goes_to(route(chat_id="-100"), chat_id="-1001") == "default"


def test_a_route_by_chat_takes_the_chats_threads_too() -> None:
    assert goes_to(route(chat_id="9"), chat_id="55", parent_chat_id="9") == "kids"


def test_a_route_by_topic_takes_this_topic_only() -> None:
    topic = route(chat_id="-100", thread_id="6")
    assert [goes_to(topic, thread_id=thread) for thread in ("6", "9", "66")] == ["kids", "default", "default"]
    assert goes_to(topic) == "default"


def test_a_topic_without_a_chat_is_meant_in_every_chat_of_the_platform() -> None:
    assert goes_to(route(thread_id="6"), thread_id="6", chat_id="-5") == "kids"


def test_a_route_by_guild_takes_the_guilds_chats() -> None:
    assert goes_to(route(guild_id="g"), guild_id="g") == "kids"
    assert goes_to(route(guild_id="g")) == "default"


def test_a_route_by_sender_takes_the_senders_messages_everywhere() -> None:
    assert goes_to(route(user_id="7"), chat_id="-3") == "kids"
    assert goes_to(route(user_id="7"), user_id="8") == "default"


def test_a_sender_is_known_by_either_id() -> None:
    assert goes_to(route(user_id="uuid"), user_id="+49", user_id_alt="uuid") == "kids"


def test_a_route_by_platform_takes_the_rest_of_this_platform() -> None:
    assert goes_to(route()) == "kids"
    assert goes_to(route(platform="discord")) == "default"
    assert goes_to(route(platform="Telegram"), platform="TELEGRAM") == "kids"


def test_a_route_without_a_platform_takes_what_no_other_takes() -> None:
    catch_all = route(platform="")
    assert goes_to(catch_all, platform="irc") == "kids"
    assert goes_to(catch_all, route("career"), platform="telegram") == "career"


def test_all_that_is_declared_must_hold() -> None:
    declared = {"user_id": "7", "guild_id": "g", "chat_id": "-100", "thread_id": "6"}
    assert goes_to(route(**declared), **declared) == "kids"
    for name in declared:
        assert goes_to(route(**declared), **{**declared, name: "other"}) == "default"


def test_an_empty_id_matches_nothing() -> None:
    """Settings do not make such a route; if one is made all the same, it is not a wider one."""
    for name in ("user_id", "guild_id", "chat_id", "thread_id"):
        assert goes_to(route(**{name: ""})) == "default"
        assert goes_to(route(**{name: ""}), **{name: ""}) == "default"


def test_a_route_holds_for_the_bot_it_names() -> None:
    of_coder = route(bot_profile="coder", chat_id="-100")
    assert goes_to(of_coder, bot="coder") == "kids"
    assert goes_to(of_coder) == "default"


def test_two_bots_in_one_chat_never_take_each_others_routes() -> None:
    declared = [route("kids", chat_id="-100"), route("career", bot_profile="coder", chat_id="-100")]
    assert [goes_to(*declared, bot=bot) for bot in ("default", "coder", "other")] == ["kids", "career", "other"]


# WhatsApp


@pytest.mark.parametrize("written", ["+49170555", "49170555", "49170555@s.whatsapp.net", "49170555@c.us"])
@pytest.mark.parametrize("seen", ["49170555:12@s.whatsapp.net", "49170555@c.us", "+49170555"])
def test_all_forms_of_a_number_are_one_person(written: str, seen: str) -> None:
    assert goes_to(route(platform="whatsapp", user_id=written), platform="whatsapp", user_id=seen) == "kids"
    assert goes_to(route(platform="whatsapp", chat_id=written), platform="whatsapp", chat_id=seen) == "kids"


def test_a_lid_is_the_number_only_when_the_message_says_both() -> None:
    by_number = route(platform="whatsapp", user_id="+49170555")
    lid = {"platform": "whatsapp", "user_id": "9999@lid"}
    assert goes_to(by_number, **lid) == "default"
    assert goes_to(by_number, **lid, user_id_alt="49170555:1@s.whatsapp.net") == "kids"
    assert goes_to(route(platform="whatsapp", user_id="9999@lid"), **lid) == "kids"
    assert goes_to(route(platform="whatsapp", user_id="9999"), **lid) == "default"


# Telegram's General topic


@pytest.mark.parametrize(("is_forum", "profile"), [(True, "kids"), (False, "default")])
def test_topic_1_is_the_general_topic_of_a_forum_and_no_ordinary_group(is_forum: bool, profile: str) -> None:
    chat = {"id": -100, "type": "supergroup", "title": "Team", "is_forum": is_forum}
    sender = {"id": 7, "is_bot": False, "first_name": "A"}
    message = msgspec.convert({"message_id": 5, "date": 1, "chat": chat, "from": sender, "text": "hi"}, Message)
    parsed = parse_message(message, User(42, is_bot=True, first_name="Bot"))
    assert parsed is not None
    table = build_route_table([route(chat_id="-100", thread_id="1")])
    assert resolve_route(table, "default", parsed.source).runtime_profile == profile


# Which one wins


def test_the_most_specific_route_wins() -> None:
    everything = {"user_id": "7", "thread_id": "6", "chat_id": "-100", "guild_id": "g"}
    ordered = [
        route("a", user_id="7"),
        route("b", thread_id="6", chat_id="-100", guild_id="g"),
        route("c", thread_id="6"),
        route("d", chat_id="-100", guild_id="g"),
        route("e", chat_id="-100"),
        route("f", guild_id="g"),
        route("g"),
        route("h", platform=""),
    ]
    assert build_route_table(reversed(ordered)).routes == tuple(ordered)
    for first, one in enumerate(ordered):
        assert goes_to(*reversed(ordered[first:]), **everything) == one.profile


def test_of_equally_specific_routes_the_first_wins() -> None:
    assert goes_to(route("a", chat_id="-100"), route("b", chat_id="-100")) == "a"


def test_a_chat_and_its_parent_are_equally_specific() -> None:
    child, parent = route("a", chat_id="55"), route("b", chat_id="9")
    assert goes_to(child, parent, chat_id="55", parent_chat_id="9") == "a"
    assert goes_to(parent, child, chat_id="55", parent_chat_id="9") == "b"


def test_the_table_knows_its_targets() -> None:
    assert build_route_table([route("a"), route("b"), route("a", chat_id="1")]).targets() == {"a", "b"}


def test_the_table_cannot_be_changed() -> None:
    table = build_route_table([route()])
    with pytest.raises(dataclasses.FrozenInstanceError):
        table.routes = ()  # type: ignore[misc]
    assert isinstance(table.shapes, MappingProxyType)


# Ties


def test_routes_with_equal_conditions_and_different_targets_are_ties() -> None:
    first, same, other, third = (route(name, chat_id="-100") for name in ("a", "a", "b", "c"))
    assert build_route_table([first, same, other, third]).ties == ((first, other), (first, third))


def test_ids_that_mean_the_same_make_a_tie() -> None:
    first = route("a", platform="whatsapp", user_id="+49170")
    other = route("b", platform="whatsapp", user_id="49170@c.us")
    assert build_route_table([first, other]).ties == ((first, other),)


def test_routes_for_different_bots_or_places_are_no_ties() -> None:
    declared = [route("a"), route("b", bot_profile="coder"), route("c", chat_id="1"), route("d", chat_id="2")]
    assert build_route_table(declared).ties == ()


# Explained


def test_every_route_is_explained() -> None:
    declared = [
        route("a", chat_id="-100", thread_id="6"),
        route("b", user_id="8", bot_profile="coder"),
        route("c", guild_id="g", chat_id="-5"),
        route("d", platform="irc"),
        route("e"),
    ]
    source_ = source(thread_id="9", user_id_alt="uuid", parent_chat_id="-7")
    found = explain_candidates(build_route_table(declared), "default", source_)
    assert [(one.route.profile, one.score, one.matches, one.mismatches) for one in found] == [
        ("b", 17, False, ("bot_profile is default, not coder", "user_id is 7 or uuid, not 8")),
        ("a", 13, False, ("thread_id is 9, not 6",)),
        ("c", 7, False, ("chat_id is -100 or -7, not -5", "guild_id is missing, not g")),
        ("d", 1, False, ("platform is telegram, not irc",)),
        ("e", 1, True, ()),
    ]


# For any routes and messages


@given(tables, bots, sources)
def test_the_winner_is_the_one_that_trying_all_of_them_finds(
    declared: list[RouteConfig], bot: str, message: MessageSource
) -> None:
    found = resolve_route(build_route_table(declared), bot, message)
    expected = winner(declared, bot, message)
    assert found.route is expected
    assert found.runtime_profile == (expected.profile if expected else bot)


@given(tables, bots, sources)
def test_the_explanation_says_what_is_done(declared: list[RouteConfig], bot: str, message: MessageSource) -> None:
    table = build_route_table(declared)
    candidates = explain_candidates(table, bot, message)
    assert tuple(one.route for one in candidates) == table.routes
    assert [one.matches for one in candidates] == [holds(one.route, bot, message) for one in candidates]
    assert all(one.matches is (not one.mismatches) for one in candidates)
    first = next((one.route for one in candidates if one.matches), None)
    assert resolve_route(table, bot, message).route is first


@given(tables, bots, sources)
def test_nothing_that_matches_is_more_specific_than_the_winner(
    declared: list[RouteConfig], bot: str, message: MessageSource
) -> None:
    found = resolve_route(build_route_table(declared), bot, message).route
    matching = [importance(one) for one in declared if holds(one, bot, message)]
    assert not matching or (found is not None and importance(found) == max(matching))


@given(st.lists(routes, max_size=12, unique_by=importance), st.randoms(), bots, sources)
def test_the_order_of_unequally_specific_routes_does_not_matter(
    declared: list[RouteConfig], random: object, bot: str, message: MessageSource
) -> None:
    shuffled = list(declared)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert resolve_route(build_route_table(shuffled), bot, message) == resolve_route(
        build_route_table(declared), bot, message
    )


@given(tables, sources)
def test_routes_of_another_bot_change_nothing(declared: list[RouteConfig], message: MessageSource) -> None:
    own = [one for one in declared if one.bot_profile == "default"]
    assert resolve_route(build_route_table(declared), "default", message) == resolve_route(
        build_route_table(own), "default", message
    )


@given(tables, bots, sources)
def test_ties_are_routes_that_win_and_lose_together(
    declared: list[RouteConfig], bot: str, message: MessageSource
) -> None:
    table = build_route_table(declared)
    for first, other in table.ties:
        assert importance(first) == importance(other)
        assert first.profile != other.profile
        assert holds(first, bot, message) is holds(other, bot, message)
        assert resolve_route(table, bot, message).route is not other
