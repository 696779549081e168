from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hermes_trio.home.route_config import RouteConfig
from hermes_trio.home.settings import ProfileSettings

if TYPE_CHECKING:
    from hermes_trio.home.config import ProfileConfig

Load = Callable[..., ProfileSettings]
Decode = Callable[[str], tuple[RouteConfig, ...]]


@pytest.fixture
def decode(load: Load) -> Decode:
    """The routes of settings in which nothing is wrong."""

    def routes(text: str) -> tuple[RouteConfig, ...]:
        config = load(text).config
        assert (config.notices, config.unknown_keys) == ((), ())
        return config.gateway.profile_routes

    return routes


@pytest.fixture
def mistakes(load: Load) -> Callable[[str], list[tuple[str, int | None]]]:
    """Path and line of the mistakes in settings of which no route is left."""

    def found(text: str) -> list[tuple[str, int | None]]:
        config = load(text).config
        assert config.gateway.profile_routes == ()
        assert {notice.code for notice in config.notices} <= {"route_invalid", "value_ignored"}
        return [(notice.path, notice.location.line) for notice in config.notices]

    return found


def remarks(config: ProfileConfig) -> list[tuple[str, str]]:
    return [(notice.path, notice.text) for notice in config.notices]


# The list


@pytest.mark.parametrize(("prefix", "indent"), [("", ""), ("gateway:\n", "  ")])
def test_a_list_of_routes(decode: Decode, prefix: str, indent: str) -> None:
    lines = [
        "profile_routes:",
        "  - {name: Team, platform: Telegram, chat_id: -100, thread_id: 6, profile: Career}",
        "  - {platform: discord, guild_id: '1', user_id: 2, bot_profile: Coder, profile: kids, enabled: yes}",
        "  - {platform: irc, profile: kids}",
    ]
    path = "gateway.profile_routes" if prefix else "profile_routes"
    assert decode(prefix + "\n".join(indent + line for line in lines)) == (
        RouteConfig("career", "telegram", chat_id="-100", thread_id="6", name="Team", origin=f"{path}[0]"),
        RouteConfig("kids", "discord", "coder", user_id="2", guild_id="1", origin=f"{path}[1]"),
        RouteConfig("kids", "irc", origin=f"{path}[2]"),
    )


def test_a_topic_may_stand_without_a_chat(decode: Decode) -> None:
    (route,) = decode("profile_routes: [{platform: telegram, thread_id: 6, profile: a}]")
    assert (route.chat_id, route.thread_id) == (None, "6")


def test_the_top_level_wins_over_gateway(load: Load) -> None:
    text = "gateway: {profile_routes: [{platform: irc, profile: a}]}\nprofile_routes: [{platform: irc, profile: b}]\n"
    config = load(text).config
    assert [route.profile for route in config.gateway.profile_routes] == ["b"]
    assert [(notice.code, notice.path) for notice in config.notices] == [("shadowed_key", "gateway.profile_routes")]


def test_a_route_that_is_switched_off_is_left_out_without_a_word(decode: Decode) -> None:
    assert decode("profile_routes: [{enabled: false, platform: irc, profil: a, chat_id: null}]") == ()


