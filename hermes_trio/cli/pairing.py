"""``hermes-trio pairing``: let people talk to a profile's bots, and take it back."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from hermes_trio.cli.exit_codes import FAILED, OK
from hermes_trio.cli.invocation import Invocation, common_options, current_invocation
from hermes_trio.cli.terminal import Style, align, describe_span, error_block, wants_color

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.access.pairing import PlatformPairings
    from hermes_trio.access.pairing_files import ApprovedUser, PendingRequest
    from hermes_trio.access.pairing_places import PairingError, PairingPlaces

_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@dataclass(frozen=True, slots=True)
class ProfilePairings:
    """Pairing on all platforms of one profile."""

    profile: str
    platforms: tuple[PlatformPairings, ...]


@click.group(
    epilog="""
\b
Examples:
  hermes-trio pairing list                              who waits and who is approved, in all profiles
  hermes-trio pairing approve -p coder telegram ABCD2345
  hermes-trio pairing revoke -p coder telegram 4711
  hermes-trio pairing clear-pending -p coder

\b
All of it works with and without a running gateway, which notices within two seconds.
"""
)
@common_options
def command() -> None:
    """Let people talk to a profile's bots: approve the code that a bot has given to a stranger."""


@command.command(
    "list",
    epilog="""
\b
Examples:
  hermes-trio pairing list               all profiles
  hermes-trio pairing list -p coder      one profile
  hermes-trio pairing list --json        for scripts
""",
)
@_JSON
@common_options
def list_command(as_json: bool) -> int:
    """Show who waits for approval and who is approved."""
    from hermes_trio.access.pairing import read_pairings
    from hermes_trio.access.pairing_places import PairingError
    from hermes_trio.home.discovery import discover_profiles
    from hermes_trio.io.clock import SystemClock

    invocation, now = current_invocation(), SystemClock().now()
    wanted = None if invocation.profile is None else (invocation.profile,)
    found: list[ProfilePairings] = []
    problems: list[PairingError] = []
    for profile in discover_profiles(invocation.home(), wanted=wanted, allowlist=None):
        try:
            found.append(ProfilePairings(profile.name, read_pairings(_places(invocation, profile.name), now)))
        except PairingError as error:  # the other profiles are shown all the same
            problems.append(error)
    if as_json:
        click.echo(json.dumps({"profiles": [_profile_as_json(one) for one in found]}, indent=2))
    elif found or not problems:
        click.echo("\n".join(describe_pairings(found, now, Style(wants_color(invocation.environ, sys.stdout)))))
    for problem in problems:
        click.echo(error_block(problem, Style(wants_color(invocation.environ, sys.stderr))), err=True)
    return FAILED if problems else OK


@command.command(
    epilog="""
\b
Examples:
  hermes-trio pairing approve -p coder telegram ABCD2345
  hermes-trio pairing approve telegram abcd2345            the profile of `active_profile`, else default

\b
Exit codes: 0 approved, 1 the code is wrong or over, or pairing is closed after too many wrong codes.
"""
)
@click.argument("platform")
@click.argument("code")
@_JSON
@common_options
def approve(platform: str, code: str, as_json: bool) -> int:
    """Approve the person who was given CODE on PLATFORM."""
    from hermes_trio.access.pairing import approve as approve_code
    from hermes_trio.io.clock import SystemClock

    places, name = _chosen(platform)
    done = approve_code(places, name, code, SystemClock().now())
    if as_json:
        facts = {"profile": places.profile, "platform": name, **_approved_as_json(done.user)}
        click.echo(json.dumps({**facts, "added_to": done.listed_in, "warning": done.warning}, indent=2))
        return OK
    click.echo(f"{_person(done.user)} may now talk to '{places.profile}' on {name}.")
    if done.listed_in:
        click.echo(f"Added to {done.listed_in} in {places.home / '.env'} too.")
    if done.warning:
        click.echo(f"warning: {done.warning}", err=True)
    return OK


@command.command(
    epilog="""
\b
Examples:
  hermes-trio pairing revoke -p coder telegram 4711

\b
Exit codes: 0 revoked, 1 the user was not approved, or the settings still let the user in.
"""
)
@click.argument("platform")
@click.argument("user")
@_JSON
@common_options
def revoke(platform: str, user: str, as_json: bool) -> int:
    """Take back the approval of USER, an id on PLATFORM."""
    from hermes_trio.access.pairing import revoke as revoke_user
    from hermes_trio.access.pairing_places import PairingError

    places, name = _chosen(platform)
    removed = revoke_user(places, name, user)
    still_in = _what_still_lets_in(places, name, user)
    if not removed and not still_in:
        raise PairingError(
            "this user is not approved",
            code="pairing_not_found",
            profile=places.profile,
            where=name,
            found=_shown(user),
            mend="`hermes-trio pairing list` shows who is",
        )
    if as_json:
        facts = {"profile": places.profile, "platform": name, "user_id": user, "revoked": bool(removed)}
        click.echo(json.dumps({**facts, "still_in": still_in}, indent=2))
    else:
        if removed:
            click.echo(f"{_shown(user)} is no longer paired with '{places.profile}' on {name}.")
        if still_in:
            click.echo(f"warning: this user may be let in all the same: {still_in}", err=True)
    return FAILED if still_in else OK


