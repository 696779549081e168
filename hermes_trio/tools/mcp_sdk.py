"""Imports the ``mcp`` SDK when a profile first wants it: 0.4 s of CPU and 38 MB that nobody else pays for."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING, Protocol, cast

from hermes_trio.tools.mcp_errors import McpError

if TYPE_CHECKING:
    from hermes_trio.home.config import ProfileConfig
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools import mcp_link


class _Switchable(Protocol):
    disabled: bool


def mcp_problem(config: ProfileConfig) -> McpError | None:
    """Why none of the profile's MCP servers can be used although it can serve, or None. Imports nothing."""
    wanted = [server.name for server in config.mcp_servers if server.enabled]
    if not wanted or importlib.util.find_spec("mcp") is not None:
        return None
    return McpError(
        "the MCP servers of this profile cannot be used, because the package 'mcp' is not installed",
        code="mcp_not_installed",
        where="config.yaml mcp_servers",
        found=", ".join(wanted),
        mend="pip install 'hermes-trio[mcp]' and restart the gateway, or set `enabled: false` there",
    )


async def load_link(scope: ProfileScope) -> type[mcp_link.McpLink]:
    """Import the SDK in a worker thread and return what speaks with servers.

    Raises:
        McpError: The SDK is not installed, or is not a version that fits.
    """
    return await scope.run_blocking(_import_link)


def _import_link() -> type[mcp_link.McpLink]:
    try:
        module = importlib.import_module("hermes_trio.tools.mcp_link")
    except ImportError as exc:
        raise McpError(
            "the MCP SDK cannot be imported",
            code="mcp_not_installed",
            found=str(exc),
            expected="mcp 2.3 or newer",
            mend="pip install --upgrade 'hermes-trio[mcp]'",
        ) from exc
    _silence_sdk()
    return cast("type[mcp_link.McpLink]", module.McpLink)


def _silence_sdk() -> None:
    """Stop the SDK's own log lines: they belong to no profile, go to stderr, and quote what servers sent."""
    for name, module in tuple(sys.modules.items()):
        if name.startswith("mcp."):
            logger = getattr(module, "logger", None)
            if hasattr(logger, "disabled"):
                cast("_Switchable", logger).disabled = True
