"""``hermes-trio run``: serve a home in the foreground."""

from __future__ import annotations

import click

from hermes_trio.cli.invocation import common_options, current_invocation

LEVELS = ("debug", "info", "warning", "error")


@click.command(
    epilog="""
\b
Examples:
  hermes-trio run                            every profile of ~/.hermes
  hermes-trio run --demo                     three profiles on a built-in model, nothing to set up
  hermes-trio run --home ./home --port 9000  another home on another port
  hermes-trio run --profiles default,coder   these two and no others

\b
Signals: SIGTERM and SIGINT stop after the running turns have ended (a second one stops at once),
SIGUSR1 does the same and exits with 75.
Exit codes: 0 stopped, 1 refused (another gateway holds the home), 75 restart wanted,
78 configuration, or the running gateway serves the named profile already.
"""
)
@click.option("--demo", is_flag=True, help="Serve a copy of the example home and print what to try.")
@click.option("--profiles", metavar="A,B", help="Serve these profiles and no others [default: all].")
@click.option("--host", metavar="ADDRESS", help="Listen here instead of the configured address.")
@click.option("--port", metavar="N", type=click.IntRange(0, 65535), help="Listen on this port; 0 takes a free one.")
@click.option("--drain", metavar="SECONDS", type=click.FloatRange(min=0), help="Time for running turns at shutdown.")
@click.option(
    "--log-level",
    type=click.Choice(LEVELS, case_sensitive=False),
    default="info",
    show_default=True,
    help="What the console shows; the log files have their own level.",
)
@click.option("--force", is_flag=True, help="Serve a named profile that the running gateway serves already.")
@common_options
def command(
    *,
    demo: bool,
    profiles: str | None,
    host: str | None,
    port: int | None,
    drain: float | None,
    log_level: str,
    force: bool,
) -> int:
    """Serve every profile of a Hermes home until told to stop."""
    from hermes_trio.cli.serve import Wishes, serve

    invocation = current_invocation()
    if demo and invocation.home_option is not None:
        raise click.UsageError("--demo brings its own home; leave out --home, or leave out --demo")
    wanted = choose_profiles(profiles, invocation.profile)
    return serve(invocation, Wishes(demo, wanted, host, port, drain, log_level.upper(), force))


def choose_profiles(listed: str | None, single: str | None) -> tuple[str, ...] | None:
    """The profiles to serve: those of ``--profiles``, or the one of ``-p``, or None for all.

    Raises:
        click.UsageError: Both were given, or ``--profiles`` names none.
    """
    if listed is None:
        return None if single is None else (single,)
    if single is not None:
        raise click.UsageError("give either --profiles or -p, not both")
    names = tuple(dict.fromkeys(name.strip() for name in listed.split(",") if name.strip()))
    if not names:
        raise click.UsageError("--profiles names no profile; write e.g. --profiles default,coder")
    return names
