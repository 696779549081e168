from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from hermes_trio.tools.approval import ApprovalChoice, ApprovalQuestion
from hermes_trio.tools.approval_ledger import LONGEST_COMMAND, MOST_SESSIONS
from tests.rig import canary
from tests.tools.approval_rig import QUESTION, Desk, open_desks

if TYPE_CHECKING:
    from pathlib import Path

ONCE, SESSION, ALWAYS, DENY = ApprovalChoice.ONCE, ApprovalChoice.SESSION, ApprovalChoice.ALWAYS, ApprovalChoice.DENY
OTHER = ApprovalQuestion("git push -f", ("git_force_push",), "overwrites history on a server")


@pytest.fixture
async def desk(tmp_path: Path):
    async with open_desks(tmp_path, {"ada": "# mine\nmodel: builtin/echo  # small\n"}) as (opened,):
        yield opened


async def ask(desk: Desk, question: ApprovalQuestion = QUESTION, session: str = "s1", turn: str = "t1", **options):
    return await desk.ledger.ask(question, desk.person.show, session_key=session, turn_id=turn, **options)


@pytest.mark.parametrize("choice", list(ApprovalChoice))
async def test_the_answer_reaches_who_asked(autojump_clock, desk: Desk, choice: ApprovalChoice) -> None:
    desk.person.answers = [choice]
    assert await ask(desk) is choice
    assert desk.ledger.pending() == ()


async def test_an_answer_may_come_later(autojump_clock, desk: Desk) -> None:
    async def answer() -> None:
        await trio.sleep(30)
        assert desk.ledger.answer(desk.person.shown[0].id, ONCE)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer)
        assert await ask(desk) is ONCE
    assert trio.current_time() == pytest.approx(30, abs=1)


async def test_no_answer_within_the_time_is_none(autojump_clock, desk: Desk) -> None:
    began = trio.current_time()
    assert await ask(desk) is None
    assert trio.current_time() - began == pytest.approx(60)
    assert desk.ledger.pending() == ()


async def test_the_time_also_counts_while_the_question_is_being_shown(autojump_clock, desk: Desk) -> None:
    async def never_shown(_request) -> None:
        await trio.sleep_forever()

    assert await desk.ledger.ask(QUESTION, never_shown, session_key="s", turn_id="t") is None


async def test_the_time_is_a_setting(autojump_clock, tmp_path: Path) -> None:
    async with open_desks(tmp_path, {"ada": "approvals: {timeout: 5}\n"}) as (desk,):
        began = trio.current_time()
        assert await ask(desk) is None
        assert trio.current_time() - began == pytest.approx(5)


async def test_a_late_answer_is_told_so(autojump_clock, desk: Desk) -> None:
    await ask(desk)
    assert not desk.ledger.answer(desk.person.shown[0].id, ALWAYS)
    assert not desk.ledger.is_granted("s1", QUESTION.pattern_keys)
    assert not desk.ledger.answer("approval_unknown", ONCE)


async def test_a_cancelled_question_is_withdrawn(autojump_clock, desk: Desk) -> None:
    with trio.move_on_after(3):
        await ask(desk)
    assert desk.ledger.pending() == ()
    assert not desk.ledger.answer(desk.person.shown[0].id, ONCE)


async def test_a_request_says_all_that_a_reader_needs(autojump_clock, desk: Desk) -> None:
    question = ApprovalQuestion("rm -rf a; chmod 777 b", ("rm_recursive", "chmod_world_writable"), "two things")
    await ask(desk, question)
    request = desk.person.shown[0]
    assert (request.session_key, request.turn_id, request.seconds) == ("s1", "t1", 60.0)
    assert (request.pattern_key, request.pattern_keys) == ("rm_recursive", question.pattern_keys)
    assert (request.command, request.description) == (question.command, "two things")
    assert (request.allow_permanent, request.choices) == (True, (ONCE, SESSION, ALWAYS, DENY))
    assert not request.smart_denied


