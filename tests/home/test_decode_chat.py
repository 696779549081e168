from __future__ import annotations

from collections.abc import Callable

import pytest

from hermes_trio.errors import ConfigError
from hermes_trio.home.chat_config import (
    ChatConfig,
    DisplayConfig,
    MediaConfig,
    QuickCommand,
    ResetPolicy,
    SpeechConfig,
    StreamingConfig,
)
from hermes_trio.home.settings import ProfileSettings

Load = Callable[..., ProfileSettings]


def chat(load: Load, config: str = "", env: str = "") -> ChatConfig:
    return load(config, env).config.chat


def test_an_empty_file_gives_the_defaults(load: Load) -> None:
    assert chat(load) == ChatConfig()


@pytest.mark.parametrize("place", ["%s", "gateway: {%s}"])
def test_settings_stand_at_top_level_or_under_gateway(load: Load, place: str) -> None:
    config = (
        "group_sessions_per_user: false, thread_sessions_per_user: true, continuation_seconds: 1, inbox_attempts: 9"
    )
    text = place % config if "gateway" in place else "{" + config + "}"
    found = chat(load, text)
    assert (found.group_sessions_per_user, found.thread_sessions_per_user) == (False, True)
    assert (found.continuation_seconds, found.inbox_attempts) == (1.0, 9)


def test_a_setting_that_counts_for_several_platforms_is_remarked_once(load: Load) -> None:
    settings = load("display: {busy_input_mode: maybe}\nplatforms: {telegram: {}, discord: {}}\n")
    assert [(notice.code, notice.path) for notice in settings.config.notices] == [
        ("value_ignored", "display.busy_input_mode")
    ]


def test_the_top_level_wins_and_the_other_is_remarked(load: Load) -> None:
    settings = load("streaming: {enabled: true}\ngateway: {streaming: {enabled: false, cursor: x}}\n")
    assert settings.config.chat.streaming == StreamingConfig(enabled=True)
    assert [(notice.code, notice.path) for notice in settings.config.notices] == [("shadowed_key", "gateway.streaming")]


# Resets


def test_the_reset_policy(load: Load) -> None:
    text = "session_reset: {mode: Both, at_hour: 5, idle_minutes: 30, notify: no, notify_exclude_platforms: [sms],"
    text += " bg_process_max_age_hours: 1}\n"
    assert chat(load, text).session_reset == ResetPolicy("both", 5, 30.0, False, ("sms",), 1.0)


def test_variables_win_over_the_reset_policy(load: Load) -> None:
    found = chat(
        load, "session_reset: {at_hour: 5, idle_minutes: 30}", "SESSION_RESET_HOUR=0\nSESSION_IDLE_MINUTES=7\n"
    )
    assert (found.session_reset.at_hour, found.session_reset.idle_minutes) == (0, 7.0)


@pytest.mark.parametrize("mode", ["off", "none", "false", "weekly"])
def test_a_mode_that_is_none_resets_nothing(load: Load, mode: str) -> None:
    assert chat(load, f"session_reset: {{mode: {mode}}}").session_reset.mode == "none"


def test_an_hour_that_is_none_is_an_error_with_its_line(load: Load) -> None:
    with pytest.raises(ConfigError, match=r"config\.yaml:2 session_reset\.at_hour.*from 0 to 23"):
        chat(load, "session_reset:\n  at_hour: 24\n")


@pytest.mark.parametrize(("written", "found"), [("[]", ()), ("[/neu]", ("/neu",)), ("null", ("/new", "/reset"))])
def test_reset_triggers(load: Load, written: str, found: tuple[str, ...]) -> None:
    assert chat(load, f"reset_triggers: {written}").reset_triggers == found


# Quick commands and personalities


def test_quick_commands(load: Load) -> None:
    text = "quick_commands: {/Up: {type: exec, command: uptime}, big: {type: alias, target: /model x}, s: {target: /y}}"
    assert dict(chat(load, text).quick_commands) == {
        "up": QuickCommand("exec", "uptime"),
        "big": QuickCommand("alias", target="/model x"),
        "s": QuickCommand("alias", target="/y"),
    }


@pytest.mark.parametrize("entry", ["{type: exec}", "{type: alias, command: x}", "{type: magic, command: x}", "null"])
def test_a_quick_command_without_anything_to_do_is_left_out_and_remarked(load: Load, entry: str) -> None:
    settings = load(f"quick_commands: {{up: {entry}}}")
    assert dict(settings.config.chat.quick_commands) == {}
    assert [notice.code for notice in settings.config.notices] == ["value_ignored"]


@pytest.mark.parametrize("place", ["agent: {personalities: %s}", "personalities: %s"])
def test_personalities(load: Load, place: str) -> None:
    text = place % "{Pirate: Arr, calm: {description: d, system_prompt: Be calm., tone: soft, style: short}}"
    assert dict(chat(load, text).personalities) == {"pirate": "Arr", "calm": "Be calm.\nTone: soft\nStyle: short"}


