"""What has been allowed in a profile, and the questions that wait for an answer; one ledger per generation."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.errors import ConfigError
from hermes_trio.home.command_allowlist import add_to_command_allowlist
from hermes_trio.io.log_redaction import make_command_redactor
from hermes_trio.tools.approval import ApprovalChoice, ApprovalQuestion, ApprovalRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.approval import Announce, AnnounceEnd

#: Conversations whose grants are remembered; beyond that the one unused for longest is asked again.
MOST_SESSIONS: Final = 4096
SAVE_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 1.0
LONGEST_COMMAND: Final = 8000

_ALL_CHOICES: Final = tuple(ApprovalChoice)
_WITHOUT_ALWAYS: Final = (ApprovalChoice.ONCE, ApprovalChoice.SESSION, ApprovalChoice.DENY)
_ONCE_OR_DENY: Final = (ApprovalChoice.ONCE, ApprovalChoice.DENY)


class _Waiting:
    """One question and its answer, once there is one."""

    __slots__ = ("answered", "choice", "request")

    def __init__(self, request: ApprovalRequest) -> None:
        self.request = request
        self.answered = trio.Event()
        self.choice: ApprovalChoice | None = None

    def close(self, choice: ApprovalChoice) -> None:
        self.choice = choice
        self.answered.set()


class ApprovalLedger:
    """The approvals of one generation of a profile. For the event loop's thread only.

    Nothing in it waits by itself: a question lives in the tool call that asks it and is gone with it.

    Args:
        scope: The profile.

    Attributes:
        redact: Blackens the profile's secrets in a command.
    """

    def __init__(self, scope: ProfileScope) -> None:
        self._scope = scope
        self.redact = make_command_redactor(scope.secrets.values_to_redact())
        self._waiting: dict[str, _Waiting] = {}
        self._sessions: OrderedDict[str, set[str]] = OrderedDict()
        self._always: set[str] = set()
        self._bypassed: set[str] = set()
        self._saving = trio.Lock()

    def is_granted(self, session_key: str, pattern_keys: Iterable[str]) -> bool:
        """Tell whether all these dangers are allowed: by the user's settings, for this session, or for always."""
        granted: Collection[str] = self._sessions.get(session_key, ())
        listed = self._scope.config.command_allowlist
        return all(key in granted or key in self._always or key in listed for key in pattern_keys)

    def bypass(self, session_key: str, *, on: bool) -> None:
        """Let a session do all that is not hard-blocked without asking, or no longer; the user's ``/yolo``."""
        if on:
            self._bypassed.add(session_key)
        else:
            self._bypassed.discard(session_key)

    def is_bypassed(self, session_key: str) -> bool:
        """Tell whether the user switched off questions for this session."""
        return session_key in self._bypassed

    def forget_session(self, session_key: str) -> None:
        """Forget what was allowed for a session, for when its conversation begins anew."""
        self._sessions.pop(session_key, None)
        self._bypassed.discard(session_key)

    def pending(self, *, session_key: str | None = None, turn_id: str | None = None) -> tuple[ApprovalRequest, ...]:
        """The questions that wait, oldest first; of one session or turn where one is named."""
        return tuple(
            waiting.request
            for waiting in self._waiting.values()
            if session_key in (None, waiting.request.session_key) and turn_id in (None, waiting.request.turn_id)
        )

    def answer(self, request_id: str, choice: ApprovalChoice) -> bool:
        """Answer a question.

        A choice that was not offered counts as the strongest weaker one that was.

        Returns:
            Whether the question was still waiting.
        """
        waiting = self._waiting.pop(request_id, None)
        if waiting is None:
            return False
        request = waiting.request
        given = _offered(choice, request.choices)
        if given in (ApprovalChoice.SESSION, ApprovalChoice.ALWAYS):
            self._grant(request, always=given is ApprovalChoice.ALWAYS)
        waiting.close(given)
        self._close_granted()
        return True

    def answer_next(
        self,
        choice: ApprovalChoice,
        *,
        session_key: str | None = None,
        turn_id: str | None = None,
        everything: bool = False,
    ) -> int:
        """Answer the oldest question of a session or turn, or all of them.

        Returns:
            How many questions that settled.
        """
        asked = self.pending(session_key=session_key, turn_id=turn_id)
        for request in asked if everything else asked[:1]:
            self.answer(request.id, choice)
        return sum(request.id not in self._waiting for request in asked)

    async def ask(
        self,
        question: ApprovalQuestion,
        announce: Announce,
        *,
        session_key: str,
        turn_id: str,
        smart_denied: bool = False,
        closed: AnnounceEnd | None = None,
    ) -> ApprovalChoice | None:
        """Ask and wait for the answer; None when nobody answered within ``approvals.timeout``.

        ``always`` is also written to the profile's settings; where that fails, it holds until the profile restarts.

        Args:
            question: What is to be done.
            announce: Shows the question.
            session_key: The conversation; its id where it has no key.
            turn_id: The turn.
            smart_denied: Whether a model has advised against it.
            closed: Shows that the question waits no more, also when it was withdrawn; then it gets 1 s.

        Cancellation: the question is withdrawn. An ``always`` that was already given is still saved, within 5 s.
        """
        request = self._request(question, session_key, turn_id, smart_denied=smart_denied)
        waiting = self._waiting[request.id] = _Waiting(request)
        try:
            with trio.move_on_after(request.seconds):
                await announce(request)
                await waiting.answered.wait()
        finally:
            self._waiting.pop(request.id, None)
            if waiting.choice is ApprovalChoice.ALWAYS:
                await self._save(request.pattern_keys)
            if closed is not None:
                with trio.move_on_after(CLOSE_SECONDS, shield=True):
                    await closed(request, waiting.choice)
        return waiting.choice

    def _request(
        self, question: ApprovalQuestion, session_key: str, turn_id: str, *, smart_denied: bool
    ) -> ApprovalRequest:
        choices = _ALL_CHOICES if question.allow_permanent else _WITHOUT_ALWAYS
        return ApprovalRequest(
            id=f"approval_{uuid.uuid4().hex}",
            session_key=session_key,
            turn_id=turn_id,
            command=_shortened(self.redact(question.command)),
            pattern_key=question.pattern_keys[0],
            pattern_keys=question.pattern_keys,
            description=question.description,
            allow_permanent=question.allow_permanent and not smart_denied,
            choices=_ONCE_OR_DENY if smart_denied else choices,
            smart_denied=smart_denied,
            seconds=self._scope.config.approvals.timeout,
        )

    def _grant(self, request: ApprovalRequest, *, always: bool) -> None:
        if always:
            self._always.update(request.pattern_keys)
            return
        self._sessions.setdefault(request.session_key, set()).update(request.pattern_keys)
        self._sessions.move_to_end(request.session_key)
        if len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)

    def _close_granted(self) -> None:
        """Nobody should be asked again what has just been allowed."""
        for waiting in tuple(self._waiting.values()):
            request = waiting.request
            if not request.smart_denied and self.is_granted(request.session_key, request.pattern_keys):
                del self._waiting[request.id]
                waiting.close(ApprovalChoice.ONCE)

    async def _save(self, pattern_keys: tuple[str, ...]) -> None:
        # The user's word counts even if the turn ends at this very moment.
        with trio.move_on_after(SAVE_SECONDS, shield=True):
            try:
                async with self._saving:
                    await self._scope.run_blocking(
                        add_to_command_allowlist, self._scope.home.config, self._scope.name, pattern_keys
                    )
            except ConfigError as error:
                self._scope.log.bind(component="approvals").warning(
                    f"what was allowed for always could not be saved and holds until this profile restarts: {error}"
                )


def _shortened(command: str) -> str:
    """Both ends of a long command: what matters may stand behind a lot that does not."""
    half = LONGEST_COMMAND // 2
    left_out = len(command) - 2 * half
    return command if left_out <= 0 else f"{command[:half]}\n... ({left_out} characters cut) ...\n{command[-half:]}"


def _offered(choice: ApprovalChoice, offered: tuple[ApprovalChoice, ...]) -> ApprovalChoice:
    for weaker in (ApprovalChoice.ALWAYS, ApprovalChoice.SESSION, ApprovalChoice.ONCE):
        if weaker is choice and choice not in offered:
            choice = ApprovalChoice.SESSION if weaker is ApprovalChoice.ALWAYS else ApprovalChoice.ONCE
    return choice
