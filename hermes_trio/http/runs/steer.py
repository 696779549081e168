"""Steers a run: gives or refuses consent, answers the agent's questions, stops it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from hermes_trio.errors import RequestError
from hermes_trio.http.json_body import decode_body
from hermes_trio.http.runs.lookup import find_run, unknown_run
from hermes_trio.http.runs.shapes import (
    AnswerApproval,
    AnswerQuestion,
    ApprovalAnswered,
    QuestionAnswered,
    StoppingRun,
)
from hermes_trio.tools.approval import ApprovalChoice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.http.call import Call
    from hermes_trio.http.runs.run import Run
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.approval import ApprovalRequest
    from hermes_trio.tools.question_ledger import PendingQuestion

Waiting = TypeVar("Waiting", "ApprovalRequest", "PendingQuestion")

LONGEST_ANSWER: Final = 65_536
_ALIASES: Final = ("approve", "allow")


async def serve_approval(scope: ProfileScope, call: Call) -> None:
    """Give or refuse consent to the oldest thing that waits for it in a run, to a named one, or to all.

    Raises:
        RequestError: See `find_run`; status 409, code ``approval_not_active``: nothing waits for consent.
    """
    run = find_run(scope, call)
    body = decode_body(call.request.body, AnswerApproval)
    choice = ApprovalChoice.ONCE if body.choice in _ALIASES else ApprovalChoice(body.choice)
    ledger = call.runtime.agent.workplace.approvals
    waiting = ledger.pending(turn_id=run.id)
    asked = _named(waiting, body.approval_id)
    if not asked:
        raise RequestError(
            "nothing in this run waits for consent", status=409, code="approval_not_active", profile=scope.name
        )
    for request in asked if body.all else asked[:1]:
        ledger.answer(request.id, choice)
    left = {request.id for request in ledger.pending(turn_id=run.id)}
    answered = [request.id for request in waiting if request.id not in left]
    run.answered_approval(choice, answered, scope.clock.now())
    _note(scope, call, run, f"consent to a command: {choice}, settles {len(answered)}")
    await call.responder.send(200, msgspec.json.encode(ApprovalAnswered(run.id, choice, len(answered))))


async def serve_answer(scope: ProfileScope, call: Call) -> None:
    """Answer the oldest question of a run's agent, or a named one.

    Raises:
        RequestError: See `find_run`; status 409, code ``question_not_active``: no such question waits.
    """
    run = find_run(scope, call)
    body = decode_body(call.request.body, AnswerQuestion)
    if not body.answer.strip() or len(body.answer) > LONGEST_ANSWER:
        raise RequestError(f"`answer` must be a text of at most {LONGEST_ANSWER} characters", param="answer")
    ledger = call.runtime.agent.workplace.questions
    asked = _named(ledger.pending(turn_id=run.id), body.question_id)
    if not asked:
        raise RequestError(
            "no such question waits for an answer in this run",
            status=409,
            code="question_not_active",
            profile=scope.name,
        )
    ledger.answer(asked[0].id, body.answer)
    await call.responder.send(200, msgspec.json.encode(QuestionAnswered(run.id, asked[0].id)))


async def serve_stop(scope: ProfileScope, call: Call) -> None:
    """Stop a run: its model, its tools, its questions. Asked again while it stops, it answers the same.

    Raises:
        RequestError: See `find_run`; the same for a run that has ended.
    """
    run = find_run(scope, call)
    if run.end is not None:
        raise unknown_run(scope)
    if not run.is_stopping:
        _note(scope, call, run, "stop")
    run.stop()
    await call.responder.send(200, msgspec.json.encode(StoppingRun(run.id)))


def _named(waiting: Sequence[Waiting], wanted: str | None) -> list[Waiting]:
    return [one for one in waiting if wanted in (None, one.id)]


def _note(scope: ProfileScope, call: Call, run: Run, what: str) -> None:
    scope.log.bind(component="http.runs", turn=run.id).info(f"run steered: {what}", client=call.request.peer)
