"""Decodes what people see of a turn, platform by platform.

A setting is looked up in ``display.platforms.<platform>``, then in ``display`` (where ``streaming`` does not count for
chats), then in what the platform has by itself. Hermes' defaults play no part in this: only what the user wrote does.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.home.chat_config import DisplayConfig

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hermes_trio.home.section import Section

_QUIET: Final = DisplayConfig(
    streaming=False,
    tool_progress="off",
    tool_preview_length=0,
    interim_assistant_messages=False,
    long_running_notifications=False,
    show_reasoning=False,
)
_USUAL: Final = DisplayConfig()
_NEW_TOOLS: Final = replace(_USUAL, tool_progress="new")

_BUILT_IN: Final[Mapping[str, DisplayConfig]] = MappingProxyType(
    {
        "discord": replace(_USUAL, tool_progress="all", reasoning_style="subtext"),
        "api_server": replace(_USUAL, tool_progress="all", tool_preview_length=0),
    }
    | dict.fromkeys(("mattermost", "matrix", "feishu", "whatsapp"), _NEW_TOOLS)
    | dict.fromkeys(("signal", "whatsapp_cloud", "bluebubbles", "weixin", "wecom", "dingtalk"), _QUIET)
    | dict.fromkeys(("email", "sms", "webhook", "homeassistant"), _QUIET)
)

_PROGRESS: Final = ("off", "new", "all", "verbose", "log")
_BUSY: Final = ("interrupt", "queue", "steer")


class _Lookup:
    """The places where one platform's display settings may stand, strongest first."""

    __slots__ = ("_layers",)

    def __init__(self, *layers: Section) -> None:
        self._layers = layers

    def holder(self, key: str) -> Section | None:
        return next((layer for layer in self._layers if layer.has(key)), None)

    def switch(self, key: str, usual: bool) -> bool:
        section = self.holder(key)
        return usual if section is None else section.boolean(key, default=usual)

    def number(self, key: str, usual: float) -> float:
        section = self.holder(key)
        return usual if section is None else section.number(key, default=usual, minimum=0)

    def text(self, key: str, usual: str) -> str:
        section = self.holder(key)
        return usual if section is None else section.text(key, default=usual)

    def word(self, key: str, allowed: tuple[str, ...], usual: str, *, yes: str | None = None) -> str:
        """One of a few words; YAML reads a bare ``off`` as a switch."""
        section = self.holder(key)
        return usual if section is None else read_word(section, key, allowed, usual, yes=yes)


def read_word(section: Section, key: str, allowed: tuple[str, ...], usual: str, *, yes: str | None = None) -> str:
    """Read one of a few words; anything else is remarked, and the usual one counts.

    Args:
        section: Where it stands.
        key: Its key.
        allowed: The words.
        usual: The word that counts when there is none.
        yes: What a bare switch that is on means; None for the usual. Off means ``off`` or ``none``.
    """
    value = section.values.get(key)
    if isinstance(value, bool):
        no = next((word for word in ("off", "none") if word in allowed), usual)
        return (yes or usual) if value else no
    word = section.text(key).strip().lower() or usual
    if word in allowed:
        return word
    section.note("value_ignored", key, f"not one of {', '.join(allowed)}; {usual} counts")
    return usual


def decode_display(section: Section) -> DisplayConfig:
    """Decode ``display`` for where no platform is known."""
    return _decode(_Lookup(section), _USUAL, None)


def decode_platform_display(section: Section, platforms: Iterable[str]) -> Mapping[str, DisplayConfig]:
    """Decode ``display`` for every platform that it mentions, and for those given.

    Args:
        section: ``display``.
        platforms: The platforms in use.
    """
    below = section.section("platforms")
    progress = section.section("tool_progress_overrides")
    names = dict.fromkeys((*platforms, *map(str, below.values), *map(str, progress.values)))
    found: dict[str, DisplayConfig] = {}
    for name in names:
        own = below.section(name)
        config = _decode(_Lookup(own, section), _BUILT_IN.get(name, _USUAL), own)
        if progress.has(name) and not own.has("tool_progress"):
            word = read_word(progress, name, _PROGRESS, config.tool_progress, yes="all")
            config = replace(config, tool_progress=word)
        found[name] = config
    return MappingProxyType(found)


def _decode(lookup: _Lookup, usual: DisplayConfig, own: Section | None) -> DisplayConfig:
    streaming = own.optional_boolean("streaming") if own is not None else None
    footer = _decode_footer(lookup, usual)
    generic, long_running = _decode_long_running(lookup, usual)
    mode = lookup.word("busy_input_mode", _BUSY, usual.busy_input_mode)
    return DisplayConfig(
        streaming=usual.streaming if streaming is None else streaming,
        busy_input_mode=mode,
        busy_ack_enabled=lookup.switch("busy_ack_enabled", usual.busy_ack_enabled),
        busy_steer_ack_enabled=lookup.switch("busy_steer_ack_enabled", usual.busy_steer_ack_enabled),
        tool_progress=lookup.word("tool_progress", _PROGRESS, usual.tool_progress, yes="all"),
        tool_progress_grouping=lookup.word(
            "tool_progress_grouping", ("accumulate", "separate"), usual.tool_progress_grouping
        ),
        tool_preview_length=int(lookup.number("tool_preview_length", 0)) or usual.tool_preview_length,
        interim_assistant_messages=lookup.switch("interim_assistant_messages", usual.interim_assistant_messages),
        long_running_notifications=long_running,
        show_reasoning=lookup.switch("show_reasoning", usual.show_reasoning),
        reasoning_style=lookup.word("reasoning_style", ("code", "blockquote", "subtext"), usual.reasoning_style),
        cleanup_progress=lookup.switch("cleanup_progress", usual.cleanup_progress),
        footer_enabled=footer.footer_enabled,
        footer_fields=footer.footer_fields,
        resent_label=lookup.text("resent_label", usual.resent_label),
        tool_progress_command=lookup.switch("tool_progress_command", usual.tool_progress_command),
        busy_text_mode=lookup.word("busy_text_mode", _BUSY, usual.busy_text_mode),
        friendly_tool_labels=lookup.switch("friendly_tool_labels", usual.friendly_tool_labels),
        generic_notifications=generic,
        live_status=lookup.word("live_status", ("full", "verb", "off"), usual.live_status),
        ephemeral_system_ttl=lookup.number("ephemeral_system_ttl", usual.ephemeral_system_ttl),
        language=lookup.text("language", usual.language).strip() or usual.language,
    )


def _decode_footer(lookup: _Lookup, usual: DisplayConfig) -> DisplayConfig:
    """``runtime_footer`` is a mapping, or just a switch."""
    holder = lookup.holder("runtime_footer")
    if holder is None:
        return usual
    if isinstance(holder.values["runtime_footer"], bool):
        return replace(usual, footer_enabled=holder.boolean("runtime_footer", default=False))
    footer = holder.section("runtime_footer")
    return replace(
        usual,
        footer_enabled=footer.boolean("enabled", default=usual.footer_enabled),
        footer_fields=footer.texts("fields") if footer.has("fields") else usual.footer_fields,
    )


def _decode_long_running(lookup: _Lookup, usual: DisplayConfig) -> tuple[bool, bool]:
    key = "long_running_notifications"
    holder = lookup.holder(key)
    if holder is not None and str(holder.values[key]).strip().lower() == "generic":
        return True, True
    return usual.generic_notifications, lookup.switch(key, usual.long_running_notifications)
