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
from hermes_trio.errors import ProfileServed
from hermes_trio.gateway.adapter_runner import CredentialLocks
from hermes_trio.gateway.options import GatewayOptions
from hermes_trio.home.credential_lock import credential_lock_directory
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.own_gateway import refuse_served_profiles
from hermes_trio.home.paths import HomePaths, home_of_user, profile_of_home
from hermes_trio.home.process_record import current_process_record
from hermes_trio.http.server import serve_gateway
from hermes_trio.io.groups import lone_error_raised
from hermes_trio.io.orphans import look_after_orphans

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermes_trio.cli.invocation import Invocation
    from hermes_trio.gateway.gateway import Gateway
    from hermes_trio.gateway.report import GatewayReport

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
        force: Serve a named profile also when the gateway that runs serves it already.
    """

    demo: bool
    profiles: tuple[str, ...] | None
    host: str | None
    port: int | None
    drain: float | None
    log_level: str
    force: bool = False


def serve(invocation: Invocation, wishes: Wishes) -> int:
    """Serve until a signal says stop; returns the exit code.

    Raises:
        HermesTrioError: The gateway cannot start.
    """
    home = demo_home(invocation.environ) if wishes.demo else invocation.home()
    named = wishes.profiles or _profiles_of_home(invocation)
    process_home = None if wishes.demo else guard_named_profiles(home, named, force=wishes.force)
    options = GatewayOptions(
        home=home,
        environ=invocation.environ,
        wanted=wishes.profiles if process_home is None else named,
        log_level=wishes.log_level,
        host=wishes.host,
        port=wishes.port,
        drain_seconds=wishes.drain,
        argv=invocation.process.argv,
        color=wants_color(invocation.environ, sys.stderr),
        credential_locks=_credential_locks(invocation),
        process_home=process_home,
    )

    def greet(gateway: Gateway) -> None:
        click.echo("\n".join(_greeting(invocation, home, wishes, gateway.status())))

    raise_file_limit()
    prepare_memory()
    with lone_error_raised():
        return trio.run(_serve, options, greet)


def guard_named_profiles(home: HomePaths, named: Sequence[str], *, force: bool) -> HomePaths | None:
    """Keep a gateway of named profiles away from the running one that serves them.

    Args:
        home: The root home.
        named: The profiles to serve; empty for all.
        force: Start it all the same.

    Returns:
        Where such a gateway has its lock and other files: the folder of the profile; None where it is the only one.

    Raises:
        ProfileServed: The running gateway serves one of them, and it is not forced.
    """
    if DEFAULT_PROFILE in named:
        return None  # that is the gateway of the home itself, which its lock guards
    try:
        refuse_served_profiles(home, named)
    except ProfileServed as error:
        if not force or error.profile is None:
            raise
        return HomePaths(home.profile(error.profile).root)
    return None


def _profiles_of_home(invocation: Invocation) -> tuple[str, ...]:
    """The profile in whose folder ``--home`` or ``HERMES_HOME`` points."""
    profile = profile_of_home(invocation.environ, invocation.home_option)
    return () if profile is None else (profile,)


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
