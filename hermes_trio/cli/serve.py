"""What ``run`` does once its options are understood: home, gateway, banner."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
import trio

from hermes_trio.cli.banner import announce, client_url
from hermes_trio.cli.demo import demo_home, describe_demo
from hermes_trio.cli.file_limit import raise_file_limit
from hermes_trio.cli.memory import keep_memory_low, prepare_memory, settle_memory
from hermes_trio.cli.terminal import Style, wants_color
from hermes_trio.gateway.adapter_runner import CredentialLocks
from hermes_trio.gateway.options import GatewayOptions
from hermes_trio.home.credential_lock import credential_lock_directory
from hermes_trio.home.paths import home_of_user
from hermes_trio.home.process_record import current_process_record
from hermes_trio.http.server import serve_gateway
from hermes_trio.io.groups import lone_error_raised
from hermes_trio.io.orphans import look_after_orphans

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermes_trio.cli.invocation import Invocation
    from hermes_trio.gateway.gateway import Gateway
    from hermes_trio.gateway.report import GatewayReport
    from hermes_trio.home.paths import HomePaths

GREET_WITHIN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of ``run``.

    Attributes:
        demo: Serve the example home.
        profiles: The only profiles to serve, or None for all.
        host: Overrides the configured address.
        port: Overrides the configured port.
        drain: Overrides every profile's drain deadline, in seconds.
        log_level: Level of the console.
    """

    demo: bool
    profiles: tuple[str, ...] | None
    host: str | None
    port: int | None
    drain: float | None
    log_level: str


def serve(invocation: Invocation, wishes: Wishes) -> int:
    """Serve until a signal says stop; returns the exit code.

    Raises:
        HermesTrioError: The gateway cannot start.
    """
    home = demo_home(invocation.environ) if wishes.demo else invocation.home()
    options = GatewayOptions(
        home=home,
        environ=invocation.environ,
        wanted=wishes.profiles,
        log_level=wishes.log_level,
        host=wishes.host,
        port=wishes.port,
        drain_seconds=wishes.drain,
        argv=invocation.process.argv,
        color=wants_color(invocation.environ, sys.stderr),
        credential_locks=_credential_locks(invocation),
    )

    def greet(gateway: Gateway) -> None:
        click.echo("\n".join(_greeting(invocation, home, wishes, gateway.status())))

    raise_file_limit()
    prepare_memory()
    with lone_error_raised():
        return trio.run(_serve, options, greet)


async def _serve(options: GatewayOptions, greet: Callable[[Gateway], None]) -> int:
    """Serve, and greet once every profile has settled, or when that takes too long."""

    async def greet_soon(gateway: Gateway) -> None:
        with trio.move_on_after(GREET_WITHIN_SECONDS):
            await gateway.settled()
        settle_memory()
        greet(gateway)
        await keep_memory_low(gateway)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look_after_orphans)
        code = await serve_gateway(options, on_ready=lambda gateway: nursery.start_soon(greet_soon, gateway))
        nursery.cancel_scope.cancel()
    return code


def _credential_locks(invocation: Invocation) -> CredentialLocks:
    """Where all gateways of this user note which bot tokens they use."""
    folder = credential_lock_directory(invocation.environ, home_of_user(invocation.environ))
    return CredentialLocks(folder, current_process_record(invocation.process.argv))


def _greeting(invocation: Invocation, home: HomePaths, wishes: Wishes, report: GatewayReport) -> list[str]:
    style = Style(wants_color(invocation.environ, sys.stdout))
    lines = announce(report, style)
    if wishes.demo:
        lines += describe_demo(home, client_url(report.address), invocation, style)
    return lines
