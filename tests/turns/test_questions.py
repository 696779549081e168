"""What an agent asks during a turn: consent, and what only its user knows."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.tools.approval import ApprovalChoice
from hermes_trio.turns.events import ApprovalClosed, ApprovalRequested, QuestionAsked, QuestionClosed
from hermes_trio.turns.turn import TurnRequest, run_turn

CONFIG = {
    "platform_toolsets": {"api_server": ["clarify", "terminal", "delegation"]},
    "approvals": {"mode": "manual", "timeout": 60},
    "agent": {"clarify_timeout": 100},
}
CLARIFY = '!tool clarify {"question": "Which?", "choices": ["one", "two"]}'
DELETE = '!tool terminal {"command": "rm -rf build"}'
KINDS = ApprovalRequested | ApprovalClosed | QuestionAsked | QuestionClosed


class User:
    """Reads a turn's events and answers, if there is an answer."""

    def __init__(self, agent, answer: ApprovalChoice | str | None, seconds: float = 10.0) -> None:
        self.agent = agent
        self.seen: list[KINDS] = []
        self._answer = answer
        self._seconds = seconds

    async def emit(self, events) -> None:
        self.seen += [event for event in events if isinstance(event, KINDS)]

    async def answer(self) -> None:
        place = self.agent.agent.workplace
        await trio.sleep(self._seconds)
        if isinstance(self._answer, ApprovalChoice):
            (request,) = place.approvals.pending(session_key="key", turn_id="t")
            assert place.approvals.answer(request.id, self._answer)
        elif self._answer is not None:
            (question,) = place.questions.pending(session_key="key", turn_id="t")
            assert place.questions.answer(question.id, self._answer)

    async def ask(self, text: str, *, can_ask: bool = True) -> str:
        request = TurnRequest("t", "s", text, session_key="key", can_ask=can_ask)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.answer)
            result = await run_turn(self.agent.scope, self.agent.agent, request, self.emit)
            nursery.cancel_scope.cancel()
        return result.text


async def test_a_question_is_an_event_and_its_answer_reaches_the_model(open_agent, autojump_clock):
    async with open_agent(config=CONFIG) as agent:
        user = User(agent, "two")
        assert '"user_response":"two"' in await user.ask(CLARIFY)
        assert agent.agent.workplace.questions.pending() == ()
    asked, closed = user.seen
    assert (asked.question, asked.choices, asked.seconds) == ("Which?", ("one", "two"), 100)
    assert closed == QuestionClosed(asked.question_id)


async def test_a_question_nobody_answers_is_closed_when_its_time_is_over(open_agent, autojump_clock):
    async with open_agent(config=CONFIG) as agent:
        user = User(agent, None)
        assert "did not answer within 100 s" in await user.ask(CLARIFY)
        assert [type(event) for event in user.seen] == [QuestionAsked, QuestionClosed]


@pytest.mark.parametrize("choice", [ApprovalChoice.DENY, None])
async def test_consent_is_asked_for_and_told_how_it_ended(open_agent, autojump_clock, choice):
    async with open_agent(config=CONFIG) as agent:
        user = User(agent, choice)
        assert "no consent" in await user.ask(DELETE)
        assert agent.agent.workplace.approvals.pending() == ()
    asked, closed = user.seen
    assert (asked.request.command, asked.request.turn_id) == ("rm -rf build", "t")
    assert closed == ApprovalClosed(asked.request.id, choice)


async def test_a_cancelled_turn_closes_what_it_has_asked(open_agent, autojump_clock):
    async with open_agent(config=CONFIG) as agent:
        for text in (CLARIFY, DELETE):
            user = User(agent, None)
            with trio.move_on_after(5):
                await user.ask(text)
            assert len(user.seen) == 2
            assert "Closed" in type(user.seen[1]).__name__
        assert agent.agent.workplace.questions.pending() == ()
        assert agent.agent.workplace.approvals.pending() == ()


async def test_a_reader_who_hangs_does_not_hold_up_the_end_of_a_cancelled_turn(open_agent, autojump_clock):
    async def emit(events) -> None:
        if any(isinstance(event, QuestionClosed) for event in events):
            await trio.sleep_forever()

    async with open_agent(config=CONFIG) as agent:
        begun = trio.current_time()
        with trio.move_on_after(5):
            await run_turn(agent.scope, agent.agent, TurnRequest("t", "s", CLARIFY, can_ask=True), emit)
        assert trio.current_time() - begun < 7


async def test_where_nobody_answers_nobody_is_asked(open_agent, autojump_clock):
    async with open_agent(config=CONFIG) as agent:
        user = User(agent, None)
        assert "nobody can answer" in await user.ask(CLARIFY, can_ask=False)
        assert "nobody can be asked here" in await user.ask(DELETE, can_ask=False)
        assert user.seen == []


async def test_a_child_asks_the_reader_of_its_parent(open_agent, autojump_clock):
    goal = DELETE.replace('"', '\\"')
    async with open_agent(config=CONFIG) as agent:
        user = User(agent, ApprovalChoice.DENY)
        assert "the user said no" in await user.ask(f'!tool delegate_task {{"goal": "{goal}"}}')
        assert [type(event) for event in user.seen] == [ApprovalRequested, ApprovalClosed]
