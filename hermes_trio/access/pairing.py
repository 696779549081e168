"""Pairing: a stranger is given a code, and whoever runs the gateway approves it. The protocol is hermes-agent's.

A code is good for an hour and for one approval. A person gets one per ten minutes, and three people may wait per
platform; five wrong codes close pairing on the platform for an hour. What changes files blocks and belongs in a worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.access.identity import clean_id
from hermes_trio.access.pairing_codes import (
    find_request,
    hash_code,
    new_code,
    new_request_id,
    new_salt,
    normalize_code,
)
from hermes_trio.access.pairing_files import LONGEST_NAME, ApprovedUser, PendingRequest, number_in
from hermes_trio.access.pairing_list import add_to_list
from hermes_trio.access.pairing_places import (
    APPROVED,
    PENDING,
    PairingError,
    PairingPlaces,
    is_platform,
    pairing_places,
)
from hermes_trio.access.pairing_store import PairingFiles, explaining, open_pairing_files, platforms_in

if TYPE_CHECKING:
    from hermes_trio.routing.source import MessageSource
    from hermes_trio.scope import ProfileScope

CODE_SECONDS: Final = 3600.0
SECONDS_BETWEEN_REQUESTS: Final = 600.0
MOST_PENDING: Final = 3
MOST_WRONG_CODES: Final = 5
LOCK_SECONDS: Final = 3600.0
LONGEST_USER_ID: Final = 256
_MEND_CODE: Final = "check the code, or have the user write to the bot again for a new one"
_CLOCK_STEP_SECONDS: Final = 60.0
"""A clock that is set back by so much ends no code."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What an approval did.

    Attributes:
        user: Who may talk to the bot now.
        listed_in: The list in ``.env`` that the user was added to, or empty.
        warning: What could not be done, or empty; the user is approved all the same.
    """

    user: ApprovedUser
    listed_in: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class PlatformPairings:
    """The state of pairing on one platform.

    Attributes:
        platform: Which.
        pending: Who waits, the oldest first; only codes that are still good.
        approved: Who was approved.
        locked_until: When pairing opens again, in seconds since the epoch; None when it is open.
    """

    platform: str
    pending: tuple[PendingRequest, ...]
    approved: tuple[ApprovedUser, ...]
    locked_until: float | None


async def request_code(scope: ProfileScope, source: MessageSource) -> str | None:
    """Make a code for a stranger; the caller sends it and forgets it.

    Args:
        scope: The transport profile, whose bot the stranger talks to.
        source: The stranger.

    Returns:
        The code; None when there is none now: asked too often, too many wait, too many wrong codes, no user id, or the
        files cannot be used, which is logged.
    """
    user = clean_id(source.user_id)
    if not user or len(user) > LONGEST_USER_ID or not is_platform(source.platform):
        return None
    log = scope.log.bind(component="gateway.access")
    places = pairing_places(scope.name, scope.home)
    name = clean_name(source.user_name)
    try:
        code = await scope.run_blocking(issue_code, places, source.platform, user, name, scope.clock.now())
    except PairingError as error:
        problem = f"a stranger got no pairing code: {error}"
        log.error(problem, platform=source.platform)  # noqa: TRY400  our logger has no `exception`
        return None
    if code is not None:
        log.info("a stranger got a pairing code", platform=source.platform, user=user)
    return code


def issue_code(places: PairingPlaces, platform: str, user: str, user_name: str, now: float) -> str | None:
    """Store a request of a user and give its code, or None when none may be given now; blocking.

    A new code replaces an older one of the same user.

    Raises:
        PairingError: The files cannot be used.
    """
    with open_pairing_files(places) as files:
        stamp = files.limit(f"{platform}:{user}")
        too_early = stamp is not None and 0 <= now - stamp < SECONDS_BETWEEN_REQUESTS
        if too_early or locked_until(files, platform, now) is not None:
            return None
        pending = files.pending(platform)
        waiting = [one for one in pending if is_good(one, now) and one.user_id != user]
        if len(waiting) >= MOST_PENDING:
            return None
        over = [one.request_id for one in pending if one not in waiting]
        files.remove(platform, PENDING, over, everywhere=False)
        code, salt = new_code(), new_salt()
        files.add_pending(platform, PendingRequest(new_request_id(), hash_code(code, salt), salt, user, user_name, now))
        files.change_limits({f"{platform}:{user}": now}, forget=_over(files, now))
        return code


def approve(places: PairingPlaces, platform: str, code: str, now: float) -> Approval:
    """Approve the request that was given this code; blocking.

    The user also joins the profile's list of allowed users, where ``.env`` has one.

    Args:
        places: The profile's folders.
        platform: A name from `check_platform`.
        code: As somebody typed it.
        now: Seconds since the epoch.

    Raises:
        PairingError: ``pairing_code_wrong``, ``pairing_locked``, or the files cannot be used.
    """
    with open_pairing_files(places) as files:
        until = locked_until(files, platform, now)
        if until is not None:
            raise _locked(places, platform, until - now)
        good = [one for one in files.pending(platform) if is_good(one, now)]
        request = find_request(normalize_code(code), good)
        if request is None:
            raise _wrong(files, platform, now, waiting=len(good))
        user = ApprovedUser(request.user_id, request.user_name, now)
        files.add_approved(platform, user)
        files.remove(platform, PENDING, [one.request_id for one in good if one.user_id == user.user_id])
        files.change_limits({_failures(platform): None})
        listed_in, warning = add_to_list(places, platform, user.user_id)
        return Approval(user, listed_in, warning)


def revoke(places: PairingPlaces, platform: str, user: str) -> int:
    """Take back a user's approvals, wherever they are; blocking. What lists of allowed users say is left as it is.

    Returns:
        How many there were.

    Raises:
        PairingError: The files cannot be used.
    """
    with open_pairing_files(places) as files:
        return files.remove(platform, APPROVED, [clean_id(user)])


def clear_pending(places: PairingPlaces, platforms: tuple[str, ...]) -> int:
    """Forget all requests on these platforms, so that their codes are worth nothing; blocking.

    Returns:
        How many there were, expired ones included.

    Raises:
        PairingError: The files cannot be used.
    """
    with open_pairing_files(places) as files:
        return sum(
            files.remove(platform, PENDING, [one.request_id for one in files.pending(platform)])
            for platform in platforms
        )


def read_pairings(places: PairingPlaces, now: float) -> tuple[PlatformPairings, ...]:
    """Who waits and who is approved, on every platform that has files; blocking, changes nothing.

    Raises:
        PairingError: The files cannot be used.
    """
    with explaining(places):
        files = PairingFiles(places, places.written())
    return tuple(_read(files, platform, now) for platform in platforms_in(places))


def is_good(request: PendingRequest, now: float) -> bool:
    """Whether the code of a request may still be approved."""
    return -_CLOCK_STEP_SECONDS <= now - request.created_at < CODE_SECONDS


def locked_until(files: PairingFiles, platform: str, now: float) -> float | None:
    """When pairing opens again after too many wrong codes, or None when it is open."""
    until = files.limit(f"_lockout:{platform}")
    return until if until is not None and now < until else None


def clean_name(name: str) -> str:
    """A name that a stranger chose, without what could disturb a terminal."""
    return "".join(character if character.isprintable() else " " for character in name).strip()[:LONGEST_NAME]


def _read(files: PairingFiles, platform: str, now: float) -> PlatformPairings:
    good = [one for one in files.pending(platform) if is_good(one, now)]
    return PlatformPairings(
        platform,
        tuple(sorted(good, key=lambda one: one.created_at)),
        files.approved(platform),
        locked_until(files, platform, now),
    )


def _failures(platform: str) -> str:
    return f"_failures:{platform}"


def _over(files: PairingFiles, now: float) -> list[str]:
    """Times of requests that limit nobody any more; without this the file would only grow."""
    limits = files.own_limits()
    stamps = {key: number_in(limits, key) for key in limits if not key.startswith("_")}
    return [key for key, stamp in stamps.items() if stamp is not None and now - stamp >= SECONDS_BETWEEN_REQUESTS]


def _wrong(files: PairingFiles, platform: str, now: float, *, waiting: int) -> PairingError:
    """Count a wrong code, and lock the platform when it is one too many."""
    count = int(number_in(files.own_limits(), _failures(platform)) or 0) + 1
    found = f"wrong code number {count}" if waiting else "no request that waits"
    if count < MOST_WRONG_CODES:
        files.change_limits({_failures(platform): count})
        mend = _MEND_CODE if waiting else "`hermes-trio pairing list` shows who waits, for which profile and platform"
    else:
        files.change_limits({_failures(platform): 0, f"_lockout:{platform}": now + LOCK_SECONDS})
        mend = f"after {MOST_WRONG_CODES} wrong codes pairing on {platform} is closed for an hour"
    return PairingError(
        "not the code of a request that waits",
        code="pairing_code_wrong",
        profile=files.places.profile,
        where=platform,
        found=found,
        expected="the code that the bot sent within the last hour",
        mend=mend,
    )


def _locked(places: PairingPlaces, platform: str, seconds: float) -> PairingError:
    return PairingError(
        f"pairing is closed after {MOST_WRONG_CODES} wrong codes",
        code="pairing_locked",
        profile=places.profile,
        where=platform,
        mend=f"try again in {round(seconds / 60) or 1} minutes",
    )
