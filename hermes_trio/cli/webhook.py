"""``hermes-trio webhook``: let other services wake an agent, and take it back."""

from __future__ import annotations

import json
import secrets
import sys
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import click

from hermes_trio.cli.exit_codes import FAILED, OK
from hermes_trio.cli.invocation import common_options, current_invocation
from hermes_trio.cli.terminal import Style, align, wants_color

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hermes_trio.cli.webhook_routes import KnownRoute, WebhookHome
    from hermes_trio.home.webhook_config import WebhookRoute

SECRET_BYTES = 32
PREVIEW = 40

_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


class _Aliases(click.Group):
    """Takes hermes-agent's short names, too."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand of this name, or None."""
        return super().get_command(ctx, {"add": "subscribe", "ls": "list", "rm": "remove"}.get(cmd_name, cmd_name))


@click.group(
    cls=_Aliases,
    epilog="""
\b
Examples:
  hermes-trio webhook subscribe deploys --prompt "Deploy {id} ended: {state}. What now?"
  hermes-trio webhook subscribe reviews -p coder --events pull_request --deliver telegram
  hermes-trio webhook list
  hermes-trio webhook test deploys --payload '{"id": 7, "state": "failed"}'
  hermes-trio webhook remove deploys

\b
`add`, `ls` and `rm` are the same as subscribe, list and remove. A running gateway notices within two seconds.
The platform is switched on by `platforms.webhook.enabled: true` of the default profile.
""",
)
@common_options
def command() -> None:
    """Routes at which other services wake an agent by a signed HTTP request."""


@command.command(
    epilog="""
\b
Examples:
  hermes-trio webhook subscribe deploys --prompt "Deploy {id} ended: {state}."
  hermes-trio webhook subscribe reviews -p coder --events pull_request,issues \\
      --deliver github_comment --deliver-extra repo={repository.full_name} --deliver-extra pr_number={number}
  hermes-trio webhook subscribe alarms --deliver-only --prompt "Alarm: {message}" --deliver telegram \\
      --deliver-chat-id 4711

\b
A name that is subscribed already gets the new settings and keeps its secret, unless --secret is given.
Exit codes: 0 done, 1 refused (the name is a route of config.yaml, the script is missing ...), 2 wrong usage,
78 a file or the profile cannot be used.
"""
)
@click.argument("name")
@click.option("--prompt", help="What the agent is told; {a.b} is what the payload has there [default: the payload].")
@click.option("--events", multiple=True, help="Only these events, with commas [default: all].")
@click.option("--description", help="For people.")
@click.option("--skills", multiple=True, help="Skills to follow, with commas.")
@click.option("--deliver", help="Where the answer goes: log, github_comment, or a platform [default: log].")
@click.option("--deliver-chat-id", help="In which chat [default: the platform's home channel].")
@click.option("--deliver-extra", multiple=True, metavar="KEY=VALUE", help="thread_id, repo or pr_number.")
@click.option("--secret", help="The secret that the sender signs with [default: a new one].")
@click.option("--deliver-only", is_flag=True, default=None, help="Deliver the prompt itself; no agent is asked.")
@click.option("--script", help="A file below scripts/ that is asked about each delivery.")
@_JSON
@common_options
def subscribe(name: str, as_json: bool, **given: object) -> int:
    """Make a route NAME, or change it. With -p it is bound to that profile, whose agent and bots then serve it."""
    from hermes_trio.cli.webhook_routes import read_webhook_home
    from hermes_trio.home.discovery import discover_profiles
    from hermes_trio.home.names import DEFAULT_PROFILE
    from hermes_trio.home.webhook_subscriptions import edit_subscriptions
    from hermes_trio.http.webhooks.scripts import find_script

    invocation = current_invocation()
    home, paths = invocation.home(), invocation.home().profile(DEFAULT_PROFILE)
    _check_name(name, read_webhook_home(invocation))
    if invocation.profile is not None:
        discover_profiles(home, wanted=(invocation.profile,), allowlist=None)  # raises for an unknown one
    if script := given.get("script"):
        find_script(paths.scripts, str(script))
    own = str(given["secret"] or "").strip()
    fresh = own or secrets.token_urlsafe(SECRET_BYTES)
    changes = _fields(given, invocation.profile)
    kept = False

    def edit(values: dict[str, object]) -> None:
        nonlocal kept
        old = values.get(name)
        route = dict(old) if isinstance(old, dict) else {}
        kept = bool(route.get("secret")) and not own
        stamp = route.get("created_at") or datetime.now(UTC).isoformat(timespec="seconds")  # noqa: TID251  the command's
        values[name] = {**route, **changes, "secret": route["secret"] if kept else fresh, "created_at": stamp}

    edit_subscriptions(paths.webhook_subscriptions, edit)
    after = read_webhook_home(invocation)
    url = after.url(_made(name, after, paths.webhook_subscriptions))
    generated = "" if kept or own else fresh
    if as_json:
        click.echo(json.dumps({"name": name, "url": url, "secret": generated or None}, indent=2))
        return OK
    click.echo(f"{name} takes deliveries at {url}")
    if generated:
        click.echo(f"Its secret, which is not shown again: {generated}")
    if not after.config.enabled:
        click.echo("warning: the webhook platform is off; set platforms.webhook.enabled: true", err=True)
    return OK


