from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_trio.errors import ConfigError
from hermes_trio.home.decode_platforms import decode_platforms, is_placeholder
from hermes_trio.home.key_table import SECTIONS
from hermes_trio.home.platform_config import ChannelOverride, HomeChannel, PlatformConfig
from hermes_trio.home.secrets import Secrets
from hermes_trio.home.section import Origin, Section
from hermes_trio.home.settings import ProfileSettings
from hermes_trio.home.variables import Variables

Load = Callable[..., ProfileSettings]
TOKEN = "TELEGRAM_BOT_TOKEN=123:abcdefghij\n"


def telegram(load: Load, config: str = "", env: str = TOKEN) -> PlatformConfig:
    return load(config, env).config.platforms["telegram"]


def codes(found: ProfileSettings) -> list[tuple[str, str]]:
    return [(notice.code, notice.path) for notice in found.config.notices]


# Switched on and off


def test_nothing_is_there_where_nothing_is_mentioned(load: Load) -> None:
    assert dict(load().config.platforms) == {}


@pytest.mark.parametrize(
    ("config", "env", "enabled"),
    [
        ("", TOKEN, True),
        ("telegram: {reactions: true}", "", False),
        ("platforms: {telegram: {token: '123:abc'}}", "", True),
        ("platforms: {telegram: {enabled: true}}", "", True),
        ("platforms: {telegram: {enabled: false}}", TOKEN, False),
        ("gateway: {platforms: {telegram: {enabled: 'no'}}}", TOKEN, False),
        ("telegram: {enabled: false}", TOKEN, False),
        ("platforms: {telegram: {enabled: true}}\ntelegram: {enabled: false}", TOKEN, False),
        ("platforms: {telegram: {enabled: true}}", "TELEGRAM_ENABLED=false\n", False),
        ("platforms: {telegram: {enabled: true}}", "TELEGRAM_BOT_TOKEN=xxx\n", False),
        ("", "TELEGRAM_BOT_TOKEN=your_token_here\n", False),
        ("", "TELEGRAM_BOT_TOKEN=\n", None),
    ],
)
def test_a_token_switches_on_and_any_no_switches_off(load: Load, config: str, env: str, enabled: bool | None) -> None:
    found = load(config, env).config.platforms.get("telegram")
    assert (found.enabled if found else None) is enabled


def test_off_is_remembered(load: Load) -> None:
    assert telegram(load, "telegram: {enabled: false}").switched_off
    assert not telegram(load).switched_off


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ("MATRIX_USER_ID=@a:b\nMATRIX_PASSWORD=hunter2\n", "matrix"),
        ("SIGNAL_HTTP_URL=http://x\nSIGNAL_ACCOUNT=+491\n", "signal"),
        ("IRC_SERVER=s\nIRC_CHANNEL=#x\n", "irc"),
        ("EMAIL_ADDRESS=a@b\nEMAIL_PASSWORD=long-one\nEMAIL_IMAP_HOST=h\nEMAIL_SMTP_HOST=h\n", "email"),
        ("TWILIO_ACCOUNT_SID=a1\nTWILIO_AUTH_TOKEN=abcdef\n", "sms"),
        ("WHATSAPP_ENABLED=true\n", "whatsapp"),
        ("HASS_TOKEN=abcdef\n", "homeassistant"),
        ("NTFY_TOPIC=t\n", "ntfy"),
    ],
)
def test_a_whole_credential_switches_a_platform_on(load: Load, env: str, name: str) -> None:
    assert {p.name for p in load(env=env).config.platforms.values() if p.enabled} == {name}


@pytest.mark.parametrize(
    "env",
    ["SIGNAL_ACCOUNT=+491\n", "EMAIL_ADDRESS=a@b\nEMAIL_PASSWORD=abcdef\n", "NTFY_TOKEN=abcdef\n", "IRC_SERVER=s\n"],
)
def test_half_a_credential_does_not(load: Load, env: str) -> None:
    assert not any(platform.enabled for platform in load(env=env).config.platforms.values())


def test_a_credential_in_extra_counts_where_the_platform_is_switched_on(load: Load) -> None:
    config = "platforms: {irc: {enabled: %s, extra: {server: s, channel: '#x'}}}"
    assert load(config % "true").config.platforms["irc"].has_credential
    assert not load(config % "null").config.platforms["irc"].enabled


def test_a_token_of_the_process_reaches_the_default_profile_only(load: Load) -> None:
    environ = {"TELEGRAM_BOT_TOKEN": "123:abcdefghij"}
    assert load(name="default", environ=environ).config.platforms["telegram"].enabled
    assert "telegram" not in load(name="coder", environ=environ).config.platforms


def test_a_placeholder_is_remarked_but_never_shown(load: Load) -> None:
    found = load(env="TELEGRAM_BOT_TOKEN=your_secret\n")
    assert codes(found) == [("value_ignored", "TELEGRAM_BOT_TOKEN")]
    assert "your_secret" not in str(found.config.notices)