@pytest.mark.parametrize("key", ["platform", "bot_profile", "user_id", "guild_id", "chat_id", "thread_id", "profile"])
@pytest.mark.parametrize("value", ["", "null", "''", "' '", "true", "no", "[1]", "{a: b}"])
def test_a_value_that_says_nothing_leaves_the_route_out(
    mistakes: Callable[[str], object], key: str, value: str
) -> None:
    fields = {"platform": "irc", "profile": "a", "chat_id": "1", key: value}
    text = "profile_routes:\n  -\n" + "".join(f"    {name}: {text}\n" for name, text in fields.items())
    line = 3 + list(fields).index(key)
    assert mistakes(text) == [(f"profile_routes[0].{key}", line)]


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ("{profile: a}", "profile_routes[0]"),
        ("{profile: a, chat_id: 1}", "profile_routes[0]"),
        ("{profile: a, user_id: 1}", "profile_routes[0]"),
        ("{platform: irc}", "profile_routes[0]"),
        ("{platform: irc, profile: a, agent: a}", "profile_routes[0]"),
        ("{platform: irc, profile: a, chatid: 1}", "profile_routes[0].chatid"),
        ("{platform: irc, profile: a, enabled: perhaps}", "profile_routes[0].enabled"),
        ("{platform: 'i:rc', profile: a}", "profile_routes[0].platform"),
        ("{platform: irc, profile: a b}", "profile_routes[0].profile"),
        ("{platform: irc, profile: ../x}", "profile_routes[0].profile"),
        ("{platform: irc, profile: a, bot_profile: 'x y'}", "profile_routes[0].bot_profile"),
        ("{platform: irc, profile: a, name: [x]}", "profile_routes[0].name"),
        ("{platform: irc, profile: a, chat_id: '*'}", "profile_routes[0].chat_id"),
        ("{platform: irc, profile: a, match: 5}", "profile_routes[0].match"),
        ("{platform: irc, profile: a, match: {platform: irc}}", "profile_routes[0].match.platform"),
        ("{platform: irc, profile: a, match: {name: x}}", "profile_routes[0].match.name"),
        ("irc", "profile_routes[0]"),
        ("", "profile_routes[0]"),
    ],
)
def test_a_route_with_a_mistake_is_left_out(mistakes: Callable[[str], object], entry: str, path: str) -> None:
    assert mistakes(f"profile_routes:\n  - {entry}\n") == [(path, 2)]


def test_a_mistake_harms_no_other_route(load: Load) -> None:
    config = load("profile_routes: [{platform: irc}, 5, {platform: irc, profile: a}]").config
    assert [route.origin for route in config.gateway.profile_routes] == ["profile_routes[2]"]
    assert [notice.path for notice in config.notices] == ["profile_routes[1]", "profile_routes[0]"]


@pytest.mark.parametrize("value", ["x", "5", "true"])
def test_what_is_neither_list_nor_mapping_is_remarked(mistakes: Callable[[str], object], value: str) -> None:
    assert mistakes(f"profile_routes: {value}") == [("profile_routes", 1)]


def test_a_remark_says_what_is_wrong_and_what_becomes_of_the_route(load: Load) -> None:
    config = load("profile_routes: [{platform: irc, profile: a, user_id: }]").config
    assert remarks(config) == [("profile_routes[0].user_id", "empty; the route is left out")]


# Ids


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("-1001234567890", "-1001234567890"),
        ("'-1001234567890'", "-1001234567890"),
        ("' 5 '", "5"),
        ("+491701234567", "+491701234567"),
        ("0123", "0123"),
        ("1:30", "1:30"),
        ("1712345678.123456", "1712345678.123456"),
        ("1712345678.100000", "1712345678.100000"),
        ("-1.00123456789e+12", "-1001234567890"),
        ("1.0e+12", "1000000000000"),
        ("1e12", "1000000000000"),
        ("1e+12", "1000000000000"),
        ("1.5e0", "1.5e0"),
        ("2024-01-01", "2024-01-01"),
        ("'1_000'", "1_000"),
        ("'0x1F'", "0x1F"),
        ("'!room:server.org'", "!room:server.org"),
        ("'#chan'", "#chan"),
        ("1e999999999", "1e999999999"),
    ],
)
def test_an_id_is_what_is_written(decode: Decode, written: str, text: str) -> None:
    (route,) = decode(f"profile_routes: [{{platform: x, profile: a, chat_id: {written}}}]")
    assert route.chat_id == text


@pytest.mark.parametrize("written", ["1_000", "-100_123", "0x1F", "0b11", "1_0.5", ".inf", "-.inf", ".nan", "~"])
def test_a_number_that_may_mean_something_else_is_no_id(mistakes: Callable[[str], object], written: str) -> None:
    assert mistakes(f"profile_routes: [{{platform: x, profile: a, chat_id: {written}}}]") == [
        ("profile_routes[0].chat_id", 1)
    ]