@command.command(
    "clear-pending",
    epilog="""
\b
Examples:
  hermes-trio pairing clear-pending -p coder              on all platforms
  hermes-trio pairing clear-pending -p coder telegram     on one
""",
)
@click.argument("platform", required=False)
@_JSON
@common_options
def clear_pending(platform: str | None, as_json: bool) -> int:
    """Forget all requests that wait, so that their codes are worth nothing."""
    from hermes_trio.access.pairing import clear_pending as clear
    from hermes_trio.access.pairing_places import check_platform
    from hermes_trio.access.pairing_store import platforms_in

    places = _places_of_choice()
    platforms = platforms_in(places) if platform is None else (check_platform(platform, places.profile),)
    removed = clear(places, platforms)
    if as_json:
        click.echo(json.dumps({"profile": places.profile, "removed": removed}, indent=2))
    else:
        click.echo(f"Removed {removed} request{'' if removed == 1 else 's'} of '{places.profile}'.")
    return OK


def describe_pairings(found: Sequence[ProfilePairings], now: float, style: Style) -> list[str]:
    """The page of ``pairing list``."""
    titles = ("PROFILE", "PLATFORM", "STATE", "USER", "NAME", "SINCE")
    rows = [row for one in found for platform in one.platforms for row in _rows(one.profile, platform, now, style)]
    if not rows:
        return ["Nobody waits and nobody is approved."]
    closed = [
        f"{one.profile}: pairing on {platform.platform} is closed for {describe_span(platform.locked_until - now)} more"
        for one in found
        for platform in one.platforms
        if platform.locked_until is not None
    ]
    return [*align([[style.paint(title, bold=True) for title in titles], *rows]), *closed]


def _rows(profile: str, platform: PlatformPairings, now: float, style: Style) -> list[list[str]]:
    waits, approved = style.paint("waits", "yellow"), style.paint("approved", "green")
    people = [
        *((waits, one.user_id, one.user_name, one.created_at) for one in platform.pending),
        *((approved, one.user_id, one.user_name, one.approved_at) for one in platform.approved),
    ]
    return [
        [profile, platform.platform, state, _shown(user), _shown(name) or "-", _since(at, now)]
        for state, user, name, at in people
    ]


def _since(at: float | None, now: float) -> str:
    return "-" if at is None else describe_span(now - at)


def _what_still_lets_in(places: PairingPlaces, platform: str, user: str) -> str:
    """What in the profile's settings lets a user in without pairing; empty for nothing."""
    from hermes_trio.access.identity import is_listed
    from hermes_trio.access.pairing_list import list_name, listed_users
    from hermes_trio.errors import HermesTrioError
    from hermes_trio.home.settings import load_profile_settings

    invocation = current_invocation()
    try:
        settings = load_profile_settings(invocation.home(), places.profile, invocation.environ)
        if is_listed(user, frozenset(listed_users(places, platform))):
            return f"take the entry out of {list_name(platform)} in {settings.paths.env}"
    except HermesTrioError as error:
        return f"the settings cannot be read: {error}"
    found = settings.config.platforms.get(platform)
    if found is None:
        return ""
    if found.access.allow_all_users:
        return "the settings let everybody in"
    listed = is_listed(user, found.access.allowed_users | found.access.group_allowed_users)
    return "a list in the settings or in the environment has an entry for this user" if listed else ""


def _chosen(platform: str) -> tuple[PairingPlaces, str]:
    from hermes_trio.access.pairing_places import check_platform

    places = _places_of_choice()
    return places, check_platform(platform, places.profile)


def _places_of_choice() -> PairingPlaces:
    from hermes_trio.cli.conversation import active_profile
    from hermes_trio.home.discovery import discover_profiles

    invocation = current_invocation()
    name = invocation.profile or active_profile(invocation.home())
    discover_profiles(invocation.home(), wanted=(name,), allowlist=None)  # raises for an unknown one
    return _places(invocation, name)


def _places(invocation: Invocation, profile: str) -> PairingPlaces:
    from hermes_trio.access.pairing_places import pairing_places

    return pairing_places(profile, invocation.home().profile(profile))


def _person(user: ApprovedUser) -> str:
    name = _shown(user.user_name)
    return f"{name} ({_shown(user.user_id)})" if name else _shown(user.user_id)


def _shown(text: str) -> str:
    """What a stranger has chosen, without what could steer a terminal."""
    from hermes_trio.access.pairing import clean_name

    return clean_name(text)


def _profile_as_json(found: ProfilePairings) -> dict[str, object]:
    return {"profile": found.profile, "platforms": [_platform_as_json(one) for one in found.platforms]}


def _platform_as_json(platform: PlatformPairings) -> dict[str, object]:
    return {
        "platform": platform.platform,
        "pending": [_pending_as_json(one) for one in platform.pending],
        "approved": [_approved_as_json(one) for one in platform.approved],
        "locked_until": platform.locked_until,
    }


def _pending_as_json(request: PendingRequest) -> dict[str, object]:
    return {"user_id": request.user_id, "user_name": request.user_name, "created_at": request.created_at}


def _approved_as_json(user: ApprovedUser) -> dict[str, object]:
    return {"user_id": user.user_id, "user_name": user.user_name, "approved_at": user.approved_at}
