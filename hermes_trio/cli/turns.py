"""``hermes-trio turns``: the answers to chats that are being made now, and an end to those that hang."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click
import msgspec

from hermes_trio.cli.exit_codes import OK
from hermes_trio.cli.invocation import Invocation, common_options, current_invocation
from hermes_trio.cli.terminal import Style, align, describe_span, wants_color

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hermes_trio.cli.control import ControlError
    from hermes_trio.gateway.report import TurnReport

COLUMNS = ("PROFILE", "TURN", "RUNS", "IDLE", "TOOL", "CALLS", "QUEUED", "CONVERSATION")

_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.group(
    invoke_without_command=True,
    epilog="""
\b
Examples:
  hermes-trio turns                            all answers that are being made
  hermes-trio turns -p coder                   those of one profile
  hermes-trio turns --json                     for scripts
  hermes-trio turns cancel turn_0a1b2c3d4e5f   end one that hangs

\b
Shown are answers to chats. One for an HTTP client ends with its client; `hermes-trio status` counts it.
Exit codes: 0 done, 1 no gateway runs on the home, or it has no such turn.
""",
)
@_JSON
@common_options
@click.pass_context
def command(context: click.Context, as_json: bool) -> int:
    """See the answers to chats that are being made now, and end those that hang."""
    if context.invoked_subcommand is not None:
        return OK
    return _list(current_invocation(), as_json=as_json)


@command.command(
    "list",
    epilog="""
\b
Examples:
  hermes-trio turns list
  hermes-trio turns list -p coder --json

\b
RUNS is the time since the turn began, IDLE the time since anything happened in it, TOOL the tool that works now, CALLS
how often the model has answered, QUEUED how many messages of the conversation wait for the turn's end.
""",
)
@_JSON
@common_options
def list_command(as_json: bool) -> int:
    """Show the answers that are being made, the longest first."""
    return _list(current_invocation(), as_json=as_json)


@command.command(
    epilog="""
\b
Examples:
  hermes-trio turns cancel turn_0a1b2c3d4e5f
  hermes-trio turns cancel turn_0a1b2c3d4e5f -p coder    only if it is one of this profile

\b
The chat is told. What waits in the conversation is answered next; what the turn's tools have done stays done.
Exit codes: 0 cancelled, 1 no such turn runs.
"""
)
@click.argument("turn", metavar="ID")
@_JSON
@common_options
def cancel(turn: str, as_json: bool) -> int:
    """End a turn; its message counts as answered."""
    from hermes_trio.cli.control import cancel_turn

    invocation = current_invocation()
    profile = next((name for name, turns in _running(invocation).items() if _find(turns, turn)), None)
    if profile is None or not cancel_turn(invocation.home(), turn):
        raise _unknown(invocation, turn)
    if as_json:
        click.echo(json.dumps({"turn": turn, "profile": profile, "cancelled": True}, indent=2))
    else:
        click.echo(f"Turn {turn} of '{profile}' was cancelled.")
    return OK


def describe_turns(running: Mapping[str, Sequence[TurnReport]], style: Style) -> list[str]:
    """A table of the turns of each profile, or a sentence that says that there are none."""
    rows = [_row(profile, turn) for profile, turns in running.items() for turn in turns]
    if not rows:
        return ["No answer to a chat is being made."]
    return align([[style.paint(title, bold=True) for title in COLUMNS], *rows])


def _row(profile: str, turn: TurnReport) -> list[str]:
    bot = "" if turn.transport_profile == profile else f" (by the bot of {turn.transport_profile})"
    return [
        profile,
        turn.turn,
        describe_span(turn.seconds),
        describe_span(turn.idle_seconds),
        turn.tool or "-",
        str(turn.api_calls),
        str(turn.queued),
        f"{turn.session_key}{bot}",
    ]


def _list(invocation: Invocation, *, as_json: bool) -> int:
    running = _running(invocation)
    if as_json:
        turns = [{"profile": name, **msgspec.to_builtins(turn)} for name, turns in running.items() for turn in turns]
        click.echo(json.dumps({"turns": turns}, indent=2))
    else:
        style = Style(wants_color(invocation.environ, sys.stdout))
        click.echo("\n".join(describe_turns(running, style)))
    return OK


def _running(invocation: Invocation) -> dict[str, Sequence[TurnReport]]:
    """The turns of the profiles that are meant."""
    from hermes_trio.cli.control import require_status
    from hermes_trio.cli.status import select_profiles

    view, _ = require_status(invocation.home(), invocation.suggest("run"))
    return {profile.name: profile.turns for profile in select_profiles(view, invocation)}


def _find(turns: Sequence[TurnReport], turn: str) -> bool:
    return any(one.turn == turn for one in turns)


def _unknown(invocation: Invocation, turn: str) -> ControlError:
    from hermes_trio.cli.control import ControlError

    return ControlError(
        f"no turn {turn} runs",
        code="turn_unknown",
        profile=invocation.profile,
        mend=f"`{invocation.suggest('turns')}` shows those that do",
    )