def test_an_id_may_come_from_a_variable(load: Load) -> None:
    config = load("profile_routes: [{platform: x, profile: a, chat_id: '${CHAT}'}]", "CHAT=-100\n").config
    assert config.gateway.profile_routes[0].chat_id == "-100"


# Nested


NESTED = """
gateway:
  profile_routes:
    telegram:
      "-1003961179976":
        "6": career
        7: Finance
      -200: research
    Discord:
      "789012345":
        "111222333": my-discord-agent
    irc: kids
"""


def test_profiles_below_platform_chat_and_thread(decode: Decode) -> None:
    path = "gateway.profile_routes"
    telegram = f"{path}.telegram"
    assert decode(NESTED) == (
        RouteConfig(
            "career", "telegram", chat_id="-1003961179976", thread_id="6", origin=f"{telegram}.-1003961179976.6"
        ),
        RouteConfig(
            "finance", "telegram", chat_id="-1003961179976", thread_id="7", origin=f"{telegram}.-1003961179976.7"
        ),
        RouteConfig("research", "telegram", chat_id="-200", origin=f"{telegram}.-200"),
        RouteConfig(
            "my-discord-agent",
            "discord",
            chat_id="789012345",
            thread_id="111222333",
            origin=f"{path}.Discord.789012345.111222333",
        ),
        RouteConfig("kids", "irc", origin=f"{path}.irc"),
    )


@pytest.mark.parametrize(
    ("nested", "path"),
    [
        ("{telegram: {'-100': {'6': null}}}", "profile_routes.telegram.-100.6"),
        ("{telegram: {'-100': null}}", "profile_routes.telegram.-100"),
        ("{telegram: }", "profile_routes.telegram"),
        ("{telegram: {'-100': {'6': [a]}}}", "profile_routes.telegram.-100.6"),
        ("{telegram: {'-100': {'6': {x: y}}}}", "profile_routes.telegram.-100.6"),
        ("{telegram: {'-100': true}}", "profile_routes.telegram.-100"),
        ("{telegram: {'*': a}}", "profile_routes.telegram.*"),
        ("{telegram: {'': a}}", 'profile_routes.telegram.""'),
        ("{telegram: {null: a}}", "profile_routes.telegram.null"),
        ("{telegram: {'-100': {~: a}}}", "profile_routes.telegram.-100.~"),
        ("{telegram: {'-100': {profile: a}}}", "profile_routes.telegram.-100.profile"),
        ("{telegram: {'-100': {'6': Not valid}}}", "profile_routes.telegram.-100.6"),
        ("{'tele gram': a}", 'profile_routes."tele gram"'),
    ],
)
def test_a_mistake_below_a_platform_leaves_its_route_out(
    mistakes: Callable[[str], object], nested: str, path: str
) -> None:
    assert mistakes(f"profile_routes: {nested}\n") == [(path, 1)]


def test_a_route_that_should_have_been_in_a_list_is_not_misread(load: Load) -> None:
    config = load("profile_routes: {platform: telegram, chat_id: '1', profile: a}\n").config
    assert config.gateway.profile_routes == ()
    assert len(config.notices) == 3
    assert "after a dash" in config.notices[0].text


# Per platform


@pytest.mark.parametrize(
    ("prefix", "path"),
    [
        ("telegram:\n  topic_profiles:\n    ", "telegram"),
        ("platforms:\n  telegram:\n    topic_profiles:\n      ", "platforms.telegram"),
        ("platforms:\n  telegram:\n    extra:\n      topic_profiles:\n        ", "platforms.telegram.extra"),
        ("gateway:\n  platforms:\n    telegram:\n      topic_profiles:\n        ", "gateway.platforms.telegram"),
    ],
)
def test_topics_of_a_platform(load: Load, prefix: str, path: str) -> None:
    config = load(f'{prefix}"-100:6": career').config
    (route,) = config.gateway.profile_routes
    assert route == RouteConfig(
        "career", "telegram", chat_id="-100", thread_id="6", origin=f"{path}.topic_profiles.-100:6"
    )
    assert (config.notices, config.unknown_keys) == ((), ())
    assert "topic_profiles" not in config.platforms["telegram"].extra


