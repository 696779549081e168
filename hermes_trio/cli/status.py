"""``hermes-trio status``: how the gateway and its profiles are doing."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from hermes_trio.cli.exit_codes import FAILED
from hermes_trio.cli.invocation import Invocation, common_options, current_invocation
from hermes_trio.cli.terminal import Style, align, describe_span, explain, wants_color
from hermes_trio.errors import UnknownProfile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.cli.control import ControlError
    from hermes_trio.gateway.report import GatewayReport, ProfileReport

COLUMNS = ("PROFILE", "STATE", "REASON", "SINCE", "RETRY", "TURNS", "MODEL")


@click.command(
    epilog="""
\b
Examples:
  hermes-trio status                   all profiles
  hermes-trio status -p coder          one profile, with the reason of its state in full
  hermes-trio status --json            for scripts
"""
)
@click.option("--json", "as_json", is_flag=True, help="Print the gateway's report as JSON.")
@common_options
def command(as_json: bool) -> int:
    """Show what the running gateway does: every profile's state, why, since when, turns, model."""
    from hermes_trio.cli.control import fetch_status, not_running

    invocation = current_invocation()
    home = invocation.home()
    found = fetch_status(home)
    if found is None:
        return _say_not_running(not_running(home, invocation.suggest("run")), as_json=as_json)
    view, raw = found
    shown = _select(view, invocation)
    if as_json:
        click.echo(_as_json(raw, invocation.profile))
        return 0
    style = Style(wants_color(invocation.environ, sys.stdout))
    from hermes_trio.io.clock import SystemClock

    for line in describe_gateway(view, shown, SystemClock().now(), style):
        click.echo(line)
    return 0


def describe_gateway(view: GatewayReport, shown: Sequence[ProfileReport], now: float, style: Style) -> list[str]:
    """The status page: a line for the gateway, a table of profiles, the details of those with trouble."""
    lines = [
        f"hermes-trio {view.version}, pid {view.pid}, {style.state(view.state)} for {describe_span(now - view.since)}",
        f"{view.home} on {view.address or '(not listening yet)'}",
        "",
    ]
    head = [
        style.paint(title, bold=True) for title in ("PROFILE", "STATE", "REASON", "SINCE", "RETRY", "TURNS", "MODEL")
    ]
    lines += align([head, *(_row(profile, now, style) for profile in shown)])
    for profile in shown:
        if line := explain(profile, style):
            lines += ["", line]
    return lines


def _row(profile: ProfileReport, now: float, style: Style) -> list[str]:
    retry = "-" if profile.next_retry is None else f"in {describe_span(profile.next_retry - now)}"
    return [
        profile.name,
        style.state(profile.state),
        profile.reason or "-",
        describe_span(now - profile.since),
        retry,
        str(profile.active_turns),
        profile.model or "-",
    ]


def _select(view: GatewayReport, invocation: Invocation) -> Sequence[ProfileReport]:
    if invocation.profile is None:
        return view.profiles
    shown = [profile for profile in view.profiles if profile.name == invocation.profile]
    if not shown:
        raise unknown_profile(view, invocation.profile)
    return shown


def unknown_profile(view: GatewayReport, name: str) -> Exception:
    """The error for a profile that the running gateway does not know."""

    known = ", ".join(profile.name for profile in view.profiles)
    return UnknownProfile(
        "the running gateway serves no profile of this name", profile=name, expected=f"one of {known}"
    )


def _as_json(raw: bytes, profile: str | None) -> str:
    report = json.loads(raw)
    if profile is not None:
        report["profiles"] = [one for one in report["profiles"] if one["name"] == profile]
    return json.dumps({"running": True, **report}, indent=2)


def _say_not_running(error: ControlError, *, as_json: bool) -> int:
    if not as_json:
        raise error
    click.echo(json.dumps({"running": False, "code": error.code, "home": error.where}, indent=2))
    return FAILED
