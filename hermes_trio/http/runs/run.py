"""One run: how it is doing, and what its reader has not read yet."""

from __future__ import annotations

import enum
import secrets
from typing import TYPE_CHECKING, Final

import trio
from msgspec import UNSET

from hermes_trio.delivery.progress import preview_of
from hermes_trio.http.runs.event_buffer import RunEventBuffer
from hermes_trio.http.runs.events import (
    ApprovalRequestEvent,
    ApprovalRespondedEvent,
    MessageDelta,
    QuestionClosedEvent,
    QuestionRequestEvent,
    ReasoningAvailable,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunUsage,
    ToolCompletedEvent,
    ToolStartedEvent,
    name_of,
)
from hermes_trio.http.runs.shapes import RunView
from hermes_trio.tools.approval import ApprovalChoice
from hermes_trio.turns.events import (
    ApprovalClosed,
    ApprovalRequested,
    QuestionAsked,
    QuestionClosed,
    ReasoningDelta,
    TextDelta,
    ToolFinished,
    ToolStarted,
)
from hermes_trio.turns.request import TurnResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.errors import HermesTrioError
    from hermes_trio.http.runs.events import RunEnd, RunEvent
    from hermes_trio.tools.approval import ApprovalRequest
    from hermes_trio.turns.control import TurnControl
    from hermes_trio.turns.events import TurnEvent

LONGEST_REASONING: Final = 8192
"""Characters of thought in one event."""


