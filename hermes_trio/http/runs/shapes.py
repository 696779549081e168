"""The JSON of runs: what clients send and what they are answered."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

# Read at run time by whoever describes the API.
from hermes_trio.http.runs.events import ApprovalRequestEvent, QuestionRequestEvent, RunUsage  # noqa: TC001


class RunMessage(msgspec.Struct):
    """One message, as in chat completions: its content is text or a list of parts."""

    role: str
    content: str | list[dict[str, Any]] | None = None


class StartRun(msgspec.Struct):
    """Starts a run.

    Attributes:
        input: What the user says, or a list of messages of which the last is the user's.
        instructions: Added to the profile's own prompt for this run.
        conversation_history: What was said before; passed over with a ``session_id``.
        previous_response_id: A response of the profile that this goes on from.
        session_id: A conversation of the profile to go on with.
        model: An alias in ``model_routes``; with the operator's key also a profile. Any other name is echoed.
    """

    input: str | list[RunMessage]
    instructions: str | None = None
    conversation_history: list[RunMessage] | None = None
    previous_response_id: str | None = None
    session_id: str | None = None
    model: str | None = None


class StartedRun(msgspec.Struct):
    """A run has been started."""

    run_id: str
    status: Literal["started"] = "started"


class RunView(msgspec.Struct, kw_only=True):
    """How a run is doing.

    Attributes:
        object: What this is.
        run_id: The run.
        status: ``queued``, ``running``, ``waiting_for_approval``, ``completed``, ``failed`` or ``cancelled``.
        created_at: Seconds since the epoch.
        updated_at: When anything happened last; seconds since the epoch.
        session_id: The conversation it belongs to.
        model: The model that the client named, or the profile.
        last_event: The event that came last, or null.
        output: The answer, of a run that is completed.
        usage: Its tokens, of a run that is completed.
        error: What went wrong, of a run that failed.
        error_code: The error's stable code, of a run that failed.
        approvals: The events of what waits for consent, oldest first; left out when nothing does.
        questions: The events of what the agent has asked, oldest first; left out when it waits for no answer.
    """

    object: Literal["hermes.run"] = "hermes.run"
    run_id: str
    status: str
    created_at: float
    updated_at: float
    session_id: str
    model: str
    last_event: str | None
    output: str | UnsetType = UNSET
    usage: RunUsage | UnsetType = UNSET
    error: str | UnsetType = UNSET
    error_code: str | UnsetType = UNSET
    approvals: list[ApprovalRequestEvent] | UnsetType = UNSET
    questions: list[QuestionRequestEvent] | UnsetType = UNSET


class AnswerApproval(msgspec.Struct):
    """Gives or refuses consent.

    Attributes:
        choice: The answer; ``approve`` and ``allow`` mean ``once``.
        all: Whether it answers everything that waits in this run, not only the oldest.
        approval_id: Answers this one instead of the oldest; an addition of ours.
    """

    choice: Literal["once", "session", "always", "deny", "approve", "allow"]
    all: bool = False
    approval_id: str | None = None


class ApprovalAnswered(msgspec.Struct):
    """Consent has been given or refused, for so many questions."""

    run_id: str
    choice: str
    resolved: int
    object: Literal["hermes.run.approval_response"] = "hermes.run.approval_response"


class AnswerQuestion(msgspec.Struct):
    """Answers what the agent asks.

    Attributes:
        answer: One of the choices or any other text.
        question_id: Which question; the oldest if none is named.
    """

    answer: str
    question_id: str | None = None


class QuestionAnswered(msgspec.Struct):
    """A question has been answered."""

    run_id: str
    question_id: str
    object: Literal["hermes.run.question_response"] = "hermes.run.question_response"


class StoppingRun(msgspec.Struct):
    """A run is being stopped."""

    run_id: str
    status: Literal["stopping"] = "stopping"