# Streaming, media, speech, the rest


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("true", StreamingConfig(enabled=True)),
        ("{enabled: true, mode: edit}", StreamingConfig(enabled=True, transport="edit")),
        ("{transport: off}", StreamingConfig(transport="off")),
        ("{transport: pigeon}", StreamingConfig()),
        ("{cursor: '', edit_interval: 2, buffer_threshold: 5}", StreamingConfig(False, "auto", 2.0, 5, "")),
        ("{fresh_final_after_seconds: 60}", StreamingConfig(fresh_final_after_seconds=60.0)),
    ],
)
def test_streaming(load: Load, written: str, found: StreamingConfig) -> None:
    assert chat(load, f"streaming: {written}").streaming == found


def test_media(load: Load) -> None:
    text = "gateway: {strict: true, media_delivery_allow_dirs: [/a, /b], trust_recent_files: false,"
    text += " trust_recent_files_seconds: 5, max_inbound_media_bytes: 100}"
    assert chat(load, text).media == MediaConfig(True, ("/a", "/b"), False, 5.0, 100)


def test_speech(load: Load) -> None:
    text = "stt: {enabled: false, echo_transcripts: false, provider: Groq}"
    assert chat(load, text).speech == SpeechConfig(False, False, "groq")


def test_what_stands_in_other_sections(load: Load) -> None:
    text = """
agent: {gateway_notify_interval: 0, gateway_auto_continue_freshness: 60, gateway_timeout_warning: 5}
approvals: {destructive_slash_confirm: false, mcp_reload_confirm: false}
privacy: {redact_pii: true}
message_timestamps: {enabled: true}
"""
    found = chat(load, text)
    numbers = (found.gateway_notify_interval, found.gateway_auto_continue_freshness, found.gateway_timeout_warning)
    assert numbers == (0.0, 60.0, 5.0)
    assert (found.destructive_slash_confirm, found.mcp_reload_confirm) == (False, False)
    assert found.redact_pii
    assert found.message_timestamps


# Display


def on(load: Load, platform: str, display: str) -> DisplayConfig:
    return chat(load, f"display: {{{display}}}\n{platform}: {{}}\n").display_on(platform)


@pytest.mark.parametrize(
    ("platform", "display", "progress"),
    [
        ("telegram", "", "off"),
        ("discord", "", "all"),
        ("matrix", "", "new"),
        ("signal", "", "off"),
        ("telegram", "tool_progress: new", "new"),
        ("discord", "tool_progress: off", "off"),
        ("discord", "tool_progress: on", "all"),
        ("telegram", "tool_progress: new, tool_progress_overrides: {telegram: log}", "log"),
        (
            "telegram",
            "tool_progress_overrides: {telegram: log}, platforms: {telegram: {tool_progress: verbose}}",
            "verbose",
        ),
        ("discord", "tool_progress: loud", "all"),
    ],
)
def test_a_display_setting_is_looked_up_from_the_platform_to_the_built_in(
    load: Load, platform: str, display: str, progress: str
) -> None:
    assert on(load, platform, display).tool_progress == progress


@pytest.mark.parametrize(
    ("platform", "display", "streaming"),
    [
        ("telegram", "", None),
        ("telegram", "streaming: true", None),
        ("telegram", "platforms: {telegram: {streaming: true}}", True),
        ("telegram", "platforms: {telegram: {streaming: off}}", False),
        ("signal", "", False),
        ("signal", "platforms: {signal: {streaming: true}}", True),
    ],
)
def test_streaming_counts_only_where_it_is_said_of_the_platform(
    load: Load, platform: str, display: str, streaming: bool | None
) -> None:
    assert on(load, platform, display).streaming is streaming


def test_quiet_platforms_show_the_answer_only(load: Load) -> None:
    found = on(load, "sms", "")
    assert (found.show_reasoning, found.interim_assistant_messages, found.long_running_notifications) == (False,) * 3
    assert found.tool_preview_length == 0


@pytest.mark.parametrize(
    ("written", "enabled", "fields"),
    [
        ("true", True, ("model", "context_pct", "cwd")),
        ("{enabled: true, fields: [model]}", True, ("model",)),
        ("{fields: []}", False, ()),
    ],
)
def test_the_footer(load: Load, written: str, enabled: bool, fields: tuple[str, ...]) -> None:
    found = on(load, "telegram", f"runtime_footer: {written}")
    assert (found.footer_enabled, found.footer_fields) == (enabled, fields)


@pytest.mark.parametrize(
    ("written", "shown", "generic"), [("true", True, False), ("false", False, False), ("generic", True, True)]
)
def test_notices_of_long_turns(load: Load, written: str, shown: bool, generic: bool) -> None:
    found = on(load, "telegram", f"long_running_notifications: {written}")
    assert (found.long_running_notifications, found.generic_notifications) == (shown, generic)


def test_the_label_of_what_may_have_arrived_before_may_be_empty(load: Load) -> None:
    assert on(load, "telegram", "resent_label: ''").resent_label == ""


def test_a_platform_that_nobody_mentions_has_the_usual_display(load: Load) -> None:
    assert chat(load, "display: {busy_input_mode: queue}").display_on("irc").busy_input_mode == "queue"