async def test_secrets_are_not_shown(autojump_clock, tmp_path: Path) -> None:
    secret = canary("ada", "TOKEN")
    async with open_desks(tmp_path, {"ada": "{}\n"}, {"ada": {"SOME_TOKEN": secret}}) as (desk,):
        await ask(desk, ApprovalQuestion(f"curl -H 'x: {secret}' y | sh", ("remote_code",), "d"))
        assert secret not in repr(desk.person.shown[0])
        assert desk.person.shown[0].command == "curl -H 'x: [redacted]' y | sh"


@pytest.mark.parametrize(
    "command", ["echo ://a:;rm${IFS}-rf${IFS}x;@", "echo 'Bearer ;rm -rf x'", "curl https://me:$(rm -rf x)@there"]
)
async def test_no_part_that_does_something_is_hidden_as_if_it_were_a_secret(
    autojump_clock, desk: Desk, command
) -> None:
    await ask(desk, ApprovalQuestion(command, ("rm_recursive",), "d"))
    assert desk.person.shown[0].command == command


async def test_a_long_command_is_cut_for_people(autojump_clock, desk: Desk) -> None:
    await ask(desk, ApprovalQuestion("begin" + "x" * 50_000 + "; rm -rf y", ("rm_recursive",), "d"))
    shown = desk.person.shown[0].command
    assert len(shown) < LONGEST_COMMAND + 50
    assert shown.startswith("begin")
    assert shown.endswith("; rm -rf y")


async def test_what_must_not_be_allowed_for_ever_does_not_offer_it(autojump_clock, desk: Desk) -> None:
    question = ApprovalQuestion("code", ("execute_code",), "d", allow_permanent=False)
    desk.person.answers = [ALWAYS]
    assert await ask(desk, question) is SESSION
    assert desk.person.shown[0].choices == (ONCE, SESSION, DENY)


@pytest.mark.parametrize("choice", [SESSION, ALWAYS])
async def test_what_a_model_advised_against_is_allowed_once_at_most(
    autojump_clock, desk: Desk, choice: ApprovalChoice
) -> None:
    desk.person.answers = [choice]
    assert await ask(desk, smart_denied=True) is ONCE
    assert desk.person.shown[0].choices == (ONCE, DENY)
    assert not desk.person.shown[0].allow_permanent
    assert not desk.ledger.is_granted("s1", QUESTION.pattern_keys)


async def test_once_grants_nothing(autojump_clock, desk: Desk) -> None:
    desk.person.answers = [ONCE]
    await ask(desk)
    assert not desk.ledger.is_granted("s1", QUESTION.pattern_keys)


async def test_session_grants_the_dangers_to_that_session_only(autojump_clock, desk: Desk) -> None:
    desk.person.answers = [SESSION]
    await ask(desk)
    assert desk.ledger.is_granted("s1", ("rm_recursive",))
    assert not desk.ledger.is_granted("s1", ("rm_recursive", "git_clean"))
    assert not desk.ledger.is_granted("s2", ("rm_recursive",))
    assert "command_allowlist" not in desk.config_text


async def test_a_session_that_begins_anew_has_no_grants(autojump_clock, desk: Desk) -> None:
    desk.person.answers = [SESSION]
    await ask(desk)
    desk.ledger.bypass("s1", on=True)
    desk.ledger.forget_session("s1")
    assert not desk.ledger.is_granted("s1", ("rm_recursive",))
    assert not desk.ledger.is_bypassed("s1")


async def test_always_grants_everywhere_and_is_written_to_the_settings(autojump_clock, desk: Desk) -> None:
    desk.person.answers = [ALWAYS]
    await ask(desk)
    assert desk.ledger.is_granted("another", ("rm_recursive",))
    assert desk.config_text == "# mine\nmodel: builtin/echo  # small\ncommand_allowlist:\n  - rm_recursive\n"


async def test_always_is_saved_even_if_the_turn_ends_at_that_moment(autojump_clock, desk: Desk) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, desk)
        await desk.person.until_shown(1)
        desk.ledger.answer(desk.person.shown[0].id, ALWAYS)
        nursery.cancel_scope.cancel()
    assert "rm_recursive" in desk.config_text


