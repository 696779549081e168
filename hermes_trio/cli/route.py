"""``hermes-trio route``: which profile answers a message, and why."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from hermes_trio.cli.exit_codes import FAILED, OK, USAGE
from hermes_trio.cli.invocation import common_options, current_invocation
from hermes_trio.cli.terminal import Style, align, wants_color

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hermes_trio.cli.checks.findings import Finding
    from hermes_trio.cli.control import ControlError
    from hermes_trio.cli.invocation import Invocation
    from hermes_trio.gateway.route_report import CandidateView, Explanation, RoutesReport, RouteView

COLUMNS = ("SCORE", "PROFILE", "BOT", "PLATFORM", "GUILD", "CHAT", "THREAD", "USER", "NAME", "STATE")
_ANY = "-"
_KEYS = ("profile_routes", "topic_profiles", "route_unavailable", "default_agent", " routes", " agents")

_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.group(
    epilog="""
\b
Examples:
  hermes-trio route list
  hermes-trio route explain --platform telegram --chat -1003961179976 --thread 6 --user 11111111
  hermes-trio route explain --message 4711
  hermes-trio route check

\b
Routes stand in the default profile's config.yaml; docs/configuration.md describes them.
"""
)
@common_options
def command() -> None:
    """See the routes of one bot to many profiles, and why a message goes where it goes."""


@command.command(
    "list",
    epilog="""
\b
Examples:
  hermes-trio route list
  hermes-trio route list --json

\b
The most specific first: of the routes that match a message the first one counts. STATE says whether the profile can be
had: of the running gateway, else as far as the files tell.
Exit codes: 0 done, 78 the settings cannot be read.
""",
)
@_JSON
@common_options
def list_command(as_json: bool) -> int:
    """Show all routes, the most specific first."""
    import msgspec

    invocation = current_invocation()
    report = _report(invocation)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2))
    else:
        click.echo("\n".join(describe_routes(report, Style(wants_color(invocation.environ, sys.stdout)))))
    return OK


@command.command(
    epilog="""
\b
Examples:
  hermes-trio route explain --platform telegram --chat -1003961179976 --thread 6
  hermes-trio route explain --platform discord --guild 789 --chat 111 --user 222 --bot coder
  hermes-trio route explain --message 4711        one that has come: its id stands in the log as message_id=...
  hermes-trio route explain --platform telegram --chat 42 --type dm --json

\b
A running gateway answers by the very functions that route its messages; without one the files answer.
Exit codes: 0 the message is answered, 1 it is not (or --message is not known), 78 the settings cannot be read.
"""
)
@click.option("--platform", metavar="NAME", help="The platform, e.g. telegram.")
@click.option("--chat", metavar="ID", help="The chat.")
@click.option("--thread", metavar="ID", help="The thread or topic in it.")
@click.option("--user", metavar="ID", help="Who writes.")
@click.option("--guild", metavar="ID", help="The server, team or workspace of the chat.")
@click.option("--parent", metavar="ID", help="The chat that a thread with a chat id of its own belongs to.")
@click.option("--type", "chat_type", metavar="TYPE", help="dm, group, channel, thread ... [default: group]")
@click.option("--bot", metavar="PROFILE", help="The profile whose bot receives it. [default: default]")
@click.option("--message", metavar="ID", help="The id of a message that the running gateway has received lately.")
@_JSON
@common_options
def explain(as_json: bool, message: str | None, platform: str | None, bot: str | None, **place: str | None) -> int:
    """Say which profile answers a message, by which route, and who may write there."""
    import msgspec

    invocation = current_invocation()
    if message is None and not platform:
        raise click.UsageError("name the --platform of a message, or the --message that has come")
    query = {"platform": platform, "bot": bot, "message": message, "type": place.pop("chat_type", None), **place}
    explanations = _explain(invocation, {name: value for name, value in query.items() if value})
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(explanations), indent=2))
    else:
        style = Style(wants_color(invocation.environ, sys.stdout))
        click.echo("\n\n".join("\n".join(describe_explanation(one, style)) for one in explanations))
    return OK if all(one.outcome == "taken" for one in explanations) else FAILED


@command.command(
    epilog="""
\b
Examples:
  hermes-trio route check

