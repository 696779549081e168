"""What happens during a turn, as it is shown to whoever waits for the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermes_trio.models.events import ReasoningDelta, TextDelta, Usage

if TYPE_CHECKING:
    from hermes_trio.tools.approval import ApprovalChoice, ApprovalRequest

__all__ = [
    "ApprovalClosed",
    "ApprovalRequested",
    "QuestionAsked",
    "QuestionClosed",
    "ReasoningDelta",
    "TextDelta",
    "ToolFinished",
    "ToolStarted",
    "TurnEvent",
    "UsageReported",
]


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool call has begun.

    Attributes:
        call_id: The call's id; its `ToolFinished` has the same.
        tool: The tool's name.
        label: What it does, short, for people.
        arguments: Its arguments as the model wrote them, usually JSON.
    """

    call_id: str
    tool: str
    label: str
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool call has ended.

    Attributes:
        call_id: The call's id.
        tool: The tool's name.
        failed: Whether its result is an error.
        output: What the model is told.
        seconds: How long it took.
    """

    call_id: str
    tool: str
    failed: bool
    output: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ApprovalRequested:
    """Something dangerous waits for consent; answered through the profile's `ApprovalLedger`.

    Attributes:
        request: The question.
    """

    request: ApprovalRequest


@dataclass(frozen=True, slots=True)
class ApprovalClosed:
    """An `ApprovalRequested` waits no more.

    Attributes:
        request_id: The question's id.
        choice: The answer; None when nobody gave one in time, or the question was withdrawn.
    """

    request_id: str
    choice: ApprovalChoice | None


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """The agent asks its user something; answered through the profile's `QuestionLedger`.

    Attributes:
        question_id: Names the question when it is answered.
        question: The question.
        choices: Answers to choose from; possibly none. Any other text is an answer as well.
        seconds: How long the answer may take.
    """

    question_id: str
    question: str
    choices: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class QuestionClosed:
    """A `QuestionAsked` waits no more: it was answered, ran out of time, or was withdrawn.

    Attributes:
        question_id: The question's id.
    """

    question_id: str


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The model has been asked once.

    Attributes:
        usage: Tokens of this call.
        model: The model that answered.
    """

    usage: Usage
    model: str


TurnEvent = (
    TextDelta
    | ReasoningDelta
    | ToolStarted
    | ToolFinished
    | ApprovalRequested
    | ApprovalClosed
    | QuestionAsked
    | QuestionClosed
    | UsageReported
)
