"""The events of a run as its reader gets them; each is one JSON object whose ``event`` says which."""

from __future__ import annotations

from typing import Final

import msgspec

CLOSED: Final = b": stream closed\n\n"

_encode = msgspec.json.Encoder().encode


class RunUsage(msgspec.Struct):
    """Tokens of all calls of models in a run."""

    input_tokens: int
    output_tokens: int
    total_tokens: int


class RunEvent(msgspec.Struct, kw_only=True, tag_field="event"):
    """One event of a run.

    Attributes:
        run_id: The run.
        timestamp: When it happened; seconds since the epoch.
        seq: Counts the run's events from 1. Where a number is missing, events were dropped because nobody read them.
    """

    run_id: str = ""
    timestamp: float = 0.0
    seq: int = 0


class MessageDelta(RunEvent, tag="message.delta"):
    """The agent goes on speaking."""

    delta: str


class ReasoningAvailable(RunEvent, tag="reasoning.available"):
    """What the model thought before it went on."""

    text: str


class ToolStartedEvent(RunEvent, tag="tool.started"):
    """A tool begins; ``preview`` says what it works on."""

    tool: str
    preview: str
    tool_call_id: str


class ToolCompletedEvent(RunEvent, tag="tool.completed"):
    """A tool has ended, after so many seconds; ``error`` tells whether its result is an error."""

    tool: str
    duration: float
    error: bool
    tool_call_id: str


class ApprovalRequestEvent(RunEvent, tag="approval.request"):
    """Something dangerous waits for consent, for so many seconds; secrets in ``command`` are blackened."""

    command: str
    pattern_key: str
    pattern_keys: tuple[str, ...]
    description: str
    allow_permanent: bool
    choices: tuple[str, ...]
    approval_id: str
    smart_denied: bool
    seconds: float


class ApprovalRespondedEvent(RunEvent, tag="approval.responded"):
    """Consent has been given or refused; ``answered`` is false when nobody did in time, which counts as no."""

    choice: str
    resolved: int
    answered: bool = True


class QuestionRequestEvent(RunEvent, tag="question.request"):
    """The agent asks its user something, and waits for so many seconds."""

    question_id: str
    question: str
    choices: tuple[str, ...]
    seconds: float


class QuestionClosedEvent(RunEvent, tag="question.closed"):
    """A question waits no more."""

    question_id: str


class RunCompleted(RunEvent, tag="run.completed"):
    """The run has ended with an answer."""

    output: str
    usage: RunUsage


class RunFailed(RunEvent, tag="run.failed"):
    """The run has ended with an error."""

    error: str
    error_code: str


class RunCancelled(RunEvent, tag="run.cancelled"):
    """The run was stopped."""


RunEnd = RunCompleted | RunFailed | RunCancelled
"""What comes last in a run."""


def name_of(event: RunEvent) -> str:
    """The event's name, e.g. ``tool.started``."""
    return str(event.__struct_config__.tag)


def frame(event: RunEvent) -> bytes:
    """The event as a server-sent event without a name."""
    return b"data: " + _encode(event) + b"\n\n"
