"""``hermes-trio status``: how the gateway and its profiles are doing."""

from __future__ import annotations

import json
import sys
from itertools import islice
from typing import TYPE_CHECKING

import click

from hermes_trio.cli.exit_codes import FAILED
from hermes_trio.cli.invocation import Invocation, common_options, current_invocation
from hermes_trio.cli.terminal import Style, align, describe_span, explain, wants_color
from hermes_trio.errors import UnknownProfile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hermes_trio.cli.control import ControlError
    from hermes_trio.gateway.report import AdapterReport, GatewayReport, ProfileReport

COLUMNS = ("PROFILE", "STATE", "REASON", "SINCE", "RETRY", "TURNS", "MODEL")

BOT_COLORS: Mapping[str, str] = {
    "connected": "green",
    "connecting": "cyan",
    "retrying": "yellow",
    "parked": "red",
}
"""Colours of bots' states; the others stay plain."""


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
    """Show what the running gateway does: every profile's state, why, since when, turns, model, and its bots."""
    from hermes_trio.cli.control import fetch_status, not_running

    invocation = current_invocation()
    home = invocation.home()
    found = fetch_status(home)
    if found is None:
        return _say_not_running(not_running(home, invocation.suggest("run")), as_json=as_json)
    view, raw = found
    shown = select_profiles(view, invocation)
    if as_json:
        click.echo(_as_json(raw, invocation.profile))
        return 0
    style = Style(wants_color(invocation.environ, sys.stdout))
    from hermes_trio.io.clock import SystemClock

    for line in describe_gateway(view, shown, SystemClock().now(), style):
        click.echo(line)
    return 0


def describe_gateway(view: GatewayReport, shown: Sequence[ProfileReport], now: float, style: Style) -> list[str]:
    """The status page: a line for the gateway, a table of profiles with their bots, the details of what has trouble."""
    lines = [
        f"hermes-trio {view.version}, pid {view.pid}, {style.state(view.state)} for {describe_span(now - view.since)}",
        f"{view.home} on {view.address or '(not listening yet)'}",
        *([f"webhooks on {view.webhook_address}"] if view.webhook_address else []),
        *([style.paint(f"webhooks: {view.webhook_problem}", "yellow")] if view.webhook_problem else []),
        "",
    ]
    head = [style.paint(title, bold=True) for title in COLUMNS]
    lines += _table([head, *(_row(profile, now, style) for profile in shown)], _bots(shown, now, style))
    for profile in shown:
        bots = (_explain_bot(profile, bot, style) for bot in profile.adapters)
        for line in (explain(profile, style), *bots, _explain_held(profile, style)):
            lines += ["", line] if line else []
    return lines


def _table(rows: Sequence[Sequence[str]], bots: Sequence[Sequence[str]]) -> list[str]:
    """The profiles in columns, below each its bots, in columns of their own; the first row is the head."""
    head, *profiles = align(rows)
    return [head, *(line for profile, own in zip(profiles, bots, strict=True) for line in (profile, *own))]


def _bots(shown: Sequence[ProfileReport], now: float, style: Style) -> list[list[str]]:
    """For each profile the lines of its bots, aligned with those of the others."""
    lines = iter(align([_bot_row(bot, now, style) for profile in shown for bot in profile.adapters], indent="  "))
    return [list(islice(lines, len(profile.adapters))) for profile in shown]


def _bot_row(bot: AdapterReport, now: float, style: Style) -> list[str]:
    retry = "" if bot.next_retry is None else f", retry in {describe_span(bot.next_retry - now)}"
    counts = f"{bot.received} in, {bot.sent} out"
    if dropped := sum(bot.dropped.values()):
        counts += f", {dropped} dropped"
    return [
        bot.platform,
        style.paint(bot.state, BOT_COLORS.get(bot.state)),
        bot.reason or bot.bot or "-",
        f"{describe_span(now - bot.since)}{retry}",
        counts,
    ]


def _explain_bot(profile: ProfileReport, bot: AdapterReport, style: Style) -> str:
    """One line about a bot in trouble; empty for one that is well."""
    if not bot.detail:
        return ""
    detail = bot.detail.removeprefix(f"profile '{profile.name}': ")
    return f"{style.paint(f'{profile.name} {bot.platform}', bold=True)}: {detail}"


def _explain_held(profile: ProfileReport, style: Style) -> str:
    """One line about messages that wait for other profiles; empty when none do."""
    if not profile.held:
        return ""
    some = "1 message waits" if profile.held == 1 else f"{profile.held} messages wait"
    return f"{style.paint(profile.name, bold=True)}: {some} for other profiles; `hermes-trio route list` shows which"


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


def select_profiles(view: GatewayReport, invocation: Invocation) -> Sequence[ProfileReport]:
    """The profile that the invocation names, or all.

    Raises:
        UnknownProfile: The running gateway does not know it.
    """
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
