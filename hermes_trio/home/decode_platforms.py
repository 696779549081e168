"""Decodes the chat platforms of a profile from every place where Hermes accepts their settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.home.decode_access import decode_access
from hermes_trio.home.key_table import PLATFORM_NAMES
from hermes_trio.home.platform_config import ChannelOverride, HomeChannel, PlatformConfig
from hermes_trio.home.platform_reader import PlatformReader
from hermes_trio.home.platform_table import (
    KNOWN_BY_VARIABLES,
    NO_CHAT_PLATFORMS,
    credential_value,
    key_of,
    variables_of,
)
from hermes_trio.home.secret_names import looks_secret
from hermes_trio.home.section import Section, first_with

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.home.variables import Variables

SHORTEST_TOKEN: Final = 4
_PLACEHOLDERS: Final = (
    *("changeme", "change-me", "change_me", "your-", "your_", "your ", "yourtoken", "placeholder", "example"),
    *("insert", "replace", "paste", "token-here", "token_here", "todo", "<", "${", "none", "null"),
)


def decode_platforms(top: Section, gateway: Section, variables: Variables) -> Mapping[str, PlatformConfig]:
    """Decode all chat platforms that the settings mention or whose credentials are among the variables.

    Args:
        top: The whole settings.
        gateway: Their section ``gateway``.
        variables: The profile's variables; they win over the settings.
    """
    strangers = first_with("unauthorized_dm_behavior", top, gateway)
    found: dict[str, PlatformConfig] = {}
    for name in _mentioned(top, gateway, variables):
        found[name] = _decode_platform(PlatformReader(name, top, gateway, variables), variables, strangers)
    return MappingProxyType(found)


def is_placeholder(token: str) -> bool:
    """Tell whether a token is one that nobody has filled in."""
    text = token.strip().lower()
    return len(text) < SHORTEST_TOKEN or len(set(text)) == 1 or text.startswith(_PLACEHOLDERS)


def written_platforms(top: Section, gateway: Section) -> list[str]:
    """The chat platforms that have a section in the settings; one that has several comes as often."""
    names = [str(name) for section in (top, gateway) for name in section.section("platforms").values]
    names += [name for name in sorted(PLATFORM_NAMES) if isinstance(top.values.get(name), Mapping)]
    return [name for name in names if name not in NO_CHAT_PLATFORMS]


def _mentioned(top: Section, gateway: Section, variables: Variables) -> Iterator[str]:
    names = written_platforms(top, gateway)
    for name in KNOWN_BY_VARIABLES:
        named = variables_of(name)
        wanted = (*named.credentials, *named.accounts, (f"{named.prefix}_ENABLED",))
        if any(all(map(variables.has, group)) for group in wanted):
            names.append(name)
    yield from (name for name in dict.fromkeys(names) if name not in NO_CHAT_PLATFORMS)


def _decode_platform(reader: PlatformReader, variables: Variables, strangers: Section) -> PlatformConfig:
    token = _decode_credential(reader, ("token", "bot_token"), reader.names.token)
    api_key = _decode_credential(reader, ("api_key",), reader.names.api_key)
    written, switched_off = _decode_switch(reader, variables)
    config = PlatformConfig(
        name=reader.name,
        switched_off=switched_off,
        token=token or "",
        api_key=api_key or "",
        home_channel=_decode_home_channel(reader),
        reply_to_mode=_decode_reply_mode(reader),
        gateway_restart_notification=reader.switch(("gateway_restart_notification",)) is not False,
        typing_indicator=reader.switch(("typing_indicator",)) is not False,
        typing_status_text=reader.text(("typing_status_text",)),
        channel_overrides=_decode_overrides(reader),
        channel_prompts=_decode_prompts(reader),
        access=decode_access(reader, variables, strangers),
        extra=reader.rest(),
        variables=reader.variables(),
    )
    groups = [[_part(config, reader, name) for name in group] for group in reader.names.credentials]
    has_credential = any(all(value for value, _ in group) for group in groups)
    switches_on = any(all(value and alone for value, alone in group) for group in groups)
    placeholder = None in (token, api_key) or (has_credential and not _is_filled_in(reader, groups))
    enabled = (written or switches_on) and not switched_off and not placeholder
    return replace(config, enabled=enabled, has_credential=has_credential and not placeholder)


def _part(config: PlatformConfig, reader: PlatformReader, name: str) -> tuple[str, bool]:
    """A part of a credential, and whether it counts without being told to: not so where it stands in ``extra``."""
    alone = name in config.variables or name in (reader.names.token, reader.names.api_key)
    return credential_value(config, name), alone


def _is_filled_in(reader: PlatformReader, groups: list[list[tuple[str, bool]]]) -> bool:
    return any(
        all(
            value and not (looks_secret(name) and is_placeholder(value))
            for name, (value, _) in zip(names, group, strict=True)
        )
        for names, group in zip(reader.names.credentials, groups, strict=True)
    )


def _decode_credential(reader: PlatformReader, keys: tuple[str, ...], variable: str) -> str | None:
    """A credential; None when it is one that nobody has filled in, empty when there is none."""
    keys = tuple(dict.fromkeys((*keys, key_of(variable, reader.names)))) if variable else keys
    names = dict.fromkeys((variable, *(f"{reader.names.prefix}_{key.upper()}" for key in keys)))
    name, section = reader.whole_variable(*names), reader.written(*keys)
    written = section.text(*keys).strip() if section else ""
    found = written if name is None else reader.value(name, keys[0])
    if not found or not is_placeholder(found):
        return found
    reader.note(name, section, keys, "a placeholder, not a credential; the platform stays off")
    return None


def _decode_switch(reader: PlatformReader, variables: Variables) -> tuple[bool, bool]:
    """Whether the user switched it on, and whether the user switched it off anywhere, which counts more."""
    key = "enabled"
    said = [(section, section.boolean(key, default=False)) for section in reader.every(key)]
    name = reader.variable("ENABLED")
    by_variable = variables.boolean(name, f"platforms.{reader.name}.enabled") if name else None
    switched_on = bool(by_variable) or any(on for _, on in said)
    switched_off = by_variable is False or not all(on for _, on in said)
    if switched_on and switched_off:
        for section, _ in said:
            section.note("value_ignored", key, "it is said differently elsewhere; off counts")
    return switched_on, switched_off


def _decode_home_channel(reader: PlatformReader) -> HomeChannel | None:
    base = reader.names.home_channel
    names = (base, f"{base}_NAME", f"{base}_THREAD_ID")
    chat, title, thread = (reader.variable(name) for name in names)
    usual = HomeChannel("").name
    section = reader.written("home_channel")
    if chat is not None:
        return HomeChannel(
            reader.value(chat, "home_channel"),
            reader.value(thread, "home_channel.thread_id") if thread else None,
            reader.value(title, "home_channel.name") if title else usual,
        )
    if section is not None:
        return _decode_written_home(section)
    instead = reader.fallback_variable(reader.names.home_channel_default)
    return HomeChannel(reader.value(instead, "home_channel")) if instead else None


def _decode_written_home(section: Section) -> HomeChannel | None:
    if not isinstance(section.values["home_channel"], Mapping):
        chat = section.text("home_channel").strip()
        return HomeChannel(chat) if chat else None
    written = section.section("home_channel")
    chat = written.text("chat_id").strip()
    if not chat:
        return None
    name = written.text("name").strip() or HomeChannel("").name
    return HomeChannel(chat, written.text("thread_id").strip() or None, name)


def _decode_reply_mode(reader: PlatformReader) -> str:
    usual = PlatformConfig("").reply_to_mode
    keys, allowed = ("reply_to_mode",), ("off", "first", "all")
    return reader.word(keys, ("REPLY_TO_MODE",), allowed, yes=usual, no="off", otherwise=usual) or usual


def _decode_overrides(reader: PlatformReader) -> Mapping[str, ChannelOverride]:
    section = reader.written("channel_overrides")
    found: dict[str, ChannelOverride] = {}
    for chat, entry in section.entries("channel_overrides") if section else ():
        found[chat] = ChannelOverride(
            entry.text("model").strip(), entry.text("provider").strip(), entry.text("system_prompt").strip()
        )
    return MappingProxyType(found)


def _decode_prompts(reader: PlatformReader) -> Mapping[str, str]:
    section = reader.written("channel_prompts")
    return section.text_mapping("channel_prompts") if section else MappingProxyType({})
