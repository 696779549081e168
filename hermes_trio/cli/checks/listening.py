"""Checks of the one listener: can its port be taken, and who else believes to have one."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING

from hermes_trio.cli.checks.findings import Finding, Level
from hermes_trio.home.listening import listening_remarks
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.process_record import read_live_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.cli.checks.survey import Survey


def check_listening(survey: Survey) -> Iterator[Finding]:
    """The default profile's port, and what other profiles say in vain about listening."""
    yield from _port(survey)
    for _, settings in survey.readable():
        for remark in listening_remarks(settings):
            yield Finding(
                level=Level.WARNING,
                code=remark.code,
                profile=settings.name,
                where=remark.where,
                message=remark.message,
                mend=remark.mend,
            )


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
