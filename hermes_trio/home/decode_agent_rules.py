"""Decodes what an agent may do and what is attached to it: approvals, budget, hooks, MCP servers."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.home.agent_config import (
    DAY,
    LONGEST_HOOK,
    ApprovalsConfig,
    BudgetConfig,
    McpServerConfig,
    PriceConfig,
    ShellHookConfig,
)
from hermes_trio.home.scalars import to_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.home.section import Section

_APPROVAL_MODES: Final = ("smart", "manual", "off")
_TRANSPORTS: Final[Mapping[str, str]] = MappingProxyType(
    {"": "", "stdio": "stdio", "sse": "sse"}
    | dict.fromkeys(("http", "streamable_http", "streamable-http", "streamablehttp"), "http")
)
_UNITS: Final[Mapping[str, float]] = MappingProxyType(
    {"s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY, "w": 7 * DAY}
    | {"minute": 60.0, "hour": 3600.0, "day": DAY, "week": 7 * DAY, "month": 30 * DAY}
)
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


def decode_approvals(section: Section) -> ApprovalsConfig:
    """Decode ``approvals``; a mode nobody knows means that a person is asked."""
    usual = ApprovalsConfig()
    return ApprovalsConfig(
        mode=_decode_mode(section),
        timeout=section.number("timeout", default=0, minimum=0) or usual.timeout,
        cron_mode="approve" if section.text("cron_mode").strip().lower() == "approve" else "deny",
        deny=_globs(section, "deny"),
    )


def _decode_mode(section: Section) -> str:
    """YAML reads a bare ``off`` as a switch."""
    value = section.values.get("mode")
    if isinstance(value, bool):
        return "manual" if value else "off"
    mode = section.text("mode", default="smart").strip().lower() or "smart"
    if mode in _APPROVAL_MODES:
        return mode
    section.note("value_ignored", "mode", "no such mode; every dangerous command is asked about")
    return "manual"


def _globs(section: Section, key: str) -> tuple[str, ...]:
    return tuple(stripped for text in section.whole_texts(key) if (stripped := text.strip()))


def decode_command_allowlist(top: Section) -> tuple[str, ...]:
    """Decode ``command_allowlist``; commas belong to the commands."""
    return _globs(top, "command_allowlist")


def decode_budget(section: Section) -> BudgetConfig | None:
    """Decode ``budget``; None when it limits nothing."""
    budget = BudgetConfig(
        usd=section.optional_number("usd", minimum=0),
        tokens=section.optional_integer("tokens", minimum=0),
        turns=section.optional_integer("turns", minimum=0),
        window_seconds=_decode_window(section),
    )
    return None if (budget.usd, budget.tokens, budget.turns) == (None, None, None) else budget


def _decode_window(section: Section) -> float:
    value = section.values.get("window")
    if value is None:
        return section.optional_number("window_seconds", minimum=1) or DAY
    word = value.strip().lower() if isinstance(value, str) else ""
    match = _SPAN.fullmatch(word)
    try:
        seconds = _UNITS.get(word) or (float(match[1]) * _UNITS[match[2]] if match else to_number(value))
    except ValueError:
        seconds = 0.0
    if seconds < 1:
        raise section.error("window", "a time: `day`, `24h`, `30d`, or seconds")
    return seconds


def decode_prices(section: Section) -> Mapping[str, PriceConfig]:
    """Decode ``budget.prices``: model id -> US dollars per million tokens."""
    found = {
        name: PriceConfig(
            input=entry.optional_number("input", minimum=0),
            output=entry.optional_number("output", minimum=0),
            cache_read=entry.optional_number("cache_read", minimum=0),
            cache_write=entry.optional_number("cache_write", minimum=0),
        )
        for name, entry in section.entries("prices")
    }
    return MappingProxyType(found)


def decode_hooks(top: Section) -> tuple[ShellHookConfig, ...]:
    """Decode ``hooks``: event -> list of commands. Whether event and matcher make sense is checked where they run.

    Raises:
        ConfigError: A hook has no command, or its time is above the limit: a hook that is silently off may be a gate.
    """
    hooks = top.section("hooks")
    return tuple(
        _decode_hook(str(event), entry)
        for event in hooks.values
        for entry in hooks.items(event)  # type: ignore[arg-type]  # a key that is not text names no event, which is said later
    )


def _decode_hook(event: str, entry: Section) -> ShellHookConfig:
    command = entry.text("command").strip()
    if not command:
        raise entry.error("command", "a command line")
    timeout = entry.optional_number("timeout", minimum=0, maximum=LONGEST_HOOK)
    fail_closed = entry.boolean("fail_closed", default=False)
    return ShellHookConfig(
        event, command, entry.text("matcher"), timeout or ShellHookConfig("", "").timeout, fail_closed
    )


def decode_mcp_servers(top: Section) -> tuple[McpServerConfig, ...]:
    """Decode ``mcp_servers``; one with neither command nor address is remarked and left out."""
    found = []
    for name, entry in top.entries("mcp_servers"):
        server = _decode_mcp_server(name, entry)
        if server.command or server.url:
            found.append(server)
        else:
            entry.note("value_ignored", "command", "neither `command` nor `url` is given; this server is left out")
    return tuple(found)


def _decode_mcp_server(name: str, entry: Section) -> McpServerConfig:
    tools = entry.section("tools")
    url = entry.text("url").strip()
    written = entry.text("transport", "type").strip().lower()
    if written not in _TRANSPORTS:
        raise entry.error("transport" if entry.has("transport") else "type", "one of stdio, http, sse")
    return McpServerConfig(
        name=name,
        command=entry.text("command").strip(),
        args=entry.whole_texts("args"),
        env=entry.text_mapping("env"),
        url=url,
        headers=entry.text_mapping("headers"),
        transport=_TRANSPORTS[written] or ("http" if url else "stdio"),
        timeout=entry.number("timeout", default=0, minimum=0) or 300.0,
        connect_timeout=entry.number("connect_timeout", default=0, minimum=0) or 60.0,
        keepalive_interval=entry.optional_number("keepalive_interval", minimum=0) or None,
        enabled=entry.boolean("enabled", default=True),
        include=tools.texts("include") if tools.has("include") else None,
        exclude=tools.texts("exclude"),
    )
