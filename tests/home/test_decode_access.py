from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.errors import ConfigError
from hermes_trio.home.platform_config import AccessConfig
from hermes_trio.home.scalars import split_list
from hermes_trio.home.settings import ProfileSettings

Load = Callable[..., ProfileSettings]


def access(load: Load, telegram: str = "", env: str = "", *, more: str = "") -> AccessConfig:
    env = "TELEGRAM_BOT_TOKEN=123:abcdef\n" + env
    return load(f"telegram: {{{telegram}}}\n{more}", env).config.platforms["telegram"].access


def test_by_itself_nobody_may(load: Load) -> None:
    assert access(load) == AccessConfig(unauthorized_dm_behavior="pair")


@pytest.mark.parametrize(
    ("telegram", "env"),
    [
        ("allow_from: [1, '2']", ""),
        ("allow_from: '1, 2'", ""),
        ("allow_from: '[1, \"2\"]'", ""),
        ("", "TELEGRAM_ALLOWED_USERS=1,2\n"),
        ("", 'TELEGRAM_ALLOWED_USERS=["1", 2]\n'),
        ("allow_from: [9]", "TELEGRAM_ALLOWED_USERS=1, 2,\n"),
        ("extra: {allow_from: [1, 2]}, allow_from: [9]", ""),
    ],
)
def test_people_in_all_the_ways_they_are_listed(load: Load, telegram: str, env: str) -> None:
    found = access(load, telegram, env)
    assert found.allowed_users == {"1", "2"}
    assert found.any_list


@pytest.mark.parametrize(
    "written", ["-1001234567890123", "0123", "1_000", "1.0e+3", "-100:7", "0x10", "12345678901234567890"]
)
def test_an_id_is_text_as_it_is_spelled(load: Load, written: str) -> None:
    assert access(load, f"allow_from: [{written}]").allowed_users == {written}
    assert access(load, f"allow_from: {written}").allowed_users == {written}


def test_people_for_all_platforms_are_added(load: Load) -> None:
    found = access(load, "allow_from: [1]", "GATEWAY_ALLOWED_USERS=2\n")
    assert found.allowed_users == {"1", "2"}


@pytest.mark.parametrize(
    ("telegram", "env", "everybody"),
    [
        ("", "TELEGRAM_ALLOW_ALL_USERS=true\n", True),
        ("allow_all_users: true", "", True),
        ("allow_from: [1]", "TELEGRAM_ALLOW_ALL_USERS=1\n", True),
        ("", "GATEWAY_ALLOW_ALL_USERS=yes\n", True),
        ("allow_from: [1]", "GATEWAY_ALLOW_ALL_USERS=yes\n", False),
        ("", "GATEWAY_ALLOW_ALL_USERS=yes\nGATEWAY_ALLOWED_USERS=1\n", False),
        ("dm_policy: allowlist", "GATEWAY_ALLOW_ALL_USERS=yes\n", False),
        ("", "TELEGRAM_ALLOW_ALL_USERS=no\n", False),
    ],
)
def test_everybody_for_all_platforms_counts_only_without_a_list(
    load: Load, telegram: str, env: str, everybody: bool
) -> None:
    assert access(load, telegram, env).allow_all_users is everybody


@pytest.mark.parametrize(
    ("telegram", "env", "more", "behaviour"),
    [
        ("", "", "", "pair"),
        ("allow_from: [1]", "", "", "ignore"),
        ("", "GATEWAY_ALLOWED_USERS=1\n", "", "ignore"),
        ("allow_from: [1], dm_policy: pairing", "", "", "pair"),
        ("dm_policy: disabled", "", "", "ignore"),
        ("dm_policy: pairing", "", "unauthorized_dm_behavior: ignore", "ignore"),
        ("allow_from: [1]", "", "unauthorized_dm_behavior: pair", "pair"),
        ("allow_from: [1]", "", "gateway: {unauthorized_dm_behavior: pair}", "pair"),
        ("unauthorized_dm_behavior: ignore", "", "unauthorized_dm_behavior: pair", "ignore"),
        ("unauthorized_dm_behavior: whatever", "", "", "ignore"),
        ("", "", "unauthorized_dm_behavior: whatever", "ignore"),
    ],
)
def test_what_a_stranger_gets(load: Load, telegram: str, env: str, more: str, behaviour: str) -> None:
    assert access(load, telegram, env, more=more).unauthorized_dm_behavior == behaviour


def test_mail_from_strangers_is_ignored(load: Load) -> None:
    settings = load("email: {}\nunauthorized_dm_behavior: pair\n")
    assert settings.config.platforms["email"].access.unauthorized_dm_behavior == "ignore"


@pytest.mark.parametrize("key", ["dm_policy", "group_policy"])
@pytest.mark.parametrize("policy", ["opne", "yes"])
def test_a_policy_nobody_knows_lets_nobody_in(load: Load, key: str, policy: str) -> None:
    settings = load(f"telegram: {{{key}: {policy}}}\n")
    assert getattr(settings.config.platforms["telegram"].access, key) == "allowlist"
    assert [notice.path for notice in settings.config.notices] == [f"telegram.{key}"]