def test_the_stronger_section_decides_about_a_topic(decode: Decode) -> None:
    found = decode(
        "telegram: {topic_profiles: {'-1:1': a, '-1:2': b}}\n"
        "platforms: {telegram: {topic_profiles: {'-1:2': c}, extra: {topic_profiles: {'-1:3': d}}}}\n"
    )
    assert sorted((str(route.thread_id), route.profile) for route in found) == [("1", "a"), ("2", "c"), ("3", "d")]


@pytest.mark.parametrize(
    ("platform", "topic", "chat", "thread"),
    [
        ("telegram", "-100:6", "-100", "6"),
        ("telegram", "-100", "-100", None),
        ("telegram", " 42 ", "42", None),
        ("discord", "123:456", "123", "456"),
        ("slack", "C012:1712345678.123456", "C012", "1712345678.123456"),
        ("matrix", "!abc:server.org", "!abc:server.org", None),
        ("matrix", "!abc:server.org:8448", "!abc:server.org:8448", None),
        ("matrix", "!abc:server.org:$event", "!abc:server.org", "$event"),
        ("matrix", "!abc:server.org:8448:$event:old.org", "!abc:server.org:8448", "$event:old.org"),
        ("teams", "a1", "a1", None),
        ("irc", "#a:b:c", "#a:b", "c"),
    ],
)
def test_chat_and_thread_of_a_topic(decode: Decode, platform: str, topic: str, chat: str, thread: str | None) -> None:
    (route,) = decode(f"{platform}: {{topic_profiles: {{'{topic}': a}}}}")
    assert (route.platform, route.chat_id, route.thread_id) == (platform, chat, thread)


@pytest.mark.parametrize(
    ("platform", "topic"),
    [
        ("telegram", "-100:"),
        ("telegram", ":6"),
        ("telegram", "-100:general"),
        ("telegram", "-100:6:7"),
        ("telegram", "@team:6"),
        ("telegram", "*"),
        ("discord", "1:"),
        ("discord", ":1"),
        ("discord", "1:*"),
        ("discord", ""),
        ("matrix", ":$event"),
        ("teams", "19:abc@thread.tacv2"),
        ("signal", "group:abc="),
    ],
)
def test_a_topic_that_cannot_be_told_apart_is_left_out(
    mistakes: Callable[[str], list[tuple[str, int | None]]], platform: str, topic: str
) -> None:
    ((path, line),) = mistakes(f"{platform}:\n  topic_profiles:\n    '{topic}': a\n")
    assert path.startswith(f"{platform}.topic_profiles.")
    assert line == 3


@pytest.mark.parametrize("value", ["a", "[a]", "5"])
def test_topics_that_are_no_mapping_are_remarked(mistakes: Callable[[str], object], value: str) -> None:
    assert mistakes(f"telegram: {{topic_profiles: {value}}}") == [("telegram.topic_profiles", 1)]


# Agents


AGENTS = """
agents:
  Coach: {profile: Career}
  finance:
  plain: {}
routes:
  - {agent: coach, platform: telegram, chat_id: -100, thread_id: 6}
  - {agent: finance, match: {platform: telegram, user_id: 7}}
  - {agent: plain, platform: discord}
  - {agent: Elsewhere, platform: irc}
  - {profile: kids, platform: sms}
default_agent: coach
"""


@pytest.mark.parametrize("under_gateway", [False, True])
def test_routes_to_agents_go_to_their_profiles(decode: Decode, under_gateway: bool) -> None:
    text = "gateway:" + AGENTS.replace("\n", "\n  ").rstrip() + "\n" if under_gateway else AGENTS
    path = "gateway." if under_gateway else ""
    assert decode(text) == (
        RouteConfig("career", "telegram", chat_id="-100", thread_id="6", origin=f"{path}routes[0]"),
        RouteConfig("finance", "telegram", user_id="7", origin=f"{path}routes[1]"),
        RouteConfig("plain", "discord", origin=f"{path}routes[2]"),
        RouteConfig("elsewhere", "irc", origin=f"{path}routes[3]"),
        RouteConfig("kids", "sms", origin=f"{path}routes[4]"),
        RouteConfig("career", "", origin=f"{path}default_agent"),
    )