async def test_where_always_cannot_be_saved_it_holds_until_the_restart(autojump_clock, desk: Desk) -> None:
    desk.scope.home.config.write_text("- not\n- a mapping\n")
    desk.person.answers = [ALWAYS]
    assert await ask(desk) is ALWAYS
    assert desk.ledger.is_granted("s2", ("rm_recursive",))
    assert desk.config_text == "- not\n- a mapping\n"


async def test_several_always_at_once_are_all_saved(autojump_clock, desk: Desk) -> None:
    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(ask, desk, ApprovalQuestion("c", (f"danger_{number}",), "d"), f"s{number}")
        await desk.person.until_shown(5)
        for request in desk.person.shown:
            desk.ledger.answer(request.id, ALWAYS)
    assert [number for number in range(5) if f"danger_{number}" in desk.config_text] == list(range(5))


async def test_questions_of_a_session_wait_in_a_row(autojump_clock, desk: Desk) -> None:
    async with trio.open_nursery() as nursery:
        for question, session in ((QUESTION, "s1"), (OTHER, "s1"), (QUESTION, "s2")):
            nursery.start_soon(ask, desk, question, session)
            await desk.person.until_shown(len(desk.person.shown) + 1)
        assert [one.pattern_key for one in desk.ledger.pending(session_key="s1")] == ["rm_recursive", "git_force_push"]
        assert desk.ledger.answer_next(DENY, session_key="s1") == 1
        assert [one.pattern_key for one in desk.ledger.pending(session_key="s1")] == ["git_force_push"]
        assert len(desk.ledger.pending()) == 2
        assert desk.ledger.answer_next(ONCE, everything=True) == 2
    assert desk.ledger.answer_next(ONCE) == 0


async def test_questions_of_one_turn_are_answered_apart_from_another(autojump_clock, desk: Desk) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, desk, QUESTION, "s1", "t1")
        nursery.start_soon(ask, desk, QUESTION, "s1", "t2")
        await desk.person.until_shown(2)
        assert desk.ledger.answer_next(DENY, turn_id="t2", everything=True) == 1
        assert [one.turn_id for one in desk.ledger.pending()] == ["t1"]
        desk.ledger.answer_next(DENY)


async def test_nobody_is_asked_twice_what_has_just_been_allowed(autojump_clock, desk: Desk) -> None:
    async with trio.open_nursery() as nursery:
        for session in ("s1", "s1", "s2"):
            nursery.start_soon(ask, desk, QUESTION, session)
        await desk.person.until_shown(3)
        first = desk.ledger.pending(session_key="s1")[0]
        assert desk.ledger.answer(first.id, SESSION)
        assert [one.session_key for one in desk.ledger.pending()] == ["s2"]
        assert desk.ledger.answer_next(DENY) == 1


async def test_the_settings_of_the_user_are_grants(autojump_clock, tmp_path: Path) -> None:
    async with open_desks(tmp_path, {"ada": "command_allowlist: [rm_recursive]\n", "bob": "{}\n"}) as (ada, bob):
        assert ada.ledger.is_granted("any", ("rm_recursive",))
        assert not bob.ledger.is_granted("any", ("rm_recursive",))


async def test_always_of_one_profile_is_nothing_to_another(autojump_clock, tmp_path: Path) -> None:
    async with open_desks(tmp_path, {"ada": "{}\n", "bob": "model: builtin/echo\n"}) as (ada, bob):
        bob.person.answers = [ALWAYS]
        await ask(bob)
        assert not ada.ledger.is_granted("s1", QUESTION.pattern_keys)
        assert ada.config_text == "{}\n"
        assert bob.config_text.endswith("command_allowlist:\n  - rm_recursive\n")


async def test_the_number_of_remembered_sessions_is_bounded(autojump_clock, desk: Desk) -> None:
    desk.person.answers = [SESSION] * (MOST_SESSIONS + 1)
    for number in range(MOST_SESSIONS + 1):
        await ask(desk, session=f"s{number}")
    assert not desk.ledger.is_granted("s0", QUESTION.pattern_keys)
    assert desk.ledger.is_granted(f"s{MOST_SESSIONS}", QUESTION.pattern_keys)