@pytest.mark.parametrize(
    ("written", "found"),
    [("none", "none"), ("false", "none"), ("mentions", "mentions"), ("all", "all"), ("x", "none"), ("true", "none")],
)
def test_other_bots(load: Load, written: str, found: str) -> None:
    assert access(load, f"allow_bots: {written}").allow_bots == found
    assert access(load, env=f"TELEGRAM_ALLOW_BOTS={written}\n").allow_bots == found


def test_groups(load: Load) -> None:
    env = """
TELEGRAM_GROUP_ALLOWED_USERS=1
TELEGRAM_GROUP_ALLOWED_CHATS=*
TELEGRAM_ALLOWED_CHATS=-1001
TELEGRAM_ALLOWED_TOPICS=5
TELEGRAM_FREE_RESPONSE_CHATS=-1002
TELEGRAM_FREE_RESPONSE_TOPICS=6
TELEGRAM_IGNORED_THREADS=7
TELEGRAM_REQUIRE_MENTION=true
TELEGRAM_EXCLUSIVE_BOT_MENTIONS=true
TELEGRAM_GUEST_MODE=true
TELEGRAM_OBSERVE_UNMENTIONED_GROUP_MESSAGES=true
"""
    found = access(load, env=env)
    lists = (found.group_allowed_users, found.group_allowed_chats, found.allowed_chats, found.allowed_topics)
    assert lists == ({"1"}, {"*"}, {"-1001"}, {"5"})
    assert (found.free_response_chats, found.free_response_topics, found.ignored_threads) == ({"-1002"}, {"6"}, {"7"})
    assert found.require_mention
    assert (found.exclusive_bot_mentions, found.guest_mode, found.observe_unmentioned) == (True, True, True)


def test_other_platforms_speak_of_channels_and_rooms(load: Load) -> None:
    env = "DISCORD_ALLOWED_CHANNELS=1\nDISCORD_IGNORED_CHANNELS=2\nDISCORD_ALLOWED_ROLES=3\nMATRIX_ALLOWED_ROOMS=!r:s\n"
    platforms = load("discord: {free_response_channels: [4]}\nmatrix: {}\n", env).config.platforms
    discord = platforms["discord"].access
    assert (discord.allowed_chats, discord.ignored_chats, discord.allowed_roles) == ({"1"}, {"2"}, {"3"})
    assert discord.free_response_chats == {"4"}
    assert platforms["matrix"].access.allowed_chats == {"!r:s"}


def test_a_mention_is_needed_only_where_somebody_says_so(load: Load) -> None:
    assert access(load).require_mention is None
    assert access(load, "require_mention: false").require_mention is False


@pytest.mark.parametrize(
    ("telegram", "env"),
    [
        ("mention_patterns: ['a{1,2}', b]", ""),
        ("", 'TELEGRAM_MENTION_PATTERNS=["a{1,2}", "b"]\n'),
    ],
)
def test_a_comma_belongs_to_its_pattern(load: Load, telegram: str, env: str) -> None:
    assert access(load, telegram, env).mention_patterns == ("a{1,2}", "b")
    assert access(load, "mention_patterns: 'a{1,2}'").mention_patterns == ("a{1,2}",)


def test_admins_and_what_others_may(load: Load) -> None:
    text = "allow_admin_from: [1], user_allowed_commands: [/Status, help], group_allow_admin_from: '2'"
    found = access(load, text + ", group_user_allowed_commands: [new]")
    assert (found.admins, found.group_admins) == ({"1"}, {"2"})
    assert (found.user_commands, found.group_user_commands) == ({"status", "help"}, {"new"})


def test_a_mapping_as_list_of_people_is_an_error_with_its_line(load: Load) -> None:
    with pytest.raises(ConfigError, match=r"config\.yaml:2 telegram\.allow_from"):
        load("telegram:\n  allow_from: {a: 1}\n")


def test_a_switch_that_is_none_is_an_error_with_its_line(load: Load) -> None:
    with pytest.raises(ConfigError, match=r"\.env:2 TELEGRAM_REQUIRE_MENTION"):
        access(load, env="TELEGRAM_REQUIRE_MENTION=maybe\n")


IDS = st.lists(st.integers().map(str) | st.from_regex(r"@?[a-z]{1,9}", fullmatch=True), max_size=5)


@given(IDS, st.sampled_from([",", " , ", ",,"]))
def test_a_list_with_commas_gives_its_items(ids: list[str], comma: str) -> None:
    assert split_list(comma.join(ids)) == tuple(ids)


@given(st.text(max_size=40))
def test_any_text_gives_a_list_without_empty_items(text: str) -> None:
    assert all(item and item == item.strip() for item in split_list(text))
