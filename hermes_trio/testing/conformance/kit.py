"""The checks that an adapter has to pass, chosen by what it says it can do."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from hermes_trio.errors import HermesTrioError
from hermes_trio.io.groups import lone_error_raised
from hermes_trio.testing.conformance import (
    check_abilities,
    check_connection,
    check_containment,
    check_incoming,
    check_outgoing,
)
from hermes_trio.testing.conformance.rig import Moment

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from hermes_trio.testing.conformance.rig import PlatformRig


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that an adapter has to do; call it on a mock clock with autojump.

    Attributes:
        name: Its name; ``str`` gives it too, for pytest's ids.
        about: What it demands, in a sentence.
    """

    name: str
    about: str
    _run: Callable[[], Awaitable[None]] = field(repr=False)

    def __str__(self) -> str:
        return self.name

    async def __call__(self) -> None:
        """Run it.

        Raises:
            AssertionError: The adapter does not conform; the text says in what.
        """
        failure = ""
        try:
            with lone_error_raised():
                await self._run()
        except AssertionError as error:
            failure = str(error)
        except HermesTrioError as error:
            failure = f"{type(error).__name__}: {error}"
        if failure:
            # Without the nurseries that it has come through: what matters is what was demanded and what happened.
            raise AssertionError(f"{self.name}: {self.about}\n{failure}")


def conformance_checks(rig: PlatformRig) -> list[Check]:
    """The checks for an adapter, for pytest to go through::

    @pytest.mark.parametrize("check", conformance_checks(MyRig()), ids=str)
    async def test_conformance(check, autojump_clock):
        await check()
    """
    return [*_checks_for_all(rig), *_checks_by_capability(rig)]


def _checks_for_all(rig: PlatformRig) -> Iterator[Check]:
    connection, incoming, outgoing, containment = check_connection, check_incoming, check_outgoing, check_containment
    moments = [moment for moment in Moment if moment is not Moment.RECEIVE or not rig.calls_us]
    yield _check(connection.connects, rig)
    yield from _checks(connection.rides_out_an_outage_at_connect, rig, connection.OUTAGES)
    if not rig.calls_us:
        yield from _checks(connection.rides_out_an_outage_while_running, rig, connection.OUTAGES)
        yield _check(connection.rides_out_a_lost_network, rig)
        yield _check(connection.parks_on_a_revoked_credential, rig)
    yield from _checks(connection.asks_no_sooner_than_it_may, rig, [each for each in moments if each != Moment.SEND])
    yield _check(connection.parks_on_a_refused_credential, rig)
    yield _check(connection.parks_without_a_credential, rig)
    yield _check(incoming.answers_through_the_addressed_bot, rig)
    yield _check(incoming.describes_messages, rig)
    yield _check(incoming.answers_a_redelivered_message_once, rig)
    yield _check(incoming.confirms_only_what_is_stored, rig)
    yield _check(incoming.confirms_nothing_early, rig)
    yield _check(incoming.takes_what_was_said_while_it_was_away, rig)
    yield _check(incoming.fetches_files, rig)
    yield _check(outgoing.splits_long_texts, rig)
    yield _check(outgoing.counts_length_as_the_platform_does, rig)
    yield _check(outgoing.waits_as_long_as_the_platform_asks, rig)
    yield _check(outgoing.goes_on_after_a_permanent_failure, rig)
    yield from _checks(outgoing.sends_again_after_an_outage, rig, outgoing.SEND_OUTAGES)
    yield _check(outgoing.says_nothing_twice_unmarked, rig)
    yield _check(outgoing.sends_several_at_once, rig)
    yield _check(outgoing.keeps_answers_while_the_credential_is_refused, rig)
    yield _check(containment.leaves_nothing_behind, rig)
    yield from _checks(containment.ends_when_cancelled, rig, moments)
    yield _check(containment.starts_again_with_its_profile, rig)
    yield _check(containment.is_quiet_when_idle, rig)
    yield _check(containment.holds_no_module_state, rig)
    yield _check(containment.reads_no_environment, rig)
    yield _check(containment.leaks_no_secret, rig)


def _checks_by_capability(rig: PlatformRig) -> Iterator[Check]:
    can = rig.capabilities
    table: tuple[tuple[object, Callable[[PlatformRig], Awaitable[None]]], ...] = (
        (rig.exclusive, check_connection.parks_the_second_user_of_a_credential),
        (rig.exclusive and not rig.calls_us, check_connection.parks_on_a_conflict),
        (can.threads, check_incoming.answers_in_the_thread),
        (can.render, check_outgoing.sends_plain_text_when_markup_is_refused),
        (can.idempotent_sends, check_outgoing.sends_once_for_one_key),
        (can.edits, check_abilities.edits),
        (can.deletes, check_abilities.deletes),
        (can.typing, check_abilities.shows_typing),
        (can.reactions, check_abilities.reacts),
        (can.buttons, check_abilities.brings_presses_of_buttons),
        (can.media, check_abilities.sends_files),
    )
    for wanted, check in table:
        if wanted:
            yield _check(check, rig)


def _check(run: Callable[..., Awaitable[None]], rig: PlatformRig, *details: object) -> Check:
    name = f"{run.__name__}[{details[0]}]" if details else run.__name__
    return Check(name, (inspect.getdoc(run) or "").partition("\n")[0], partial(run, rig, *details))


def _checks(run: Callable[..., Awaitable[None]], rig: PlatformRig, details: Iterable[object]) -> Iterator[Check]:
    """A check for each of several cases."""
    for detail in details:
        yield _check(run, rig, detail)
