"""Decodes how conversations on chat platforms work; at top level or under ``gateway:``, where the top level wins."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.home.chat_config import (
    ChatConfig,
    MediaConfig,
    QuickCommand,
    ResetPolicy,
    SpeechConfig,
    StreamingConfig,
)
from hermes_trio.home.decode_access import decode_stranger
from hermes_trio.home.decode_display import decode_display, decode_platform_display, read_word
from hermes_trio.home.section import Section, first_with

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hermes_trio.home.variables import Variables

_LAST_HOUR: Final = 23
_MANY_MINUTES: Final = 10_000_000
_MODES: Final = ("none", "idle", "daily", "both")
_TRANSPORTS: Final = ("auto", "edit", "draft", "off")


class _Places:
    """The two places of a setting, stronger first."""

    __slots__ = ("_sections",)

    def __init__(self, top: Section, gateway: Section) -> None:
        self._sections = (top, gateway)

    def holder(self, key: str) -> Section:
        return first_with(key, *self._sections)

    def section(self, key: str) -> Section:
        return self.holder(key).section(key)

    def switch(self, key: str, usual: bool) -> bool:
        return self.holder(key).boolean(key, default=usual)

    def number(self, key: str, usual: float) -> float:
        return self.holder(key).number(key, default=usual, minimum=0)

    def integer(self, key: str, usual: int, minimum: int) -> int:
        return self.holder(key).integer(key, default=usual, minimum=minimum)


def decode_chat(top: Section, gateway: Section, variables: Variables, platforms: Iterable[str]) -> ChatConfig:
    """Decode what concerns conversations.

    Args:
        top: The whole settings.
        gateway: Their section ``gateway``.
        variables: ``SESSION_IDLE_MINUTES`` and ``SESSION_RESET_HOUR`` win over the settings.
        platforms: The platforms in use.
    """
    usual, places = ChatConfig(), _Places(top, gateway)
    agent, approvals = top.section("agent"), top.section("approvals")
    return ChatConfig(
        session_reset=_decode_reset(places.section("session_reset"), variables),
        group_sessions_per_user=places.switch("group_sessions_per_user", usual.group_sessions_per_user),
        thread_sessions_per_user=places.switch("thread_sessions_per_user", usual.thread_sessions_per_user),
        reset_triggers=_decode_triggers(places.holder("reset_triggers")),
        quick_commands=_decode_quick_commands(places.holder("quick_commands")),
        unauthorized_dm_behavior=_decode_stranger(places.holder("unauthorized_dm_behavior")),
        session_store_max_age_days=places.number("session_store_max_age_days", usual.session_store_max_age_days),
        platform_connect_timeout=places.number("platform_connect_timeout", 0) or usual.platform_connect_timeout,
        message_timestamps=_decode_timestamps(places.holder("message_timestamps")),
        filter_silence_narration=places.switch("filter_silence_narration", usual.filter_silence_narration),
        continuation_seconds=places.number("continuation_seconds", usual.continuation_seconds),
        album_seconds=places.number("album_seconds", usual.album_seconds),
        inbox_attempts=places.integer("inbox_attempts", usual.inbox_attempts, 1),
        streaming=_decode_streaming(places.holder("streaming")),
        media=_decode_media(places),
        display=decode_display(top.section("display")),
        platform_display=decode_platform_display(top.section("display"), platforms),
        personalities=_decode_personalities(first_with("personalities", agent, top)),
        destructive_slash_confirm=approvals.boolean("destructive_slash_confirm", default=True),
        mcp_reload_confirm=approvals.boolean("mcp_reload_confirm", default=True),
        gateway_notify_interval=_seconds(agent, "gateway_notify_interval", usual.gateway_notify_interval),
        gateway_auto_continue_freshness=_seconds(
            agent, "gateway_auto_continue_freshness", usual.gateway_auto_continue_freshness
        ),
        redact_pii=top.section("privacy").boolean("redact_pii", default=False),
        gateway_timeout_warning=_seconds(agent, "gateway_timeout_warning", usual.gateway_timeout_warning),
        speech=_decode_speech(places.section("stt")),
    )


def _seconds(section: Section, key: str, usual: float) -> float:
    return section.number(key, default=usual, minimum=0)


def _decode_reset(section: Section, variables: Variables) -> ResetPolicy:
    usual = ResetPolicy()
    hour = variables.integer("SESSION_RESET_HOUR", "session_reset.at_hour", maximum=_LAST_HOUR)
    idle = variables.integer("SESSION_IDLE_MINUTES", "session_reset.idle_minutes", maximum=_MANY_MINUTES)
    if hour is None:
        hour = section.integer("at_hour", default=usual.at_hour, minimum=0, maximum=_LAST_HOUR)
    excluded = "notify_exclude_platforms"
    return ResetPolicy(
        mode=read_word(section, "mode", _MODES, usual.mode),
        at_hour=hour,
        idle_minutes=idle or section.number("idle_minutes", default=0, minimum=0) or usual.idle_minutes,
        notify=section.boolean("notify", default=usual.notify),
        notify_exclude_platforms=section.texts(excluded) if section.has(excluded) else usual.notify_exclude_platforms,
        bg_process_max_age_hours=_seconds(section, "bg_process_max_age_hours", usual.bg_process_max_age_hours),
    )


def _decode_triggers(section: Section) -> tuple[str, ...]:
    key = "reset_triggers"
    return section.texts(key) if section.has(key) else ChatConfig().reset_triggers


def _decode_stranger(section: Section) -> str:
    key = "unauthorized_dm_behavior"
    found = decode_stranger(section)
    if found and isinstance(value := section.values.get(key), str) and value.strip().lower() != found:
        section.note("value_ignored", key, f"neither pair nor ignore; {found} counts")
    return found or ChatConfig().unauthorized_dm_behavior


def _decode_timestamps(section: Section) -> bool:
    key = "message_timestamps"
    if isinstance(section.values.get(key), Mapping):
        return section.section(key).boolean("enabled", default=False)
    return section.boolean(key, default=False)


def _decode_quick_commands(section: Section) -> Mapping[str, QuickCommand]:
    """Decode the user's own commands; one without anything to do is remarked and left out."""
    found: dict[str, QuickCommand] = {}
    for name, entry in section.entries("quick_commands"):
        command, target = entry.text("command").strip(), entry.text("target").strip()
        kind = entry.text("type").strip().lower() or ("alias" if target and not command else "exec")
        if kind not in ("exec", "alias"):
            entry.note("value_ignored", "type", "neither exec nor alias; this command is left out")
        elif not (command if kind == "exec" else target):
            entry.note("value_ignored", "command" if kind == "exec" else "target", "empty; this command is left out")
        else:
            found[name.strip().removeprefix("/").lower()] = QuickCommand(kind, command, target)
    return MappingProxyType(found)


