"""Checks of the one listener: can its port be taken, and who else believes to have one."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hermes_trio.cli.checks.findings import Finding, Level
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.process_record import read_live_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.cli.checks.survey import Survey
    from hermes_trio.home.settings import ProfileSettings

LISTENING_SETTINGS = ("host", "port")
LISTENING_PLATFORMS = ("api_server", "webhook")
LISTENING_VARIABLES = ("API_SERVER_HOST", "API_SERVER_PORT", "WEBHOOK_PORT")


def check_listening(survey: Survey) -> Iterator[Finding]:
    """The default profile's port, and addresses that other profiles ask for in vain."""
    yield from _port(survey)
    for _, settings in survey.readable():
        if settings.name != DEFAULT_PROFILE:
            yield from _ignored(settings)


def _port(survey: Survey) -> Iterator[Finding]:
    config = survey.default().config
    if config is None:
        return
    host, port = config.api_server.host, config.api_server.port
    running = read_live_gateway(survey.home)
    if running is not None:
        yield Finding(
            level=Level.INFO,
            code="gateway_running",
            profile=None,
            where=str(survey.home.root),
            message=f"a gateway with pid {running.pid} serves this home; whether its port is free was not tried",
        )
        return
    problem = bind_problem(host, port)
    if problem is not None:
        yield Finding(
            level=Level.ERROR,
            code="address_unavailable",
            profile=DEFAULT_PROFILE,
            where=f"platforms.api_server {host}:{port}",
            message=f"the gateway cannot listen there: {problem}",
            mend="stop what uses the port, or choose another: platforms.api_server.port or `hermes-trio run --port`",
        )


def bind_problem(host: str, port: int) -> str | None:
    """Why nobody can listen on this address now, or None; the port is taken for an instant and given back."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except socket.gaierror as error:
        return str(error.strerror)
    except OSError as error:
        return "another program uses the port" if error.errno == errno.EADDRINUSE else os.strerror(error.errno or 0)
    return None


def _ignored(settings: ProfileSettings) -> Iterator[Finding]:
    shared = f"the listener of the default profile serves this one too, at /p/{settings.name}/"
    for prefix, platform, entry in _platform_sections(settings):
        if platform in LISTENING_PLATFORMS and any(_asks(entry, name) for name in LISTENING_SETTINGS):
            yield Finding(
                level=Level.WARNING,
                code="listener_ignored",
                profile=settings.name,
                where=f"{settings.paths.config} {prefix}.{platform}",
                message=f"host and port count in the default profile only; {shared}",
                mend="take them out here",
            )
    for name in LISTENING_VARIABLES:
        if settings.secrets.get(name):
            yield Finding(
                level=Level.WARNING,
                code="listener_ignored",
                profile=settings.name,
                where=f"{settings.secrets.location(name)} {name}",
                message=f"it counts in the default profile only; {shared}",
                mend="take it out here",
            )


def _platform_sections(settings: ProfileSettings) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """Prefix, platform and content of every mapping below ``platforms`` and ``gateway.platforms``."""
    raw = settings.config.raw
    gateway = raw.get("gateway")
    nested = gateway.get("platforms") if isinstance(gateway, Mapping) else None
    for prefix, platforms in (("gateway.platforms", nested), ("platforms", raw.get("platforms"))):
        if isinstance(platforms, Mapping):
            sections = ((prefix, str(name), entry) for name, entry in platforms.items())
            yield from (section for section in sections if isinstance(section[2], Mapping))


def _asks(entry: Mapping[str, object], name: str) -> bool:
    extra = entry.get("extra")
    return entry.get(name) is not None or (isinstance(extra, Mapping) and extra.get(name) is not None)
