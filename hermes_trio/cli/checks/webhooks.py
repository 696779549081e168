"""Checks of the webhook platform: routes that cannot work, or that let in more than they should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.adapter_api.outgoing import Target
from hermes_trio.cli.checks.findings import Finding, Level
from hermes_trio.cli.checks.listening import bind_problem
from hermes_trio.delivery.targets import TargetInvalid, parse_target
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.process_record import read_live_gateway
from hermes_trio.home.provenance import WEBHOOK_ROUTE_INVALID
from hermes_trio.home.webhook_config import GITHUB_COMMENT, LOG, NO_AUTHENTICATION
from hermes_trio.home.webhook_subscriptions import SubscriptionsError, parse_subscriptions
from hermes_trio.http.webhooks.filters import FilterInvalid, compile_filter
from hermes_trio.http.webhooks.scripts import ScriptMissing, find_script
from hermes_trio.io.addresses import is_loopback
from hermes_trio.routing.decision import covers
from hermes_trio.routing.route_table import build_route_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.cli.checks.survey import Survey
    from hermes_trio.home.settings import ProfileSettings
    from hermes_trio.home.webhook_config import WebhookConfig, WebhookRoute

SHORTEST_SECRET: Final = 16


def check_webhooks(survey: Survey) -> Iterator[Finding]:
    """The routes of the default profile; those of others count for nothing, as `check_listening` says."""
    found = survey.default().settings
    if found is None:
        return
    config = found.config.webhook
    static = f"{found.paths.config} platforms.webhook.extra.routes"
    if not config.enabled:
        if config.routes:
            mend = "set platforms.webhook.enabled: true"
            yield _finding("webhook_off", static, "there are routes, but the webhook platform is off", mend)
        return
    yield from _port(survey, config, found)
    yield from _subscriptions(survey, found)
    for route in config.routes.values():
        yield from _route(survey, found, route, f"{static}.{route.name}")


def _subscriptions(survey: Survey, settings: ProfileSettings) -> Iterator[Finding]:
    path = settings.paths.webhook_subscriptions
    try:
        found = parse_subscriptions(path.read_bytes() if path.exists() else None, path)
    except (SubscriptionsError, OSError) as error:
        yield _finding("webhook_subscriptions_invalid", str(path), str(error), f"mend {path}", level=Level.ERROR)
        return
    if path.exists() and path.stat().st_mode & 0o077:
        yield _finding("secrets_not_private", str(path), "others may read the secrets", f"chmod 600 {path}")
    for notice in found.notices:
        level = Level.ERROR if notice.code == WEBHOOK_ROUTE_INVALID else Level.WARNING
        yield _finding(notice.code, str(notice.location), f"{notice.path}: {notice.text}", None, level=level)
    for name, route in found.routes.items():
        if name in settings.config.webhook.routes:
            text = f"the subscription {name} has no effect: config.yaml has a route of this name"
            yield _finding("webhook_shadowed", str(path), text, f"hermes-trio webhook remove {name}")
        else:
            yield from _route(survey, settings, route, f"{path} {name}")


def _route(survey: Survey, settings: ProfileSettings, route: WebhookRoute, where: str) -> Iterator[Finding]:
    if not route.enabled:
        return
    yield from _secret(settings, route, where)
    profile = route.profile or DEFAULT_PROFILE
    if profile not in {one.name for one in survey.profiles}:
        text = f"it is bound to {profile}, which is no profile, so it is served nowhere"
        yield _finding("webhook_profile_unknown", f"{where}.profile", text, "name a profile", level=Level.ERROR)
    else:
        yield from _destination(survey, route, profile, where)
    if route.script:
        try:
            find_script(settings.paths.scripts, route.script)
        except ScriptMissing as error:
            yield _finding("webhook_script_missing", f"{where}.script", str(error), error.mend, level=Level.ERROR)
    try:
        compile_filter(route.filters)
    except FilterInvalid as error:
        yield _finding("webhook_filter_invalid", where, f"nothing passes: {error}", "mend it", level=Level.ERROR)


def _secret(settings: ProfileSettings, route: WebhookRoute, where: str) -> Iterator[Finding]:
    config = settings.config
    secret = route.secret_or(config.webhook.secret)
    if not secret:
        own = "of its own, because it is bound to a profile" if route.profile else "here or in WEBHOOK_SECRET"
        text = f"it has no secret, so every delivery is refused; it needs one {own}"
        yield _finding("webhook_secret_missing", f"{where}.secret", text, "set secret", level=Level.ERROR)
    elif secret == NO_AUTHENTICATION:
        public = [host for host in _hosts(config.webhook, config.api_server.host) if not is_loopback(host)]
        if public:
            text = f"{NO_AUTHENTICATION} counts on loopback only; deliveries to {public[0]} are refused"
            yield _finding("webhook_open", f"{where}.secret", text, "set a secret", level=Level.ERROR)
        else:
            text = "every program and web page on this machine may wake the agent"
            yield _finding("webhook_open", f"{where}.secret", text, "set a secret")
    elif len(secret) < SHORTEST_SECRET:
        text = f"its secret has fewer than {SHORTEST_SECRET} characters and may be guessed"
        yield _finding("webhook_secret_short", f"{where}.secret", text, "use a longer one")


def _hosts(config: WebhookConfig, main: str) -> tuple[str, ...]:
    return (main, config.host or "all addresses") if config.own_listener else (main,)


def _destination(survey: Survey, route: WebhookRoute, profile: str, where: str) -> Iterator[Finding]:
    settings = next((one.settings for one in survey.profiles if one.name == profile), None)
    if settings is None or route.deliver.lower() == LOG:
        return
    place, code = f"{where}.deliver", "webhook_destination_missing"
    if route.deliver.lower() == GITHUB_COMMENT:
        if not (settings.secrets.get("GH_TOKEN") or settings.secrets.get("GITHUB_TOKEN")):
            text = f"{profile} has no GH_TOKEN, so nothing can be written to GitHub"
            yield _finding(code, place, text, f"set GH_TOKEN in {settings.paths.env}", level=Level.ERROR)
        if missing := [key for key in ("repo", "pr_number") if key not in route.deliver_extra]:
            text = f"deliver_extra has no {' and no '.join(missing)}"
            yield _finding(code, where, text, "set them, e.g. repo: {repository.full_name}", level=Level.ERROR)
        return
    try:
        target = parse_target(route.deliver)
    except TargetInvalid as error:
        yield _finding(code, place, str(error), error.mend, level=Level.ERROR)
        return
    chat = route.deliver_extra.get("chat_id")
    named = Target(chat, route.deliver_extra.get("thread_id")) if chat else target.chat
    if named is not None and _speaks_through_another(survey, profile, target.platform, named):
        return
    platform = settings.config.platforms.get(target.platform)
    if platform is None or not platform.enabled:
        text = f"{profile} has no bot of its own on {target.platform}, so every delivery is answered with 502"
        yield _finding(code, place, text, f"set one up for {profile}", level=Level.ERROR)
    elif not (named or target.name or platform.home_channel):
        text = f"{profile} has no home channel on {target.platform}, and the route names no chat"
        yield _finding(code, place, text, "set deliver_extra.chat_id", level=Level.ERROR)


def _speaks_through_another(survey: Survey, profile: str, platform: str, target: Target) -> bool:
    """Whether routes let a profile speak there through the bot of another one."""
    settings = survey.default().settings
    table = build_route_table(settings.config.gateway.profile_routes if settings is not None else ())
    bots = [
        other.name
        for other, found in survey.readable()
        if other.name != profile and (bot := found.config.platforms.get(platform)) is not None and bot.enabled
    ]
    return any(covers(table, bot, profile, platform, target.chat_id, target.thread_id) for bot in bots)


def _port(survey: Survey, config: WebhookConfig, settings: ProfileSettings) -> Iterator[Finding]:
    if not config.own_listener or read_live_gateway(survey.home) is not None:
        return
    where = f"platforms.webhook {config.host or 'all addresses'}, port {config.port}"
    if config.port == settings.config.api_server.port:
        text = "the gateway's own listener has this port already, and serves the routes as well"
        yield _finding("webhook_port_taken", where, text, "choose another port, or none")
        return
    problem = bind_problem(config.host, config.port)
    if problem is not None:
        text = f"webhooks cannot have a listener of their own there: {problem}"
        yield _finding("webhook_port_taken", where, text, "stop what uses the port, or choose another")


def _finding(
    code: str,
    where: str,
    message: str,
    mend: str | None,
    *,
    level: Level = Level.WARNING,
) -> Finding:
    return Finding(level=level, code=code, profile=DEFAULT_PROFILE, where=where, message=message, mend=mend)