@command.command(
    "list",
    epilog="""
\b
Examples:
  hermes-trio webhook list               all routes, those of config.yaml too
  hermes-trio webhook list -p coder      those that are bound to a profile
  hermes-trio webhook list --json        for scripts; without secrets
""",
)
@_JSON
@common_options
def list_command(as_json: bool) -> int:
    """Show the routes, where they are served and where their answers go."""
    from hermes_trio.cli.webhook_routes import read_webhook_home

    invocation = current_invocation()
    home = read_webhook_home(invocation)
    wanted = invocation.profile
    shown = [known for known in home.routes.values() if wanted in (None, known.route.profile or "default")]
    if as_json:
        routes = [_as_json(home, known) for known in shown]
        click.echo(json.dumps({"enabled": home.config.enabled, "routes": routes}, indent=2))
        return OK
    style = Style(wants_color(invocation.environ, sys.stdout))
    click.echo("\n".join(describe_routes(home, shown, style)))
    if shown and not home.config.enabled:
        click.echo("warning: the webhook platform is off; set platforms.webhook.enabled: true", err=True)
    return OK


@command.command(
    epilog="""
\b
Examples:
  hermes-trio webhook remove deploys

\b
Exit codes: 0 removed, 1 there is no such subscription; routes of config.yaml are removed there.
"""
)
@click.argument("name")
@common_options
def remove(name: str) -> int:
    """Remove the subscription NAME; its deliveries are refused from then on."""
    from hermes_trio.cli.webhook_routes import WebhookError
    from hermes_trio.home.names import DEFAULT_PROFILE
    from hermes_trio.home.webhook_subscriptions import edit_subscriptions

    removed: list[object] = []
    path = current_invocation().home().profile(DEFAULT_PROFILE).webhook_subscriptions
    if path.exists():
        edit_subscriptions(path, lambda values: removed.append(values.pop(name, None)))
    if not any(found is not None for found in removed):
        raise WebhookError(
            "there is no such subscription",
            code="webhook_unknown",
            where=str(path),
            found=name[:64],
            mend="`hermes-trio webhook list` shows those there are; routes of config.yaml are removed there",
        )
    click.echo(f"{name} takes no deliveries any more.")
    return OK


@command.command(
    epilog="""
\b
Examples:
  hermes-trio webhook test deploys
  hermes-trio webhook test deploys --payload '{"id": 7}'
  hermes-trio webhook test reviews --event pull_request --payload - < payload.json

\b
The delivery is a real one: the agent works on it. Exit codes: 0 taken (HTTP 2xx), 1 refused or no gateway runs.
"""
)
@click.argument("name")
@click.option("--payload", default='{"test": true}', show_default=True, help="JSON, or - for stdin.")
@click.option("--event", help="The event [default: the first that the route takes, else test].")
@common_options
def test(name: str, payload: str, event: str | None) -> int:
    """Sign a delivery as the sender would and send it to the route NAME of the running gateway."""
    from hermes_trio.cli.webhook_routes import WebhookError, read_webhook_home, send_test

    home = read_webhook_home(current_invocation())
    known = home.routes.get(name)
    if known is None:
        mend = "`hermes-trio webhook list` shows the routes there are, `hermes-trio check` those that cannot be used"
        raise WebhookError("there is no such route", code="webhook_unknown", found=name[:64], mend=mend)
    body = sys.stdin.read() if payload == "-" else payload
    try:
        json.loads(body)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--payload") from error
    chosen = event or next(iter(known.route.events), "test")
    status, answer = send_test(home, known.route, chosen, body.encode())
    click.echo(f"HTTP {status} from {home.url(known.route)}\n{answer}")
    if status == HTTPStatus.NOT_FOUND and known.is_static:
        click.echo("The running gateway has other settings; it reads them when it starts: start it again.", err=True)
    return OK if 200 <= status < 300 else FAILED


