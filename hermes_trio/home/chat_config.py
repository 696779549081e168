"""The settings of conversations on chat platforms; part of `ProfileConfig`. Meaning and defaults as in Hermes."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_MEDIA_BYTES: Final = 128 * 1024 * 1024


def _no_commands() -> Mapping[str, QuickCommand]:
    return MappingProxyType({})


def _no_display() -> Mapping[str, DisplayConfig]:
    return MappingProxyType({})


def _no_texts() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ResetPolicy:
    """When a chat's conversation begins anew by itself.

    Attributes:
        mode: ``none``, ``idle``, ``daily`` or ``both``.
        at_hour: Hour of the day of a daily reset, in the profile's time zone.
        idle_minutes: Minutes without a message.
        notify: Whether the chat is told.
        notify_exclude_platforms: Platforms that are not told.
        bg_process_max_age_hours: Background processes younger than this keep a conversation from being reset.
    """

    mode: str = "none"
    at_hour: int = 4
    idle_minutes: float = 1440.0
    notify: bool = True
    notify_exclude_platforms: tuple[str, ...] = ("api_server", "webhook")
    bg_process_max_age_hours: float = 24.0


@dataclass(frozen=True, slots=True)
class QuickCommand:
    """A command of the user's own.

    Attributes:
        kind: ``exec`` or ``alias``.
        command: For ``exec``: the command line whose output is the reply.
        target: For ``alias``: what it stands for.
    """

    kind: str
    command: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class StreamingConfig:
    """How an answer grows in the chat while it is written.

    Attributes:
        enabled: Whether it does, where the platform's own setting says nothing.
        transport: ``auto``, ``edit``, ``draft`` or ``off``.
        edit_interval: Seconds between two edits.
        buffer_threshold: Characters that bring an edit before its time.
        cursor: What stands at the end while it grows.
        fresh_final_after_seconds: When the answer took longer than this, its end is a new message; 0 for never.
    """

    enabled: bool = False
    transport: str = "auto"
    edit_interval: float = 0.8
    buffer_threshold: int = 24
    cursor: str = " ▉"
    fresh_final_after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class DisplayConfig:
    """What people see of a turn, resolved for one platform.

    Attributes:
        streaming: Whether answers grow while they are written; None where the user says nothing for this platform.
        busy_input_mode: What a message does to a turn that runs: ``interrupt``, ``queue`` or ``steer``.
        busy_ack_enabled: Whether such a message is acknowledged.
        busy_steer_ack_enabled: Whether a steered one is.
        tool_progress: ``off``, ``new``, ``all``, ``verbose`` or ``log``.
        tool_progress_grouping: ``accumulate`` (one message that grows) or ``separate``.
        tool_preview_length: Most characters of a tool's preview; 0 for the usual.
        interim_assistant_messages: Whether text between tool calls is shown.
        long_running_notifications: Whether long turns say that they still run.
        show_reasoning: Whether the model's thinking is shown.
        reasoning_style: ``code``, ``blockquote`` or ``subtext``.
        cleanup_progress: Whether messages of progress are deleted at the end.
        footer_enabled: Whether answers end with a line about model and context.
        footer_fields: What the line has: ``model``, ``context_pct``, ``cwd``.
        resent_label: What stands before a part that may have arrived before; ``{text}`` is not in it.
        tool_progress_command: Whether ``/verbose`` may be used.
        busy_text_mode: Like `busy_input_mode`, for plain text only; empty for the same.
        friendly_tool_labels: Whether a tool is shown as what it does instead of by its name.
        generic_notifications: Whether long turns say only that they still run, not what they do.
        live_status: ``full``, ``verb`` or ``off``: what is shown of the work that goes on.
        ephemeral_system_ttl: Seconds after which a notice of the gateway is deleted; 0 for never.
        language: Language of the gateway's own texts.
    """

    streaming: bool | None = None
    busy_input_mode: str = "interrupt"
    busy_ack_enabled: bool = True
    busy_steer_ack_enabled: bool = True
    tool_progress: str = "off"
    tool_progress_grouping: str = "accumulate"
    tool_preview_length: int = 40
    interim_assistant_messages: bool = True
    long_running_notifications: bool = True
    show_reasoning: bool = True
    reasoning_style: str = "code"
    cleanup_progress: bool = False
    footer_enabled: bool = False
    footer_fields: tuple[str, ...] = ("model", "context_pct", "cwd")
    resent_label: str = "(possibly sent before)"
    tool_progress_command: bool = False
    busy_text_mode: str = ""
    friendly_tool_labels: bool = True
    generic_notifications: bool = False
    live_status: str = "full"
    ephemeral_system_ttl: float = 0.0
    language: str = "en"


@dataclass(frozen=True, slots=True)
class MediaConfig:
    """Which files may go out, and how large ones may come in.

    Attributes:
        strict: Whether only caches, allowed folders and young files go out.
        allow_dirs: Further folders whose files may go out.
        trust_recent_files: Whether young files may go out in strict mode.
        trust_recent_files_seconds: How young.
        max_inbound_bytes: Largest file that is taken in.
    """

    strict: bool = False
    allow_dirs: tuple[str, ...] = ()
    trust_recent_files: bool = True
    trust_recent_files_seconds: float = 600.0
    max_inbound_bytes: int = DEFAULT_MEDIA_BYTES


@dataclass(frozen=True, slots=True)
class SpeechConfig:
    """What happens to voice messages.

    Attributes:
        enabled: Whether they are written down for the model.
        echo_transcripts: Whether the chat sees what was understood.
        provider: Who writes them down.
    """

    enabled: bool = True
    echo_transcripts: bool = True
    provider: str = "local"


@dataclass(frozen=True, slots=True)
class ChatConfig:
    """How conversations on chat platforms work.

    Attributes:
        session_reset: When a conversation begins anew by itself.
        group_sessions_per_user: In groups everybody has a conversation of their own.
        thread_sessions_per_user: Likewise within threads.
        reset_triggers: Texts that begin a conversation anew.
        quick_commands: Name -> a command of the user's own.
        unauthorized_dm_behavior: What a stranger's direct message leads to: ``pair`` or ``ignore``.
        session_store_max_age_days: Days after which an unused chat's entry is forgotten.
        platform_connect_timeout: Seconds an adapter may take to connect.
        message_timestamps: Whether messages get the time in front.
        filter_silence_narration: Whether a reply that only says that nothing is to be said is dropped.
        continuation_seconds: How long a lane waits for a message to go on before it answers.
        album_seconds: How long it waits for further parts of an album.
        inbox_attempts: How often a message may fail before it is put aside.
        streaming: How answers grow.
        media: Which files may go out and come in.
        display: What people see where no platform is known.
        platform_display: Platform -> what people see there; a platform that is not there has `display`.
        personalities: Name -> text of a personality.
        destructive_slash_confirm: Whether ``/new`` and its like ask back.
        mcp_reload_confirm: Whether ``/reload-mcp`` asks back.
        gateway_notify_interval: Seconds after which a turn says that it still runs; 0 for never.
        gateway_auto_continue_freshness: Seconds after which an interrupted turn is not taken up again.
        redact_pii: Whether ids of people are hidden from the model.
        gateway_timeout_warning: Seconds without any activity after which a turn says so; 0 for never.
        speech: What happens to voice messages.
    """

    session_reset: ResetPolicy = ResetPolicy()
    group_sessions_per_user: bool = True
    thread_sessions_per_user: bool = False
    reset_triggers: tuple[str, ...] = ("/new", "/reset")
    quick_commands: Mapping[str, QuickCommand] = field(default_factory=_no_commands)
    unauthorized_dm_behavior: str = "pair"
    session_store_max_age_days: float = 90.0
    platform_connect_timeout: float = 30.0
    message_timestamps: bool = False
    filter_silence_narration: bool = True
    continuation_seconds: float = 0.15
    album_seconds: float = 0.8
    inbox_attempts: int = 3
    streaming: StreamingConfig = StreamingConfig()
    media: MediaConfig = MediaConfig()
    display: DisplayConfig = DisplayConfig()
    platform_display: Mapping[str, DisplayConfig] = field(default_factory=_no_display)
    personalities: Mapping[str, str] = field(default_factory=_no_texts)
    destructive_slash_confirm: bool = True
    mcp_reload_confirm: bool = True
    gateway_notify_interval: float = 180.0
    gateway_auto_continue_freshness: float = 3600.0
    redact_pii: bool = False
    gateway_timeout_warning: float = 900.0
    speech: SpeechConfig = SpeechConfig()

    def display_on(self, platform: str) -> DisplayConfig:
        """What people see on a platform."""
        return self.platform_display.get(platform, self.display)
