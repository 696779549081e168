"""Decodes a parsed ``config.yaml`` into a `ProfileConfig`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.home.config import (
    DEFAULT_READ,
    DEFAULT_SESSIONS,
    DEFAULT_TURNS,
    EFFORTS,
    AgentConfig,
    GatewayConfig,
    LoggingConfig,
    MemoryConfig,
    NetworkConfig,
    ProfileConfig,
)
from hermes_trio.home.decode_agent import (
    decode_auxiliary,
    decode_code_execution_mode,
    decode_compression,
    decode_delegation,
    decode_lists,
    decode_security,
    decode_skills,
    decode_terminal,
    decode_tool_output,
    decode_web,
)
from hermes_trio.home.decode_agent_rules import (
    decode_approvals,
    decode_budget,
    decode_command_allowlist,
    decode_hooks,
    decode_mcp_servers,
    decode_prices,
)
from hermes_trio.home.decode_api_server import decode_api_server
from hermes_trio.home.decode_chat import decode_chat
from hermes_trio.home.decode_models import decode_fallbacks, decode_model, decode_providers
from hermes_trio.home.decode_platforms import decode_platforms
from hermes_trio.home.decode_routes import decode_routes
from hermes_trio.home.decode_webhook import decode_webhook
from hermes_trio.home.key_table import GATEWAY_KEYS
from hermes_trio.home.known_keys import find_unknown_keys
from hermes_trio.home.names import is_profile_name
from hermes_trio.home.scalars import to_boolean
from hermes_trio.home.section import Section, first_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.home.section import Origin
    from hermes_trio.home.variables import Variables

_LEVELS: Final = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})


def decode_config(values: Mapping[object, object], origin: Origin, variables: Variables) -> ProfileConfig:
    """Decode the settings of one profile.

    Args:
        values: The whole file, immutable, interpolated.
        origin: The file; collects remarks.
        variables: The profile's variables, some of which are settings; remembers which were used.

    Raises:
        ConfigError: A value we use is of the wrong kind; names file, line, path, what was found and what was expected.
    """
    top = Section(origin, values, "")
    gateway = top.section("gateway")
    _note_shadowed(top, gateway)
    sessions = first_with("max_concurrent_sessions", top, gateway).integer(
        "max_concurrent_sessions", default=0, minimum=0
    )
    platforms = decode_platforms(top, gateway, variables)
    return ProfileConfig(
        model=decode_model(top, variables),
        providers=decode_providers(top),
        fallback_providers=decode_fallbacks(top),
        agent=_decode_agent(top.section("agent")),
        memory=_decode_memory(top.section("memory")),
        api_server=decode_api_server(top, gateway, variables),
        logging=_decode_logging(top.section("logging")),
        network=_decode_network(top.section("network"), variables),
        gateway=_decode_gateway(top, gateway),
        max_concurrent_sessions=sessions or DEFAULT_SESSIONS,
        timezone=_decode_timezone(top),
        terminal=decode_terminal(top.section("terminal")),
        tool_output=decode_tool_output(top.section("tool_output")),
        approvals=decode_approvals(top.section("approvals")),
        command_allowlist=decode_command_allowlist(top),
        compression=decode_compression(top.section("compression")),
        delegation=decode_delegation(top.section("delegation")),
        skills=decode_skills(top.section("skills")),
        security=decode_security(top.section("security")),
        budget=decode_budget(top.section("budget")),
        prices=decode_prices(top.section("budget")),
        platform_toolsets=decode_lists(top.section("platform_toolsets")),
        disabled_toolsets=top.section("agent").texts("disabled_toolsets"),
        mcp_servers=decode_mcp_servers(top),
        hooks=decode_hooks(top),
        hooks_auto_accept=top.boolean("hooks_auto_accept", default=False),
        auxiliary=decode_auxiliary(top.section("auxiliary")),
        web=decode_web(top.section("web"), variables),
        file_read_max_chars=top.integer("file_read_max_chars", default=0, minimum=0) or DEFAULT_READ,
        context_file_max_chars=top.optional_integer("context_file_max_chars", minimum=0) or None,
        code_execution_mode=decode_code_execution_mode(top),
        chat=decode_chat(top, gateway, variables, platforms),
        platforms=platforms,
        webhook=decode_webhook(top, gateway, variables),
        raw=values,  # type: ignore[arg-type]  # the keys of the top level that are not text are nobody's
        unknown_keys=find_unknown_keys(values, origin.file, origin.lines),
        notices=tuple(origin.notices),
    )


def _note_shadowed(top: Section, gateway: Section) -> None:
    for key in sorted(GATEWAY_KEYS - {"platforms", "api_server"}):
        if top.has(key) and gateway.has(key):
            gateway.note("shadowed_key", key, f"`{key}` at top level counts, this one does not")


def _decode_agent(section: Section) -> AgentConfig:
    usual = AgentConfig()
    return AgentConfig(
        max_turns=section.integer("max_turns", default=usual.max_turns, minimum=1),
        gateway_timeout=section.number("gateway_timeout", default=usual.gateway_timeout, minimum=0),
        api_max_retries=section.integer("api_max_retries", default=usual.api_max_retries, minimum=0),
        system_prompt=section.text("system_prompt"),
        restart_drain_timeout=section.optional_number("restart_drain_timeout", minimum=0),
        clarify_timeout=section.number("clarify_timeout", default=0, minimum=0) or usual.clarify_timeout,
        reasoning_effort=_effort(section),
    )


def _effort(section: Section) -> str:
    if section.values.get("reasoning_effort") is False:
        return "none"
    effort = section.text("reasoning_effort").strip().lower()
    if effort and effort not in EFFORTS:
        section.note("value_ignored", "reasoning_effort", f"not one of {', '.join(EFFORTS)}; the provider decides")
        return ""
    return effort


def _decode_memory(section: Section) -> MemoryConfig:
    usual = MemoryConfig()
    return MemoryConfig(
        memory_enabled=section.boolean("memory_enabled", default=usual.memory_enabled),
        user_profile_enabled=section.boolean("user_profile_enabled", default=usual.user_profile_enabled),
        memory_char_limit=section.integer("memory_char_limit", default=usual.memory_char_limit, minimum=0),
        user_char_limit=section.integer("user_char_limit", default=usual.user_char_limit, minimum=0),
    )


def _decode_logging(section: Section) -> LoggingConfig:
    usual = LoggingConfig()
    level = section.text("level", default=usual.level).strip().upper() or usual.level
    level = {"WARN": "WARNING", "FATAL": "CRITICAL"}.get(level, level)
    if level not in _LEVELS:
        section.note("value_ignored", "level", f"no such level; {usual.level} is used")
        level = usual.level
    return LoggingConfig(
        level=level,
        max_size_mb=section.number("max_size_mb", default=usual.max_size_mb, minimum=0) or usual.max_size_mb,
        backup_count=section.integer("backup_count", default=usual.backup_count, minimum=0),
    )


def _decode_network(section: Section, variables: Variables) -> NetworkConfig:
    proxy = section.text("proxy").strip()
    for name in () if proxy else ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        proxy = proxy or variables.text(name, "network.proxy")
    no_proxy = ",".join(section.texts("no_proxy"))
    for name in () if no_proxy else ("no_proxy", "NO_PROXY"):
        no_proxy = no_proxy or variables.text(name, "network.no_proxy")
    return NetworkConfig(proxy, no_proxy, section.boolean("force_ipv4", default=False))


def _decode_gateway(top: Section, gateway: Section) -> GatewayConfig:
    def holder(key: str) -> Section:
        return first_with(key, top, gateway)

    turns = holder("max_concurrent_turns").integer("max_concurrent_turns", default=0, minimum=0)
    return GatewayConfig(
        multiplex_profile_allowlist=_decode_allowlist(holder("multiplex_profile_allowlist")),
        multiplex_profiles=_lenient_boolean(holder("multiplex_profiles"), "multiplex_profiles"),
        standalone=holder("standalone").boolean("standalone", default=False),
        write_sessions_json=holder("write_sessions_json").boolean("write_sessions_json", default=True),
        max_concurrent_turns=turns or DEFAULT_TURNS,
        profile_routes=decode_routes(top, gateway),
        holds_unroutable=_decode_unroutable(holder("route_unavailable")),
    )


def _decode_unroutable(section: Section) -> bool:
    word = section.text("route_unavailable").strip().lower()
    if word not in ("", "drop", "hold"):
        section.note("value_ignored", "route_unavailable", f"{word!r} is neither drop nor hold; drop counts")
    return word == "hold"


def _decode_allowlist(section: Section) -> tuple[str, ...] | None:
    """A malformed list serves the default profile only: the mistake must not serve what it was meant to keep out."""
    key = "multiplex_profile_allowlist"
    if not section.has(key):
        return None
    value = section.values[key]
    names = tuple(item.strip().lower() for item in value if isinstance(item, str)) if isinstance(value, tuple) else ()
    if isinstance(value, tuple) and len(names) == len(value) and all(map(is_profile_name, names)):
        return tuple(dict.fromkeys(names))
    section.note("value_ignored", key, "not a list of profile names; only the default profile is served")
    return ()


def _lenient_boolean(section: Section, key: str) -> bool | None:
    value = section.values.get(key)
    try:
        return None if value is None else to_boolean(value)
    except ValueError:
        section.note("value_ignored", key, "neither true nor false")
        return None


def _decode_timezone(top: Section) -> str:
    """A zone this machine does not know is remarked and left out: small containers have no zones at all."""
    name = top.text("timezone").strip()
    if not name:
        return ""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # 3 ms at start that few profiles need

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        top.note("value_ignored", "timezone", "no such time zone on this machine; the machine's own is used")
        return ""
    return name
