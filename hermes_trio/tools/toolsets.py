"""Which toolsets a platform's agent has, by the user's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hermes_trio.home.config import ProfileConfig

DEFAULT_TOOLSETS: Final = frozenset(
    {
        "web",
        "terminal",
        "file",
        "code_execution",
        "vision",
        "skills",
        "todo",
        "memory",
        "session_search",
        "clarify",
        "delegation",
    }
)
#: What comes over webhooks is written by anybody, and nobody is there to consent.
WEBHOOK_TOOLSETS: Final = frozenset({"web", "vision", "clarify"})
WEBHOOK: Final = "webhook"
NO_MCP: Final = "no_mcp"


def enabled_toolsets(config: ProfileConfig, platform: str) -> frozenset[str]:
    """The built-in toolsets of a platform: the user's list for it or the usual, less ``agent.disabled_toolsets``."""
    listed = _listed(config.platform_toolsets, platform)
    usual = WEBHOOK_TOOLSETS if platform == WEBHOOK else DEFAULT_TOOLSETS
    chosen = usual if listed is None else _expand(listed)
    return chosen - frozenset(config.disabled_toolsets)


def enabled_mcp_servers(config: ProfileConfig, platform: str) -> frozenset[str]:
    """The MCP servers of a platform: those its list names; all, where it names none and does not say ``no_mcp``.

    Webhooks have only those that are named.
    """
    names = frozenset(server.name for server in config.mcp_servers)
    listed = _listed(config.platform_toolsets, platform)
    if platform == WEBHOOK and not names & frozenset(listed or ()):
        return frozenset()
    if listed is not None and (NO_MCP in listed or not listed):
        return frozenset()
    named = names & frozenset(listed or ())
    return (named or names) - frozenset(config.disabled_toolsets)


def _listed(platforms: Mapping[str, Sequence[str]], platform: str) -> Sequence[str] | None:
    return platforms.get(platform)


def _expand(listed: Sequence[str]) -> frozenset[str]:
    composite = any(name.startswith("hermes-") for name in listed)
    return frozenset(listed) | (DEFAULT_TOOLSETS if composite else frozenset())