def describe_routes(home: WebhookHome, shown: Sequence[KnownRoute], style: Style) -> list[str]:
    """A table of routes, or a sentence that says that there are none."""
    if not shown:
        return ["No routes. `hermes-trio webhook subscribe NAME` makes one."]
    titles = ("NAME", "PROFILE", "EVENTS", "DELIVERS TO", "FROM", "URL", "DESCRIPTION")
    return align([[style.paint(title, bold=True) for title in titles], *(_row(home, known) for known in shown)])


def _row(home: WebhookHome, known: KnownRoute) -> list[str]:
    route = known.route
    target = ":".join(part for part in (route.deliver, route.deliver_extra.get("chat_id")) if part)
    return [
        route.name if route.enabled else f"{route.name} (disabled)",
        route.profile or "default",
        ",".join(route.events)[:PREVIEW] or "all",
        f"{target}, no agent" if route.deliver_only else target,
        "config.yaml" if known.is_static else "subscription",
        home.url(route),
        " ".join(route.description.split())[:PREVIEW] or "-",
    ]


def _as_json(home: WebhookHome, known: KnownRoute) -> dict[str, object]:
    route = known.route
    return {
        "name": route.name,
        "url": home.url(route),
        "source": "config.yaml" if known.is_static else "subscription",
        "profile": route.profile or None,
        "enabled": route.enabled,
        "events": list(route.events),
        "prompt": route.prompt,
        "skills": list(route.skills),
        "script": route.script or None,
        "deliver": route.deliver,
        "deliver_extra": dict(route.deliver_extra),
        "deliver_only": route.deliver_only,
        "description": route.description,
    }


def _check_name(name: str, home: WebhookHome) -> None:
    from hermes_trio.cli.webhook_routes import WebhookError
    from hermes_trio.home.webhook_subscriptions import SUBSCRIPTION_NAME

    if not SUBSCRIPTION_NAME.fullmatch(name):
        raise click.BadParameter("a-z, 0-9, '-' and '_', beginning with a letter or a digit", param_hint="NAME")
    known = home.routes.get(name)
    if known is not None and known.is_static:
        raise WebhookError(
            "this is a route of config.yaml, which counts", code="webhook_taken", found=name, mend="use another name"
        )


def _made(name: str, home: WebhookHome, path: Path) -> WebhookRoute:
    """The route that was written just now, unless the file holds something else of it that cannot be used."""
    from hermes_trio.cli.webhook_routes import WebhookError

    known = home.routes.get(name)
    if known is None:
        raise WebhookError(
            "the subscription is stored, but it cannot be used, so nothing is served there",
            code="webhook_unusable",
            where=str(path),
            found=name,
            mend=f"`hermes-trio check` says what is wrong with it; mend it, or `hermes-trio webhook remove {name}`",
        )
    return known.route


def _fields(given: Mapping[str, object], profile: str | None) -> dict[str, object]:
    """What was said on the command line, as the file has it; what was not said is not in it."""
    fields: dict[str, object] = {
        key: given[key] for key in ("prompt", "description", "deliver", "deliver_only", "script") if given[key]
    }
    for key in ("events", "skills"):
        if words := _words(given[key]):
            fields[key] = words
    extra = _extra(given["deliver_extra"])
    if chat := given["deliver_chat_id"]:
        extra["chat_id"] = str(chat)
    if extra:
        fields["deliver_extra"] = extra
    return fields if profile is None else {**fields, "profile": profile}


def _words(given: object) -> list[str]:
    texts = given if isinstance(given, tuple) else ()
    return [word for text in texts for part in str(text).split(",") if (word := part.strip())]


def _extra(given: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given if isinstance(given, tuple) else ():
        key, sign, value = str(text).partition("=")
        if not sign or key not in ("thread_id", "repo", "pr_number"):
            raise click.BadParameter("thread_id=, repo= or pr_number=", param_hint="--deliver-extra")
        found[key] = value
    return found