class RunStatus(enum.StrEnum):
    """Where a run is in its life."""

    QUEUED = "queued"
    """Waits for the turn before it in its session, or has only just been started."""
    RUNNING = "running"
    WAITING_FOR_APPROVAL = "waiting_for_approval"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Run:
    """One run of a profile; outlives the generation that it runs in, and holds nothing of it once it has ended.

    For the event loop's thread only; nothing in it waits.

    Args:
        session_id: The conversation it belongs to.
        model: What the client is told as model.
        at: When it was started, in wall time.

    Attributes:
        id: Names it; cannot be guessed.
        events: What its reader has not read yet.
        end: Its last event, once it has ended.
        ended_at: When it ended, in trio's time.
        is_stopping: Whether somebody wants it stopped.
    """

    def __init__(self, session_id: str, model: str, at: float) -> None:
        self.id = "run_" + secrets.token_hex(16)
        self.events = RunEventBuffer(self.id)
        self.end: RunEnd | None = None
        self.ended_at = float("inf")
        self.is_stopping = False
        self._session_id = session_id
        self._model = model
        self._created_at = self._updated_at = at
        self._last_event: str | None = None
        self._approvals: dict[str, ApprovalRequestEvent] = {}
        self._questions: dict[str, QuestionRequestEvent] = {}
        self._thoughts: list[str] = []
        self._thought = 0
        self._hold: trio.CancelScope | None = None
        self._control: TurnControl | None = None

    @property
    def status(self) -> RunStatus:
        """How it is doing."""
        match self.end:
            case RunCompleted():
                return RunStatus.COMPLETED
            case RunFailed():
                return RunStatus.FAILED
            case RunCancelled():
                return RunStatus.CANCELLED
        if self._approvals:
            return RunStatus.WAITING_FOR_APPROVAL
        has_begun = self._control is not None and self._control.has_begun
        return RunStatus.RUNNING if has_begun else RunStatus.QUEUED

    @property
    def size(self) -> int:
        """About how much memory it takes, in bytes."""
        output = self.end.output if isinstance(self.end, RunCompleted) else ""
        return self.events.size + len(output)

    def begin(self, hold: trio.CancelScope, control: TurnControl) -> None:
        """Its turn has been taken on."""
        self._hold = hold
        self._control = control

    def stop(self) -> None:
        """Have its turn and all tools of it cancelled; does nothing once it has ended."""
        self.is_stopping = True
        if self._hold is not None:
            self._hold.cancel()

    def happened(self, events: Sequence[TurnEvent], at: float) -> None:
        """Take in what happened in its turn at this wall time; never waits for a reader."""
        for event in events:
            if isinstance(event, TextDelta):
                self._add(MessageDelta(delta=event.text), at)
            elif isinstance(event, ReasoningDelta):
                self._think(event.text, at)
            elif isinstance(event, ToolStarted):
                preview = preview_of(event.label)
                self._add(ToolStartedEvent(tool=event.tool, preview=preview, tool_call_id=event.call_id), at)
            elif isinstance(event, ToolFinished):
                self._add(_tool_completed(event), at)
            else:
                self._ask(event, at)

    def answered_approval(self, choice: ApprovalChoice, answered: Sequence[str], at: float) -> None:
        """Consent was given or refused to these requests."""
        for approval_id in answered:
            self._approvals.pop(approval_id, None)
        self._add(ApprovalRespondedEvent(choice=choice, resolved=len(answered)), at)

    def ended(self, outcome: TurnResult | HermesTrioError | None, at: float) -> None:
        """Its turn is over; see `ProfileRuntime.begin_turn`."""
        self._flush_thoughts(at)
        self._approvals.clear()
        self._questions.clear()
        self._hold = self._control = None
        self.end = _end_of(outcome, is_stopping=self.is_stopping)
        self.ended_at = trio.current_time()
        self.events.stamp(self.end, at)
        self._note(self.end, at)
        self.events.close()

    def view(self) -> RunView:
        """What a client is told of it."""
        view = RunView(
            run_id=self.id,
            status=self.status,
            created_at=self._created_at,
            updated_at=self._updated_at,
            session_id=self._session_id,
            model=self._model,
            last_event=self._last_event,
            approvals=list(self._approvals.values()) or UNSET,
            questions=list(self._questions.values()) or UNSET,
        )
        if isinstance(self.end, RunCompleted):
            view.output, view.usage = self.end.output, self.end.usage
        elif isinstance(self.end, RunFailed):
            view.error, view.error_code = self.end.error, self.end.error_code
        return view

    def _ask(self, event: TurnEvent, at: float) -> None:
        if isinstance(event, ApprovalRequested):
            request = self._approvals[event.request.id] = _approval_request(event.request)
            self._add(request, at)
        elif isinstance(event, QuestionAsked):
            question = self._questions[event.question_id] = QuestionRequestEvent(
                question_id=event.question_id, question=event.question, choices=event.choices, seconds=event.seconds
            )
            self._add(question, at)
        elif isinstance(event, QuestionClosed):
            self._questions.pop(event.question_id, None)
            self._add(QuestionClosedEvent(question_id=event.question_id), at)
        elif isinstance(event, ApprovalClosed):
            self._approvals.pop(event.request_id, None)
            if event.choice is None:
                self._add(ApprovalRespondedEvent(choice=ApprovalChoice.DENY, resolved=1, answered=False), at)

    def _think(self, text: str, at: float) -> None:
        self._thoughts.append(text)
        self._thought += len(text)
        if self._thought >= LONGEST_REASONING:
            self._flush_thoughts(at)

    def _flush_thoughts(self, at: float) -> None:
        text, self._thoughts, self._thought = "".join(self._thoughts), [], 0
        if text.strip():
            self._append(ReasoningAvailable(text=text), at)

    def _add(self, event: RunEvent, at: float) -> None:
        self._flush_thoughts(at)
        self._append(event, at)

    def _append(self, event: RunEvent, at: float) -> None:
        self.events.add(event, at)
        self._note(event, at)

    def _note(self, event: RunEvent, at: float) -> None:
        self._last_event = name_of(event)
        self._updated_at = at


def _tool_completed(event: ToolFinished) -> ToolCompletedEvent:
    return ToolCompletedEvent(
        tool=event.tool, duration=round(event.seconds, 3), error=event.failed, tool_call_id=event.call_id
    )


def _approval_request(request: ApprovalRequest) -> ApprovalRequestEvent:
    return ApprovalRequestEvent(
        command=request.command,
        pattern_key=request.pattern_key,
        pattern_keys=request.pattern_keys,
        description=request.description,
        allow_permanent=request.allow_permanent,
        choices=tuple(str(choice) for choice in request.choices),
        approval_id=request.id,
        smart_denied=request.smart_denied,
        seconds=request.seconds,
    )


def _end_of(outcome: TurnResult | HermesTrioError | None, *, is_stopping: bool) -> RunEnd:
    if isinstance(outcome, TurnResult):
        used = outcome.usage
        total = used.input_tokens + used.output_tokens
        return RunCompleted(output=outcome.text, usage=RunUsage(used.input_tokens, used.output_tokens, total))
    if outcome is not None:
        return RunFailed(error=str(outcome), error_code=outcome.code)
    if is_stopping:
        return RunCancelled()
    return RunFailed(error="the profile stopped or restarted before the run had ended", error_code="profile_stopped")
