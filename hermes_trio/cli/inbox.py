"""``hermes-trio inbox``: messages that wait for an answer, and those that were given up."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

import click

from hermes_trio.cli.exit_codes import FAILED, OK
from hermes_trio.cli.invocation import Invocation, common_options, current_invocation
from hermes_trio.cli.terminal import Style, align, describe_span, error_block, wants_color

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from hermes_trio.store.inbox import InboxRow, InboxState

STATES: tuple[InboxState, ...] = ("accepted", "running", "dead", "done")
PREVIEW = 48

_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
_IDS = click.argument("ids", metavar="ID...", type=int, nargs=-1, required=True)


@click.group(
    epilog="""
\b
Examples:
  hermes-trio inbox list                    what waits and what was given up, in all profiles
  hermes-trio inbox list --state dead       only what was given up
  hermes-trio inbox replay -p coder 17      answer a message after all
  hermes-trio inbox drop -p coder 17        never answer it

\b
All of it works with and without a running gateway.
"""
)
@common_options
def command() -> None:
    """See the messages that wait for an answer, and decide about those that failed too often."""


@command.command(
    "list",
    epilog="""
\b
Examples:
  hermes-trio inbox list                            all profiles
  hermes-trio inbox list -p coder --state dead      what one profile has given up
  hermes-trio inbox list --state done --limit 5     the last that were answered
  hermes-trio inbox list --json                     for scripts, with the whole messages
""",
)
@click.option(
    "--state",
    "states",
    type=click.Choice(STATES),
    multiple=True,
    help="Only messages in this state; may be given more than once [default: all but done].",
)
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Newest messages per profile.")
@_JSON
@common_options
def list_command(states: tuple[InboxState, ...], limit: int, as_json: bool) -> int:
    """Show messages, the newest first. STATE is accepted, running (a turn answers it), dead (given up) or done."""
    from hermes_trio.errors import StoreError
    from hermes_trio.home.discovery import discover_profiles
    from hermes_trio.io.clock import SystemClock
    from hermes_trio.io.database_files import read_other_file
    from hermes_trio.store.inbox import select_rows

    invocation = current_invocation()
    wanted = None if invocation.profile is None else (invocation.profile,)
    select = partial(select_rows, states=states or STATES[:3], limit=limit)
    found: dict[str, Sequence[InboxRow]] = {}
    problems: list[StoreError] = []
    for profile in discover_profiles(invocation.home(), wanted=wanted, allowlist=None):
        try:
            path = invocation.home().profile(profile.name).state_db
            found[profile.name] = read_other_file(path, profile.name, select) or ()
        except StoreError as error:  # the other profiles are shown all the same
            problems.append(error)
    if as_json:
        click.echo(json.dumps({"profiles": [_as_json(name, rows) for name, rows in found.items()]}, indent=2))
    elif found or not problems:
        style = Style(wants_color(invocation.environ, sys.stdout))
        click.echo("\n".join(describe_inboxes(found, SystemClock().now(), style)))
    for problem in problems:
        click.echo(error_block(problem, Style(wants_color(invocation.environ, sys.stderr))), err=True)
    return FAILED if problems else OK


@command.command(
    epilog="""
\b
Examples:
  hermes-trio inbox replay -p coder 17
  hermes-trio inbox replay 17 18 19        the profile of `active_profile`, else default

\b
A running gateway begins at once, otherwise the next start does. Exit codes: 0 done, 1 one of them is not dead.
"""
)
@_IDS
@_JSON
@common_options
def replay(ids: tuple[int, ...], as_json: bool) -> int:
    """Let dead messages be answered after all."""
    from hermes_trio.cli.control import ControlError, tell_inbox_changed
    from hermes_trio.store.inbox import replay_row

    invocation = current_invocation()
    profile = _chosen(invocation)
    done = _write_each(invocation, profile, ids, replay_row)
    notice = ""
    if any(done.values()):
        try:
            told = tell_inbox_changed(invocation.home(), profile)
            notice = "" if told else "No gateway runs on this home; the next one answers."
        except ControlError as error:
            notice = f"The running gateway could not be told; it answers when the profile starts again. ({error})"
    return _report(profile, done, "will be answered", "is not dead", notice, as_json=as_json)


@command.command(
    epilog="""
