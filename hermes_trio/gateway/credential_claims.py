"""Which adapter of a gateway may use a credential that several of its profiles have.

The default profile goes before the others, and those go by name, whoever comes first. No profile waits for another: an
adapter that may not use its credential any more gives way, and only when its run has ended the other one begins. So
nobody ever sees two of them at once. A bot whose owner is known to be about to come is left alone for a moment, so that
what was written to it is not answered by somebody else.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.home.credential_lock import identity_digest
from hermes_trio.home.names import DEFAULT_PROFILE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Iterator

    from hermes_trio.adapter_api.adapter import ExclusiveResource

    Resource = tuple[str, str]
    """The platform and the digest of a credential for it."""

RETURN_SECONDS: Final = 5.0
"""For how long a profile that is starting may keep its credential from the one that comes after it."""


class CredentialClaims:
    """What all adapters of a gateway want; one table per gateway. It holds digests, never a credential."""

    def __init__(self) -> None:
        self._claims: dict[Resource, dict[Claim, None]] = {}
        self._returning: dict[tuple[str, str], Claim] = {}

    def of(self, profile: str, is_restarting: Callable[[], bool]) -> ProfileClaims:
        """The claims of one generation of a profile.

        Args:
            profile: The profile.
            is_restarting: Whether the profile, now that an adapter ends, is about to start again.
        """
        return ProfileClaims(self, profile, is_restarting)

    def expect(self, profile: str, resources: Collection[Resource]) -> None:
        """A profile that is about to start is known to want these; for a moment nobody who comes after it gets them."""
        for platform in {platform for platform, _ in resources}:
            claim = Claim(self, profile, platform)
            self.change(claim, frozenset(resource for resource in resources if resource[0] == platform))
            self.end(claim, is_returning=True)

    def change(self, claim: Claim, wanted: frozenset[Resource]) -> None:
        """An adapter wants something else now; whoever this concerns is told."""
        earlier = self._returning.pop(claim.owner, claim)
        concerned = {**self._rivals(earlier), **self._rivals(claim)}
        for one in (earlier, claim):
            for resource in one.wanted:
                del self._claims[resource][one]
                if not self._claims[resource]:
                    del self._claims[resource]
            one.wanted = frozenset()
        claim.wanted = wanted
        for resource in wanted:
            self._claims.setdefault(resource, {})[claim] = None
        _tell({**concerned, **self._rivals(claim)})

    def end(self, claim: Claim, *, is_returning: bool) -> None:
        """An adapter is over; one that is about to return keeps for a moment what it wanted."""
        if not (is_returning and claim.wanted):
            self.change(claim, frozenset())
            return
        claim.ends_at = trio.current_time() + RETURN_SECONDS
        self._returning[claim.owner] = claim
        self.tell_rivals(claim)

    def keep_returning(self, profile: str, platforms: Container[str]) -> None:
        """A profile has returned; it wants nothing any more for other platforms than these."""
        for claim in [one for one in self._returning.values() if one.profile == profile]:
            if claim.platform not in platforms:
                self.change(claim, frozenset())

    def goes_before(self, claim: Claim) -> Claim | None:
        """See `Claim.goes_before`."""
        taken: dict[Resource, Claim] = {}
        for one in sorted(self._rivals(claim), key=_rank):
            first = next((taken[resource] for resource in sorted(one.wanted) if resource in taken), None)
            if one is claim:
                return first
            if first is None and one.ends_at > trio.current_time():
                taken.update(dict.fromkeys(one.wanted, one))
        return None

    def is_held_by_others(self, claim: Claim) -> bool:
        """Whether somebody who has to give way still uses what this claim wants."""
        others = (one for resource in claim.wanted for one in self._claims[resource] if one is not claim)
        return any(one.turn is not None for one in others)

    def tell_rivals(self, claim: Claim) -> None:
        """Something has changed for a claim; let all who may be concerned look."""
        _tell(self._rivals(claim))

    def _rivals(self, claim: Claim) -> dict[Claim, None]:
        """All claims, this one included, that are linked to it by what they want, also over others."""
        found, left = {claim: None}, [claim]
        while left:
            for resource in left.pop().wanted:
                more = [one for one in self._claims[resource] if one not in found]
                found.update(dict.fromkeys(more))
                left += more
        return found


class ProfileClaims:
    """The claims of one generation of a profile; see `CredentialClaims.of`."""

    def __init__(self, claims: CredentialClaims, profile: str, is_restarting: Callable[[], bool]) -> None:
        self._claims = claims
        self._profile = profile
        self._is_restarting = is_restarting

    def returned(self, platforms: Container[str]) -> None:
        """This generation has adapters for these platforms; what the one before had for others is free."""
        self._claims.keep_returning(self._profile, platforms)

    @contextmanager
    def open(self, platform: str) -> Iterator[Claim]:
        """The claim of an adapter, for the length of a ``with``; it wants nothing yet."""
        claim = Claim(self._claims, self._profile, platform)
        try:
            yield claim
        finally:
            self._claims.end(claim, is_returning=self._is_restarting())


class Claim:
    """What one adapter wants, and whether it may have it.

    Attributes:
        profile: Whose adapter it is.
        platform: Its platform.
        wanted: What it wants.
        ends_at: When it is over, in Trio's time; not before it is known to be.
        turn: Set while it uses what it wants; cancelled when it has to give way.
    """

    def __init__(self, claims: CredentialClaims, profile: str, platform: str) -> None:
        self.profile = profile
        self.platform = platform
        self.wanted: frozenset[Resource] = frozenset()
        self.ends_at = math.inf
        self.turn: trio.CancelScope | None = None
        self._claims = claims
        self._change = trio.Event()

    @property
    def owner(self) -> tuple[str, str]:
        """Whose it is: profile and platform."""
        return self.profile, self.platform

    @property
    def goes_before(self) -> Claim | None:
        """The claim to which this one has to leave what it wants, or None."""
        return self._claims.goes_before(self)

    @property
    def may_hold(self) -> bool:
        """Whether it is its turn, and whoever had to give way has ended."""
        return self.goes_before is None and not self._claims.is_held_by_others(self)

    def want(self, resources: Iterable[ExclusiveResource]) -> None:
        """Want these, all or none of them, until `drop` or the end of the claim."""
        wanted = frozenset((self.platform, identity_digest(resource.identity)) for resource in resources)
        if wanted != self.wanted:
            self._claims.change(self, wanted)

    def drop(self) -> None:
        """Want nothing any more."""
        self._claims.change(self, frozenset())

    async def changed(self) -> None:
        """Wait until it may be another one's turn; look at the claim without a checkpoint in between."""
        first = self.goes_before
        with trio.move_on_at(math.inf if first is None else first.ends_at) as waiting:
            await self._change.wait()
        if waiting.cancelled_caught and first is not None:
            first.drop()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Use what it wants for the length of a ``with``, which is cancelled, and left, when somebody goes before.

        Only when `may_hold`, without a checkpoint in between. Others begin when it has ended.
        """
        with trio.CancelScope() as turn:
            self.turn = turn
            try:
                yield
            finally:
                self.turn = None
                self._claims.tell_rivals(self)

    def tell(self) -> None:
        """Something has changed: give way if that is due, and look again if waiting."""
        if self.turn is not None and self.goes_before is not None:
            self.turn.cancel()
        change, self._change = self._change, trio.Event()
        change.set()


def _rank(claim: Claim) -> tuple[bool, str, str]:
    """The lower goes before the higher."""
    return claim.profile != DEFAULT_PROFILE, claim.profile, claim.platform


def _tell(claims: Iterable[Claim]) -> None:
    for claim in claims:
        claim.tell()