def test_an_unset_variable_as_token_switches_off(load: Load) -> None:
    found = load("platforms: {telegram: {enabled: true, token: '${NOT_SET}'}}\n")
    assert not found.config.platforms["telegram"].enabled


@pytest.mark.parametrize("token", ["", "abc", "xxxxxxxx", "<token>", "YOUR-BOT-TOKEN", "changeme"])
def test_obvious_placeholders(token: str) -> None:
    assert is_placeholder(token)


@given(st.from_regex(r"[0-9]{8,10}:[A-Za-z0-9_-]{35}", fullmatch=True))
def test_no_telegram_token_is_taken_for_a_placeholder(token: str) -> None:
    assert not is_placeholder(token)


def test_a_token_is_in_no_repr(load: Load) -> None:
    assert "abcdefghij" not in repr(load(env=TOKEN).config.platforms)


def test_the_http_interface_webhooks_and_the_terminal_are_no_chat_platforms(load: Load) -> None:
    text = "platforms: {api_server: {enabled: true}, webhook: {enabled: true}, local: {}}\n"
    assert dict(load(text).config.platforms) == {}


def test_a_platform_nobody_knows_follows_the_general_rule(load: Load) -> None:
    found = load("platforms: {tin-can: {}}", "TIN_CAN_TOKEN=abcdef\nTIN_CAN_STRING=long\n").config.platforms["tin-can"]
    assert (found.enabled, found.token, found.extra["string"]) == (True, "abcdef", "long")


# Where settings stand


def test_places_are_merged_key_by_key_and_the_stronger_wins(load: Load) -> None:
    text = """
telegram: {a: 1, b: 1, c: 1, d: 1, e: 1, extra: {rich_messages: false}}
gateway: {platforms: {telegram: {a: 2, b: 2, c: 2, extra: {d: 3}}}}
platforms: {telegram: {a: 4, extra: {b: 5}}}
"""
    found = telegram(load, text, TOKEN + "TELEGRAM_A=9\n")
    assert dict(found.extra) == {"a": "9", "b": 5, "c": 2, "d": 3, "e": 1, "rich_messages": False}


def test_variables_are_there_by_whole_name_and_as_extra(load: Load) -> None:
    found = telegram(load, env=TOKEN + "TELEGRAM_PROXY=http://p\nHERMES_TELEGRAM_X=1\nOTHER=2\n")
    assert set(found.variables) == {"TELEGRAM_BOT_TOKEN", "TELEGRAM_PROXY", "HERMES_TELEGRAM_X"}
    assert dict(found.extra) == {"proxy": "http://p"}


def test_a_longer_platform_name_keeps_its_variables(load: Load) -> None:
    platforms = load(env="WHATSAPP_ENABLED=1\nWHATSAPP_CLOUD_PHONE_NUMBER_ID=1\nWHATSAPP_MODE=x\n").config.platforms
    assert set(platforms["whatsapp"].variables) == {"WHATSAPP_ENABLED", "WHATSAPP_MODE"}


def test_numbers_in_lists_of_extra_stay_as_spelled(load: Load) -> None:
    found = telegram(load, "telegram: {topics: [0123, -100:5, 1_000, x, true]}\n")
    assert found.extra["topics"] == ("0123", "-100:5", "1_000", "x", True)


def test_a_top_level_section_that_is_none_is_left_alone(load: Load) -> None:
    assert "line" not in load("line: some text\n").config.platforms


def test_a_platform_that_is_no_mapping_is_an_error_with_its_line(load: Load) -> None:
    with pytest.raises(ConfigError, match=r"config\.yaml:2 platforms\.telegram"):
        load("platforms:\n  telegram: yes please\n")


# Fields


@pytest.mark.parametrize(
    ("config", "env", "expected"),
    [
        ("", "TELEGRAM_HOME_CHANNEL=-1001\n", HomeChannel("-1001")),
        (
            "",
            "TELEGRAM_HOME_CHANNEL=1\nTELEGRAM_HOME_CHANNEL_NAME=Den\nTELEGRAM_HOME_CHANNEL_THREAD_ID=7\n",
            HomeChannel("1", "7", "Den"),
        ),
        (
            "platforms: {telegram: {home_channel: {platform: telegram, chat_id: -100, thread_id: 3, name: N}}}",
            "",
            HomeChannel("-100", "3", "N"),
        ),
        ("telegram: {home_channel: -100123}", "", HomeChannel("-100123")),
        (
            "platforms: {telegram: {home_channel: {chat_id: 1, thread_id: 3}}}",
            "TELEGRAM_HOME_CHANNEL=2\n",
            HomeChannel("2"),
        ),
        ("telegram: {home_channel: {name: x}}", "", None),
    ],
)
def test_the_home_channel(load: Load, config: str, env: str, expected: HomeChannel | None) -> None:
    assert telegram(load, config, TOKEN + env).home_channel == expected


