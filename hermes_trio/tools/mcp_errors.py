"""What can be wrong with a connection to an MCP server."""

from __future__ import annotations

from hermes_trio.errors import HermesTrioError


class McpError(HermesTrioError):
    """A server of ``mcp_servers`` cannot be used now; its connection says so and tries again.

    Codes: ``mcp_connection_failed`` (it could not be reached, or refused us), ``mcp_connection_lost`` (it went away),
    ``mcp_connect_timeout``, ``mcp_not_installed`` (the SDK is missing).
    """

    default_code = "mcp_connection_failed"