def test_a_default_agent_needs_no_routes(decode: Decode) -> None:
    assert decode("default_agent: coder") == (RouteConfig("coder", "", origin="default_agent"),)


@pytest.mark.parametrize("value", ["true", "[a]", "{a: b}", "' '", "'a b'"])
def test_a_default_agent_that_is_no_name_is_left_out(mistakes: Callable[[str], object], value: str) -> None:
    assert mistakes(f"default_agent: {value}") == [("default_agent", 1)]


@pytest.mark.parametrize(
    ("agents", "path"),
    [
        ("{x: {profile: }}", "agents.x.profile"),
        ("{x: {profile: 'a b'}}", "agents.x.profile"),
        ("{x: 5}", "agents.x"),
    ],
)
def test_an_agent_with_a_mistake_has_no_routes(
    mistakes: Callable[[str], list[tuple[str, int | None]]], agents: str, path: str
) -> None:
    found = mistakes(f"agents: {agents}\nroutes: [{{agent: x, platform: irc}}]\ndefault_agent: X\n")
    assert found == [(path, 1), ("routes[0].agent", 2), ("default_agent", 3)]


def test_settings_of_an_agent_are_remarked(load: Load) -> None:
    config = load("agents: {x: {profile: a, model: m}}\nroutes: [{agent: x, platform: irc}]\n").config
    assert [route.profile for route in config.gateway.profile_routes] == ["a"]
    assert [(notice.code, notice.path) for notice in config.notices] == [("value_ignored", "agents.x.model")]


def test_agents_that_are_no_mapping_are_remarked(load: Load) -> None:
    config = load("agents: [x]\nroutes: [{agent: x, platform: irc}]\n").config
    assert [route.profile for route in config.gateway.profile_routes] == ["x"]
    assert [(notice.code, notice.path) for notice in config.notices] == [("value_ignored", "agents")]


@pytest.mark.parametrize("value", ["x", "{agent: x, platform: irc}"])
def test_routes_that_are_no_list_are_remarked(mistakes: Callable[[str], object], value: str) -> None:
    assert mistakes(f"routes: {value}") == [("routes", 1)]


# All together


def test_all_spellings_make_one_list_in_a_fixed_order(decode: Decode) -> None:
    found = decode(
        "default_agent: e\n"
        "routes: [{agent: d, platform: irc}]\n"
        "telegram: {topic_profiles: {'1:1': c}}\n"
        "profile_routes: [{platform: irc, profile: a}, {platform: sms, profile: b}]\n"
    )
    assert [route.profile for route in found] == ["a", "b", "c", "d", "e"]


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", "A b", "telegram", "-100", "*", "1:2"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["platform", "profile", "agent", "chat_id", "user_id", "match", "telegram", "x", ""]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["profile_routes", "routes", "agents", "default_agent"]), junk))
def test_whatever_stands_there_a_profile_loads_and_declares_what_was_written(
    load: Load, values: dict[str, object]
) -> None:
    routes = load(json.dumps(values)).config.gateway.profile_routes
    for route in routes:
        assert route.profile
        assert route.platform or route.origin == "default_agent"
        assert all(value is None or value.strip() for value in (route.user_id, route.chat_id, route.thread_id))


def test_the_spellings_that_the_documentation_shows_are_read(decode: Decode) -> None:
    text = (Path(__file__).parents[2] / "docs/configuration.md").read_text()
    section = text.partition("### Routes: one bot for many profiles")[2].partition("\n### ")[0]
    blocks = [
        "".join(f"{line[4:]}\n" for line in part.splitlines()) for part in re.findall(r"(?m)(?:^    .*\n)+", section)
    ]
    assert [[route.profile for route in decode(block)] for block in blocks] == [
        ["career", "kids"],
        ["career", "finance", "research", "kids", "research", "research", "career", "career", "career"],
    ]