@pytest.mark.parametrize(
    ("env", "name", "chat"),
    [
        ("MATRIX_ACCESS_TOKEN=abcdef\nMATRIX_HOME_ROOM=!r:s\n", "matrix", "!r:s"),
        ("IRC_SERVER=s\nIRC_CHANNEL=#x\n", "irc", "#x"),
        ("IRC_SERVER=s\nIRC_CHANNEL=#x\nIRC_HOME_CHANNEL=#y\n", "irc", "#y"),
    ],
)
def test_home_channels_of_other_names(load: Load, env: str, name: str, chat: str) -> None:
    home = load(env=env).config.platforms[name].home_channel
    assert home is not None
    assert home.chat_id == chat


@pytest.mark.parametrize(
    ("config", "env", "mode"),
    [
        ("", "", "first"),
        ("telegram: {reply_to_mode: off}", "", "off"),
        ("telegram: {reply_to_mode: all}", "", "all"),
        ("telegram: {reply_to_mode: all}", "TELEGRAM_REPLY_TO_MODE=off\n", "off"),
        ("telegram: {reply_to_mode: sometimes}", "", "first"),
    ],
)
def test_the_reply_mode(load: Load, config: str, env: str, mode: str) -> None:
    assert telegram(load, config, TOKEN + env).reply_to_mode == mode


def test_typing_and_notices_can_be_switched_off(load: Load) -> None:
    text = "telegram: {typing_indicator: off, gateway_restart_notification: no, typing_status_text: busy}"
    found = telegram(load, text)
    assert (found.typing_indicator, found.gateway_restart_notification) == (False, False)
    assert found.typing_status_text == "busy"
    assert telegram(load).typing_indicator


def test_what_is_different_in_one_chat(load: Load) -> None:
    text = (
        "telegram:\n  channel_overrides: {-1001: {model: m, system_prompt: p}}\n  channel_prompts: {-100:7: Be brief}"
    )
    found = telegram(load, text)
    assert dict(found.channel_overrides) == {"-1001": ChannelOverride("m", "", "p")}
    assert dict(found.channel_prompts) == {"-100:7": "Be brief"}


def test_a_variable_that_shadows_a_setting_is_remarked(load: Load) -> None:
    found = load("telegram: {reply_to_mode: all}\n", TOKEN + "TELEGRAM_REPLY_TO_MODE=off\n")
    assert codes(found) == [("shadowed_key", "telegram.reply_to_mode")]
    same = load("telegram: {reply_to_mode: all}\n", TOKEN + "TELEGRAM_REPLY_TO_MODE=all\n")
    assert codes(same) == []


def test_sources_name_the_variable_that_won(load: Load) -> None:
    found = load("", "A=1\n" + TOKEN)
    assert str(found.sources["platforms.telegram.token"]).endswith(".env:2")


# Whatever stands there

KEYS = st.sampled_from(sorted(SECTIONS["platforms.*"] | {"base_url", "mode"}))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "off", "*", "a,b", '["a", 1]', "[", "CANARY"]),
    lambda inner: st.lists(inner, max_size=2).map(tuple) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=4,
)
SECTION = st.dictionaries(KEYS, VALUES, max_size=4)


@given(
    SECTION,
    SECTION,
    SECTION,
    st.dictionaries(st.sampled_from(["ALLOWED_USERS", "ENABLED", "HOME_CHANNEL"]), st.text(max_size=5)),
)
@settings(deadline=None, max_examples=50)
def test_any_settings_give_a_platform_or_a_config_error(
    strong: dict[str, object], weak: dict[str, object], weakest: dict[str, object], env: dict[str, str]
) -> None:
    values = {"platforms": {"irc": strong}, "gateway": {"platforms": {"irc": weak}}, "irc": weakest}
    variables = Variables(Secrets({f"IRC_{name}": value for name, value in env.items()}), "coder")
    top = Section(Origin(Path("config.yaml"), "coder", {}, {}), values, "")
    with contextlib.suppress(ConfigError):
        irc = decode_platforms(top, top.section("gateway"), variables)["irc"]
        assert not (irc.enabled and irc.switched_off)
        assert all(isinstance(user, str) and user.strip() for user in irc.access.allowed_users)
        assert irc.access.unauthorized_dm_behavior in ("pair", "ignore")


@given(SECTION, SECTION)
@settings(deadline=None, max_examples=50)
def test_of_two_places_the_stronger_one_has_the_last_word(strong: dict[str, object], weak: dict[str, object]) -> None:
    top = Section(Origin(Path("config.yaml"), "coder", {}, {}), {"platforms": {"x": strong}, "x": weak}, "")
    with contextlib.suppress(ConfigError):
        extra = decode_platforms(top, top.section("gateway"), Variables(Secrets({}), "coder"))["x"].extra
        for key, value in strong.items():
            if key in extra and key != "extra" and key not in (strong.get("extra") or {}):
                assert (extra[key] == value) or value is None or isinstance(value, tuple | float)