def _decode_streaming(section: Section) -> StreamingConfig:
    """``streaming`` is a mapping, or just a switch."""
    usual = StreamingConfig()
    if isinstance(section.values.get("streaming"), bool | str):
        return StreamingConfig(enabled=section.boolean("streaming", default=False))
    streaming = section.section("streaming")
    transport = "transport" if streaming.has("transport") else "mode"
    fresh = "fresh_final_after_seconds"
    return StreamingConfig(
        enabled=streaming.boolean("enabled", default=usual.enabled),
        transport=read_word(streaming, transport, _TRANSPORTS, usual.transport),
        edit_interval=_seconds(streaming, "edit_interval", usual.edit_interval),
        buffer_threshold=streaming.integer("buffer_threshold", default=usual.buffer_threshold, minimum=1),
        cursor=streaming.text("cursor", default=usual.cursor),
        fresh_final_after_seconds=_seconds(streaming, fresh, usual.fresh_final_after_seconds),
    )


def _decode_media(places: _Places) -> MediaConfig:
    usual = MediaConfig()
    return MediaConfig(
        strict=places.switch("strict", usual.strict),
        allow_dirs=places.holder("media_delivery_allow_dirs").texts("media_delivery_allow_dirs"),
        trust_recent_files=places.switch("trust_recent_files", usual.trust_recent_files),
        trust_recent_files_seconds=places.number("trust_recent_files_seconds", usual.trust_recent_files_seconds),
        max_inbound_bytes=places.integer("max_inbound_media_bytes", usual.max_inbound_bytes, 0),
    )


def _decode_personalities(section: Section) -> Mapping[str, str]:
    """Decode the personalities; each is a text, or what it says of itself under several keys."""
    personalities = section.section("personalities")
    found: dict[str, str] = {}
    for key, value in personalities.values.items():
        name = str(key)
        if not isinstance(value, Mapping):
            text = personalities.text(name)
        else:
            entry = personalities.section(name)
            lines = (entry.text("system_prompt"), _labelled(entry, "tone"), _labelled(entry, "style"))
            text = "\n".join(line for line in lines if line.strip())
        if text.strip():
            found[name.strip().lower()] = text.strip()
        else:
            personalities.note("value_ignored", name, "it has no text")
    return MappingProxyType(found)


def _labelled(section: Section, key: str) -> str:
    text = section.text(key).strip()
    return f"{key.capitalize()}: {text}" if text else ""


def _decode_speech(section: Section) -> SpeechConfig:
    usual = SpeechConfig()
    return SpeechConfig(
        enabled=section.boolean("enabled", default=usual.enabled),
        echo_transcripts=section.boolean("echo_transcripts", default=usual.echo_transcripts),
        provider=section.text("provider").strip().lower() or usual.provider,
    )