\b
Examples:
  hermes-trio inbox drop -p coder 17

\b
A turn that runs already is not stopped; /stop in the chat does that. Exit codes: 0 done, 1 one of them does not wait.
"""
)
@_IDS
@_JSON
@common_options
def drop(ids: tuple[int, ...], as_json: bool) -> int:
    """Never answer these messages, dead or waiting."""
    from hermes_trio.store.inbox import drop_row

    invocation = current_invocation()
    profile = _chosen(invocation)
    done = _write_each(invocation, profile, ids, drop_row)
    return _report(profile, done, "was dropped", "does not wait for an answer", as_json=as_json)


def describe_inboxes(found: dict[str, Sequence[InboxRow]], now: float, style: Style) -> list[str]:
    """A table of messages, or a sentence that says that there are none."""
    rows = [_row(profile, row, now, style) for profile, rows in found.items() for row in rows]
    if not rows:
        return ["No such messages."]
    titles = ("PROFILE", "ID", "STATE", "SINCE", "TRIES", "FROM", "MESSAGE", "ERROR")
    return align([[style.paint(title, bold=True) for title in titles], *rows])


def _row(profile: str, row: InboxRow, now: float, style: Style) -> list[str]:
    bot = "" if row.transport_profile == profile else f" by the bot of {row.transport_profile}"
    return [
        profile,
        str(row.id),
        style.paint(row.state, "red" if row.state == "dead" else None),
        describe_span(now - row.updated_at),
        str(row.attempts),
        _shown(f"{row.platform} {row.chat_id}{bot}"),
        _shown(_preview(row)) or "-",
        _shown(row.last_error or "-"),
    ]


def _preview(row: InboxRow) -> str:
    """The beginning of what was written; of what cannot be read, of what is stored."""
    from hermes_trio.gateway.accepted import decode_row

    try:
        text = decode_row(row).message.text
    except ValueError:
        text = row.message
    line = " ".join(text.split())
    return line if len(line) <= PREVIEW else line[: PREVIEW - 3] + "..."


def _shown(text: str) -> str:
    """Strangers write these texts: nothing in them may move the cursor."""
    return "".join(character if character.isprintable() else " " for character in text)


def _chosen(invocation: Invocation) -> str:
    from hermes_trio.cli.conversation import active_profile
    from hermes_trio.home.discovery import discover_profiles

    name = invocation.profile or active_profile(invocation.home())
    discover_profiles(invocation.home(), wanted=(name,), allowlist=None)  # raises for an unknown one
    return name


def _write_each(
    invocation: Invocation, profile: str, ids: Sequence[int], write: Callable[[sqlite3.Connection, int, float], bool]
) -> dict[int, bool]:
    """Do something to each message, in one transaction beside those of a running gateway; which it was possible for."""
    import trio

    from hermes_trio.io.clock import SystemClock
    from hermes_trio.io.database import OpenDatabases, open_database
    from hermes_trio.io.workers import ThreadWorkers
    from hermes_trio.store.schema import prepare

    path = invocation.home().profile(profile).state_db
    if not path.exists():
        return dict.fromkeys(ids, False)
    now = SystemClock().now()

    async def run() -> dict[int, bool]:
        async with open_database(path, prepare, profile, OpenDatabases(), ThreadWorkers()) as database:
            return await database.write(lambda connection: {one: write(connection, one, now) for one in ids})

    return trio.run(run)


def _report(profile: str, done: dict[int, bool], yes: str, no: str, notice: str = "", *, as_json: bool) -> int:
    if as_json:
        results = [{"id": row_id, "done": was_possible} for row_id, was_possible in done.items()]
        click.echo(json.dumps({"profile": profile, "messages": results, "notice": notice}, indent=2))
    else:
        for row_id, was_possible in done.items():
            click.echo(f"Message {row_id} of '{profile}' {yes if was_possible else no}.", err=not was_possible)
        if notice:
            click.echo(notice)
    return OK if all(done.values()) else FAILED


def _as_json(profile: str, rows: Sequence[InboxRow]) -> dict[str, object]:
    return {"profile": profile, "messages": [asdict(row) for row in rows]}