\b
Exit codes: 0 no errors (there may be warnings), 2 errors. `hermes-trio check` looks at everything else as well.
"""
)
@_JSON
@common_options
def check(as_json: bool) -> int:
    """Look for mistakes in the routes: targets that are not there, bots that are not, routes that never count."""
    import msgspec

    from hermes_trio.cli.check import describe_report
    from hermes_trio.cli.checks.analysis import analyse_home

    invocation = current_invocation()
    report = analyse_home(invocation.home(), invocation.environ, only=invocation.profile, about=_is_about_routes)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2))
    else:
        click.echo("\n".join(describe_report(report, Style(wants_color(invocation.environ, sys.stdout)))))
    return USAGE if report.errors else OK


def _is_about_routes(finding: Finding) -> bool:
    return finding.code.startswith("route") or any(key in finding.where for key in _KEYS)


def describe_routes(report: RoutesReport, style: Style) -> list[str]:
    """A table of all routes, and what becomes of messages whose profile cannot be had."""
    if not report.routes:
        return ["There are no routes: every bot's messages are answered by its own profile."]
    rows = [
        [str(one.score), *_fields(one.route), one.unavailable or style.paint("ok", "green")] for one in report.routes
    ]
    fate = "wait for it" if report.holds else "are dropped"
    return [
        *align([[style.paint(title, bold=True) for title in COLUMNS], *rows]),
        "",
        f"Messages for a profile that is parked, failed or unknown {fate} (gateway.route_unavailable).",
    ]


def describe_explanation(explanation: Explanation, style: Style) -> list[str]:
    """All about one message: the outcome first, then why."""
    bot, outcome = explanation.transport_profile, explanation.outcome
    if outcome == "taken":
        verdict = style.paint(f"profile {explanation.runtime_profile} answers", "green")
    elif outcome == "refused":
        verdict = style.paint("the bot does not listen to who writes", "red")
    elif outcome == "held":
        verdict = style.paint(f"the message waits for profile {explanation.target}", "yellow")
    else:
        verdict = style.paint("the message is dropped", "red")
    facts = [
        ("bot:", f"{bot} (its rules say who may write, and it answers)"),
        ("route:", _winner(explanation)),
        ("access:", _access(explanation)),
    ]
    if explanation.reason:
        facts.insert(2, ("reason:", explanation.reason))
    if explanation.session_key:
        facts.append(("session:", explanation.session_key))
    lines = [verdict, *align(facts, indent="  ")]
    if explanation.candidates:
        rows = [_candidate(one) for one in explanation.candidates]
        lines += ["", *align([("SCORE", "ROUTE", "TO", "MATCHES"), *rows])]
    return lines


def _winner(explanation: Explanation) -> str:
    hook = "decided by a select_profile hook" if explanation.at is not None else "a select_profile hook is asked first"
    found = "none matches" if explanation.winner is None else _name(explanation.winner)
    return f"{found}; {hook}" if explanation.hook_decides else found


def _access(explanation: Explanation) -> str:
    access = explanation.access
    word = {True: "allowed", False: "refused", None: "not known"}[access.allowed]
    return f"{word}: {access.text}"


def _candidate(one: CandidateView) -> tuple[str, ...]:
    return str(one.score), _name(one.route), one.route.profile, "yes" if one.matches else "; ".join(one.mismatches)


def _name(route: RouteView) -> str:
    return f"{route.name} ({route.origin})" if route.name else route.origin


def _fields(route: RouteView) -> Sequence[str]:
    return (
        route.profile,
        route.bot_profile,
        route.platform or _ANY,
        route.guild_id or _ANY,
        route.chat_id or _ANY,
        route.thread_id or _ANY,
        route.user_id or _ANY,
        route.name or _ANY,
    )


def _report(invocation: Invocation) -> RoutesReport:
    from hermes_trio.cli.control import fetch_routes

    report = fetch_routes(invocation.home())
    if report is not None:
        return report
    from hermes_trio.cli.route_offline import OfflineRoutes

    return OfflineRoutes(invocation.home(), invocation.environ).report()


def _explain(invocation: Invocation, query: Mapping[str, str]) -> list[Explanation]:
    from hermes_trio.cli.control import fetch_explanations, not_running

    home = invocation.home()
    found = fetch_explanations(home, query)
    if found is None and "message" in query:
        raise not_running(home, invocation.suggest("run"))
    if found is None:
        return [_explain_offline(invocation, query)]
    if not found:
        raise _unknown_message(query["message"])
    return found


def _explain_offline(invocation: Invocation, query: Mapping[str, str]) -> Explanation:
    from hermes_trio.cli.route_offline import OfflineRoutes
    from hermes_trio.home.names import DEFAULT_PROFILE
    from hermes_trio.routing.source import read_source

    routes = OfflineRoutes(invocation.home(), invocation.environ)
    return routes.explain(query.get("bot") or DEFAULT_PROFILE, read_source(query))


def _unknown_message(message: str) -> ControlError:
    from hermes_trio.cli.control import ControlError

    return ControlError(
        f"no message {message} is remembered",
        code="message_unknown",
        found="the gateway remembers the last 1000 that it has routed since its start",
        mend="name its --platform, --chat, --thread and --user instead",
    )
