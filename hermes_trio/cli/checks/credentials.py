"""Finds credentials that only one profile may use but several have, as a cloned profile does, or that are in use."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from hermes_trio.cli.checks.findings import Finding, Level
from hermes_trio.home.accounts import accounts_of
from hermes_trio.home.credential_lock import credential_lock_directory, live_holders
from hermes_trio.home.paths import home_of_user
from hermes_trio.home.process_record import read_live_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hermes_trio.cli.checks.survey import Survey
    from hermes_trio.home.accounts import Account
    from hermes_trio.home.credential_lock import LockHolder
    from hermes_trio.home.settings import ProfileSettings

    Owner = tuple[ProfileSettings, Account]


def check_credentials(survey: Survey) -> Iterator[Finding]:
    """Each account that two or more profiles would use at once, or that another process uses now."""
    owners: dict[tuple[str, ...], list[Owner]] = defaultdict(list)
    for _, settings in survey.readable():
        for platform in settings.config.platforms.values():
            if not platform.switched_off:
                for account in accounts_of(platform, settings.paths, settings.secrets):
                    owners[account.identity].append((settings, account))
    for sharing in owners.values():
        if len(sharing) > 1:
            yield from _shared(sharing)
    yield from _held(survey, [owner for sharing in owners.values() for owner in sharing])


def _shared(owners: Sequence[Owner]) -> Iterator[Finding]:
    """One finding for every profile of an account; the first in serving order that uses it is the one that gets it."""
    first = next((settings.name for settings, account in owners if _is_used(settings, account)), owners[0][0].name)
    for settings, account in owners:
        others = ", ".join(other.name for other, _ in owners if other is not settings)
        outcome = f"{first} gets it, the bot of this profile is parked"
        if settings.name == first:
            outcome = "this profile gets it, the others' bots are parked"
        yield Finding(
            level=Level.ERROR,
            code="duplicate_credential",
            profile=settings.name,
            where=account.place,
            message=f"the same {account.platform} account as {others}; only one can use it at a time: {outcome}",
            mend=f"give {settings.name} an account of its own, or take this setting out",
        )


def _held(survey: Survey, owners: Sequence[Owner]) -> Iterator[Finding]:
    """Accounts that a gateway uses now which does not serve this home."""
    own = read_live_gateway(survey.home)
    folder = credential_lock_directory(survey.environ, home_of_user(survey.environ))
    others = [holder for holder in live_holders(folder) if own is None or not holder.record.is_same_process(own)]
    for settings, account in owners:
        for holder in others:
            if holder.digest in account.digests and _is_used(settings, account):
                yield _in_use(settings, account, holder)


def _is_used(settings: ProfileSettings, account: Account) -> bool:
    return settings.config.platforms[account.platform].enabled


def _in_use(settings: ProfileSettings, account: Account, holder: LockHolder) -> Finding:
    of = f"profile '{holder.profile}' of " if holder.profile else ""
    return Finding(
        level=Level.ERROR,
        code="credential_in_use",
        profile=settings.name,
        where=account.place,
        message=f"{of}another gateway, pid {holder.record.pid} ({holder.record.command}), uses this {account.platform} "
        "account now; until it ends, this profile's bot is parked",
        mend=f"stop it with `kill {holder.record.pid}`, or give {settings.name} an account of its own",
    )
