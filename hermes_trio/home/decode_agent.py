"""Decodes the settings of what an agent can do: terminal, limits, skills, guards, auxiliary models."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.home.agent_config import (
    AuxiliaryConfig,
    CompressionConfig,
    DelegationConfig,
    EgressConfig,
    SecurityConfig,
    SkillsConfig,
    TerminalConfig,
    ToolOutputConfig,
    WebConfig,
)

if TYPE_CHECKING:
    from hermes_trio.home.section import Section
    from hermes_trio.home.variables import Variables

_EGRESS_MODES: Final = ("off", "report", "enforce")


def decode_terminal(section: Section) -> TerminalConfig:
    """Decode ``terminal``."""
    usual = TerminalConfig()
    return TerminalConfig(
        backend=section.text("backend", default=usual.backend).strip().lower() or usual.backend,
        cwd=section.text("cwd", default=usual.cwd).strip() or usual.cwd,
        timeout=section.number("timeout", default=usual.timeout, minimum=0) or usual.timeout,
        home_mode=section.text("home_mode", default=usual.home_mode).strip().lower() or usual.home_mode,
        env_passthrough=section.texts("env_passthrough"),
        persistent_shell=section.boolean("persistent_shell", default=usual.persistent_shell),
        docker_image=section.text("docker_image").strip(),
        docker_volumes=section.texts("docker_volumes"),
        docker_env=section.text_mapping("docker_env"),
        docker_network=section.boolean("docker_network", default=usual.docker_network),
        container_cpu=section.number("container_cpu", default=usual.container_cpu, minimum=0),
        container_memory=section.integer("container_memory", default=usual.container_memory, minimum=0),
        daemon_term_grace_seconds=section.number(
            "daemon_term_grace_seconds", default=usual.daemon_term_grace_seconds, minimum=0
        ),
        shell_init_files=section.texts("shell_init_files"),
    )


def decode_tool_output(section: Section) -> ToolOutputConfig:
    """Decode ``tool_output``; 0 means the usual limit."""
    usual = ToolOutputConfig()
    return ToolOutputConfig(
        max_bytes=section.integer("max_bytes", default=0, minimum=0) or usual.max_bytes,
        max_lines=section.integer("max_lines", default=0, minimum=0) or usual.max_lines,
        max_line_length=section.integer("max_line_length", default=0, minimum=0) or usual.max_line_length,
    )


def decode_compression(section: Section) -> CompressionConfig:
    """Decode ``compression``."""
    usual = CompressionConfig()
    return CompressionConfig(
        enabled=section.boolean("enabled", default=usual.enabled),
        threshold=_share(section, "threshold", usual.threshold),
        target_ratio=_share(section, "target_ratio", usual.target_ratio),
        protect_first_n=section.integer("protect_first_n", default=usual.protect_first_n, minimum=0),
        protect_last_n=section.integer("protect_last_n", default=usual.protect_last_n, minimum=0),
    )


def _share(section: Section, key: str, usual: float) -> float:
    return section.optional_number(key, minimum=0, maximum=1) or usual


def decode_delegation(section: Section) -> DelegationConfig:
    """Decode ``delegation``."""
    usual = DelegationConfig()
    return DelegationConfig(
        max_iterations=section.integer("max_iterations", default=usual.max_iterations, minimum=1),
        max_concurrent_children=section.integer(
            "max_concurrent_children", default=usual.max_concurrent_children, minimum=1
        ),
        max_spawn_depth=section.integer("max_spawn_depth", default=usual.max_spawn_depth, minimum=0),
        child_timeout_seconds=section.number("child_timeout_seconds", default=usual.child_timeout_seconds, minimum=0),
        max_summary_chars=section.integer("max_summary_chars", default=0, minimum=0) or usual.max_summary_chars,
        inherit_mcp_toolsets=section.boolean("inherit_mcp_toolsets", default=usual.inherit_mcp_toolsets),
        orchestrator_enabled=section.boolean("orchestrator_enabled", default=usual.orchestrator_enabled),
        subagent_auto_approve=section.boolean("subagent_auto_approve", default=usual.subagent_auto_approve),
    )


def decode_skills(section: Section) -> SkillsConfig:
    """Decode ``skills``."""
    return SkillsConfig(
        disabled=section.texts("disabled"),
        platform_disabled=decode_lists(section.section("platform_disabled")),
        external_dirs=section.texts("external_dirs"),
        template_vars=section.boolean("template_vars", default=True),
    )


def decode_security(section: Section) -> SecurityConfig:
    """Decode ``security``."""
    return SecurityConfig(
        allow_private_urls=section.boolean("allow_private_urls", default=False),
        redact_secrets=section.boolean("redact_secrets", default=True),
        egress=_decode_egress(section.section("egress")),
    )


def _decode_egress(section: Section) -> EgressConfig:
    """A mode nobody knows is an error: a guard that is silently off is worse than a profile that does not start."""
    mode = "off" if section.values.get("mode") is False else ""  # YAML reads a bare `off` as a switch
    mode = mode or section.text("mode", default="off").strip().lower()
    if mode not in _EGRESS_MODES:
        raise section.error("mode", f"one of {', '.join(_EGRESS_MODES)}")
    return EgressConfig(mode, tuple(host.lower() for host in section.texts("allow")))


def decode_lists(section: Section) -> Mapping[str, tuple[str, ...]]:
    """Decode a mapping of names to lists of texts; null is as if it were not there, an empty list is kept."""
    return MappingProxyType(
        {str(name): section.texts(name) for name in section.values if isinstance(name, str) and section.has(name)}
    )


def decode_auxiliary(section: Section) -> Mapping[str, AuxiliaryConfig]:
    """Decode ``auxiliary``; a task that says nothing of its own is left out."""
    usual = AuxiliaryConfig()
    found: dict[str, AuxiliaryConfig] = {}
    for name, value in section.values.items():
        if not isinstance(value, Mapping):
            continue
        task = section.child(name)
        config = AuxiliaryConfig(
            provider=task.text("provider").strip() or usual.provider,
            model=task.text("model").strip(),
            base_url=task.text("base_url").strip(),
            api_key=task.text("api_key").strip(),
            timeout=task.optional_number("timeout", minimum=0) or None,
        )
        if config != usual:
            found[str(name)] = config
    return MappingProxyType(found)


def decode_web(section: Section, variables: Variables) -> WebConfig:
    """Decode ``web``; ``SEARXNG_URL`` and ``BRAVE_SEARCH_API_KEY`` stand in for address and key."""
    provider = section.text("search_provider", "search_backend", "backend").strip().lower()
    url = section.text("search_url", "searxng_url").strip()
    key = section.text("search_api_key").strip()
    for name in () if key else ("BRAVE_SEARCH_API_KEY", "BRAVE_API_KEY"):
        key = key or variables.text(name, "web.search_api_key")
    return WebConfig(
        search_provider=provider,
        search_url=url or variables.text("SEARXNG_URL", "web.search_url"),
        search_api_key=key,
        timeout=section.number("timeout", default=0, minimum=0) or WebConfig().timeout,
    )


def decode_code_execution_mode(top: Section) -> str:
    """Decode ``code_execution.mode``."""
    return top.section("code_execution").text("mode").strip().lower() or "project"
