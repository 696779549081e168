"""Questions that wait for their users' answers."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
import trio

from hermes_trio.tools.question_ledger import PendingQuestion, QuestionLedger
from tests.tools.approval_rig import open_desks


@asynccontextmanager
async def open_ledger(tmp_path, config: str = ""):
    async with open_desks(tmp_path, {"ada": config}) as (desk,):
        yield QuestionLedger(desk.scope)


async def show_nobody(_question: PendingQuestion) -> None:
    """Nobody sees it at once."""


async def test_the_answer_reaches_who_asked(tmp_path, autojump_clock):
    async with open_ledger(tmp_path) as ledger:
        answers = []

        async def ask() -> None:
            answers.append(await ledger.ask("Which?", ["one", "two"], show_nobody, "key", "t"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await trio.sleep(100)
            (question,) = ledger.pending()
            assert ledger.answer(question.id, "neither") is True
        assert answers == ["neither"]
        assert ledger.answer(question.id, "two") is False


async def test_an_answer_may_come_while_the_question_is_being_shown(tmp_path, autojump_clock):
    async with open_ledger(tmp_path) as ledger:

        async def show(question: PendingQuestion) -> None:
            ledger.answer(question.id, "at once")

        assert await ledger.ask("Which?", (), show, "key", "t") == "at once"


async def test_a_question_says_all_that_a_reader_needs(tmp_path, autojump_clock):
    async with open_ledger(tmp_path, "agent:\n  clarify_timeout: 20\n") as ledger:
        shown = []

        async def show(question: PendingQuestion) -> None:
            shown.append(question)
            ledger.answer(question.id, "")

        await ledger.ask("Which?", ["one"], show, "key", "t")
        (question,) = shown
        assert question == PendingQuestion(question.id, "key", "t", "Which?", ("one",), 20)


async def test_a_cancelled_question_is_withdrawn(tmp_path, autojump_clock):
    async with open_ledger(tmp_path) as ledger:
        with trio.move_on_after(5):
            await ledger.ask("Which?", (), show_nobody, "key", "t")
        assert ledger.pending() == ()


async def test_a_question_that_cannot_be_shown_does_not_wait(tmp_path, autojump_clock):
    async def show(_question: PendingQuestion) -> None:
        raise LookupError

    async with open_ledger(tmp_path) as ledger:
        with pytest.raises(LookupError):
            await ledger.ask("Which?", (), show, "key", "t")
        assert ledger.pending() == ()


async def test_questions_are_found_by_conversation_and_by_turn_oldest_first(tmp_path, autojump_clock):
    async with open_ledger(tmp_path) as ledger, trio.open_nursery() as nursery:
        for text, key, turn in (("1", "a", "t1"), ("2", "b", "t2"), ("3", "a", "t3")):
            nursery.start_soon(ledger.ask, text, (), show_nobody, key, turn)
            await trio.sleep(1)
        assert [one.question for one in ledger.pending()] == ["1", "2", "3"]
        assert [one.question for one in ledger.pending(session_key="a")] == ["1", "3"]
        assert [one.question for one in ledger.pending(turn_id="t2")] == ["2"]
        assert ledger.pending(session_key="b", turn_id="t1") == ()
        nursery.cancel_scope.cancel()
