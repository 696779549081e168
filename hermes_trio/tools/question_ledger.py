"""The questions of agents that wait for their users' answers; one ledger per generation of a profile."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from hermes_trio.home.config import AgentConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.scope import ProfileScope


@dataclass(frozen=True, slots=True)
class PendingQuestion:
    """A question that waits; may be shown to people.

    Attributes:
        id: Names it when it is answered.
        session_key: The conversation it came up in.
        turn_id: The turn it came up in.
        question: The question.
        choices: Answers to choose from; possibly none. Any other text is an answer as well.
        seconds: How long the answer may take.
    """

    id: str
    session_key: str
    turn_id: str
    question: str
    choices: tuple[str, ...]
    seconds: float


AnnounceQuestion = Callable[[PendingQuestion], Awaitable[None]]
"""Shows a waiting question to whoever may answer it."""


class _Waiting:
    """One question and its answer, once there is one."""

    __slots__ = ("answered", "question", "text")

    def __init__(self, question: PendingQuestion) -> None:
        self.question = question
        self.answered = trio.Event()
        self.text = ""


class QuestionLedger:
    """The waiting questions of one generation of a profile. For the event loop's thread only.

    Nothing in it waits by itself: a question lives in the tool call that asks it and is gone with it.

    Args:
        scope: The profile.
    """

    def __init__(self, scope: ProfileScope) -> None:
        self._scope = scope
        self._waiting: dict[str, _Waiting] = {}

    def pending(self, *, session_key: str | None = None, turn_id: str | None = None) -> tuple[PendingQuestion, ...]:
        """The questions that wait, oldest first; of one session or turn where one is named."""
        return tuple(
            waiting.question
            for waiting in self._waiting.values()
            if session_key in (None, waiting.question.session_key) and turn_id in (None, waiting.question.turn_id)
        )

    def answer(self, question_id: str, text: str) -> bool:
        """Answer a question, with one of its choices or with any other text; tells whether it was still waiting."""
        waiting = self._waiting.pop(question_id, None)
        if waiting is None:
            return False
        waiting.text = text
        waiting.answered.set()
        return True

    async def ask(
        self, question: str, choices: Sequence[str], announce: AnnounceQuestion, session_key: str, turn_id: str
    ) -> str:
        """Ask and wait for the answer, for as long as the caller lets it.

        Args:
            question: The question.
            choices: Answers to choose from.
            announce: Shows it; the answer may come while it does.
            session_key: The conversation; its id where it has no key.
            turn_id: The turn.

        Cancellation: the question is withdrawn.
        """
        asked = PendingQuestion(
            id=f"question_{uuid.uuid4().hex}",
            session_key=session_key,
            turn_id=turn_id,
            question=question,
            choices=tuple(choices),
            seconds=answer_seconds(self._scope),
        )
        waiting = self._waiting[asked.id] = _Waiting(asked)
        try:
            await announce(asked)
            await waiting.answered.wait()
        finally:
            self._waiting.pop(asked.id, None)
        return waiting.text


def answer_seconds(scope: ProfileScope) -> float:
    """How long a user may take for an answer: ``agent.clarify_timeout``."""
    return scope.config.agent.clarify_timeout or AgentConfig().clarify_timeout
