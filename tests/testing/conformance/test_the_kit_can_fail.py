"""Every check finds an adapter that is wrong in what it is about."""

from __future__ import annotations

import re

import pytest

from hermes_trio.testing.conformance import conformance_checks
from hermes_trio.testing.loopback.adapter import LoopbackAdapter
from hermes_trio.testing.loopback.rig import LoopbackRig
from tests.testing.conformance import broken

WRONG = [
    ("connects", broken.SameIdentity),
    ("rides_out_an_outage_at_connect[server_error]", broken.Impatient),
    ("rides_out_an_outage_at_connect[malformed]", broken.Impatient),
    ("rides_out_an_outage_at_connect[hang]", broken.StartsEarly),
    ("rides_out_an_outage_at_connect[drop_before]", broken.Impatient),
    ("rides_out_an_outage_while_running[server_error]", broken.Silent),
    ("rides_out_an_outage_while_running[malformed]", broken.Silent),
    ("rides_out_an_outage_while_running[hang]", broken.Silent),
    ("rides_out_an_outage_while_running[drop_before]", broken.Silent),
    ("rides_out_a_lost_network", broken.Silent),
    ("asks_no_sooner_than_it_may[connect]", broken.TakesRateLimitForOutage),
    ("asks_no_sooner_than_it_may[receive]", broken.TakesRateLimitForOutage),
    ("parks_on_a_refused_credential", broken.Stubborn),
    ("parks_on_a_revoked_credential", broken.Stubborn),
    ("parks_without_a_credential", LoopbackAdapter),
    ("parks_the_second_user_of_a_credential", broken.NotExclusive),
    ("parks_on_a_conflict", broken.TakesConflictForOutage),
    ("answers_through_the_addressed_bot", broken.LastTokenWins),
    ("describes_messages", broken.Timeless),
    ("answers_a_redelivered_message_once", broken.Renames),
    ("confirms_only_what_is_stored", broken.ConfirmsAll),
    ("confirms_nothing_early", broken.ReceivesBeside),
    ("takes_what_was_said_while_it_was_away", broken.DropsPending),
    ("answers_in_the_thread", broken.Threadless),
    ("fetches_files", broken.FetchesAnySize),
    ("splits_long_texts", broken.CutsOff),
    ("counts_length_as_the_platform_does", broken.AsciiOnly),
    ("waits_as_long_as_the_platform_asks", broken.TakesRateLimitForOutage),
    ("sends_plain_text_when_markup_is_refused", broken.GivesUpOnMarkup),
    ("goes_on_after_a_permanent_failure", broken.TriesGoneChats),
    ("sends_again_after_an_outage[server_error]", broken.LosesAnswers),
    ("sends_again_after_an_outage[malformed]", broken.LosesAnswers),
    ("sends_again_after_an_outage[hang]", broken.LosesAnswers),
    ("sends_again_after_an_outage[drop_before]", broken.LosesAnswers),
    ("says_nothing_twice_unmarked", broken.NewKeys),
    ("sends_once_for_one_key", broken.NewKeys),
    ("sends_several_at_once", broken.OneAtATime),
    ("sends_several_at_once", broken.OneBuffer),
    ("keeps_answers_while_the_credential_is_refused", broken.LosesAnswersWithItsToken),
    ("leaves_nothing_behind", broken.LeavesFilesOpen),
    ("leaves_nothing_behind", broken.SpawnsSystemTasks),
    ("ends_when_cancelled[connect]", broken.Shields),
    ("ends_when_cancelled[receive]", broken.Shields),
    ("ends_when_cancelled[send]", broken.Shields),
    ("starts_again_with_its_profile", broken.WorksOnce),
    ("is_quiet_when_idle", broken.Hectic),
    ("holds_no_module_state", broken.CountsTogether),
    ("reads_no_environment", broken.ReadsEnvironment),
    ("reads_no_environment", broken.ReadsEnvironmentThroughALibrary),
    ("leaks_no_secret", broken.TellsSecrets),
    ("edits", broken.SendsInsteadOfEditing),
    ("deletes", broken.DeletesOnce),
    ("shows_typing", broken.NeverTypes),
    ("reacts", broken.ReactsToTheFirst),
    ("brings_presses_of_buttons", broken.NoButtons),
    ("sends_files", broken.EmptyFiles),
]


def test_every_check_is_tried():
    assert {name for name, _ in WRONG} == {check.name for check in conformance_checks(LoopbackRig())}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "adapter"), WRONG, ids=[f"{name}-{adapter.__name__}" for name, adapter in WRONG])
async def test_a_wrong_adapter_is_found(name, adapter, autojump_clock):
    check = next(each for each in conformance_checks(broken.BrokenRig(adapter)) if each.name == name)
    with pytest.raises(AssertionError, match=re.escape(check.about)):
        await check()
