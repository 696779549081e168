"""Questions that people answer in a chat: by a button, by a word, or in their own words."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from hermes_trio.access.authorize import check_access
from hermes_trio.access.commands import is_named_admin, may_consent
from hermes_trio.adapter_api.outgoing import Button
from hermes_trio.gateway.chat_request import chat_key, key_of
from hermes_trio.tools.approval import ApprovalChoice
from hermes_trio.turns.commands.parsing import whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hermes_trio.adapter_api.messages import ButtonPress, InboundMessage
    from hermes_trio.adapter_api.outgoing import OutgoingText
    from hermes_trio.gateway.adapter_slot import AdapterSlot
    from hermes_trio.home.platform_config import AccessConfig
    from hermes_trio.routing.source import MessageSource
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.approval import ApprovalRequest
    from hermes_trio.tools.question_ledger import PendingQuestion
    from hermes_trio.tools.workplace import Workplace

Question = TypeVar("Question", "ApprovalRequest", "PendingQuestion")

COMMAND: Final = "command_"
"""Begins the turn id of a question that a command asks; its choices are yes first and no last."""

_PREFIX: Final = "ask"
_WORDS: Final[Mapping[ApprovalChoice, tuple[str, ...]]] = {
    ApprovalChoice.ONCE: ("approve", "yes", "ok", "okay", "confirm", "y", "once", "👍"),
    ApprovalChoice.SESSION: ("session", "approve session", "yes session"),
    ApprovalChoice.ALWAYS: ("always", "approve always", "yes always"),
    ApprovalChoice.DENY: ("deny", "no", "reject", "cancel", "n", "👎"),
}
_LABELS: Final[Mapping[ApprovalChoice, str]] = {
    ApprovalChoice.ONCE: "✅ Once",
    ApprovalChoice.SESSION: "✅ This session",
    ApprovalChoice.ALWAYS: "✅ Always",
    ApprovalChoice.DENY: "❌ No",
}
GONE: Final = "Nobody waits for this answer any more."
NOT_YOURS: Final = "This question is not for you."


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with buttons below it.

    Attributes:
        question_id: The question's id in its ledger.
        session_key: The conversation it came up in.
        choices: What the buttons stand for, in order; an approval's are its choices' names.
        is_approval: Whether it is about something dangerous.
        transport_profile: The profile whose bot shows it.
    """

    question_id: str
    session_key: str
    choices: tuple[str, ...]
    is_approval: bool
    transport_profile: str


class AskedQuestions:
    """The questions of a generation below which people can press buttons. For the event loop's thread only."""

    def __init__(self) -> None:
        self._asked: dict[str, Asked] = {}
        self._shown: dict[str, tuple[str, OutgoingText]] = {}

    def buttons(self, asked: Asked) -> tuple[tuple[Button, ...], ...]:
        """Buttons for a question, each in a row of its own; they work until `forget`."""
        token = secrets.token_hex(6)
        self._asked[token] = asked
        labels = [_LABELS[ApprovalChoice(choice)] if asked.is_approval else choice for choice in asked.choices]
        return tuple((Button(label, f"{_PREFIX}:{token}:{index}"),) for index, label in enumerate(labels))

    def knows(self, data: str) -> bool:
        """Whether a button with this data belongs to a question of this profile's."""
        return _token(data)[0] in self._asked

    def note_shown(self, question_id: str, message_id: str, text: OutgoingText) -> bool:
        """The question stands in this message of the chat; False when it waits no more by now."""
        if all(asked.question_id != question_id for asked in self._asked.values()):
            return False
        self._shown[question_id] = (message_id, text)
        return True

    def forget(self, question_id: str) -> tuple[str, OutgoingText] | None:
        """The question waits no more; the message in which it stands, or None."""
        self._asked = {token: asked for token, asked in self._asked.items() if asked.question_id != question_id}
        return self._shown.pop(question_id, None)

    def settle(
        self, workplace: Workplace, session_key: str, message: InboundMessage, access: AccessConfig
    ) -> str | None:
        """Take a message as the answer to the oldest question of a conversation; None when none waits for such a text.

        A question of the agent takes any text; consent is given or refused in plain words. Whoever says something else
        while a command asks back does not mean the command any more, and is to be answered.

        Returns:
            Why who wrote it may not answer that, or nothing when it is answered.
        """
        text = message.text
        if questions := _asked_in(session_key, workplace.questions.pending()):
            return "" if _answer(workplace, questions[0], text, session_key) else None
        choice, requests = consent_in_words(text), _asked_in(session_key, workplace.approvals.pending())
        if choice is None or not requests:
            return None
        if refusal := _refusal(access, message.source, choice):
            return f"⛔ {refusal}"
        workplace.approvals.answer(requests[0].id, choice)
        return ""

    async def press(
        self, scope: ProfileScope, runtime: ProfileScope, workplace: Workplace, slot: AdapterSlot, press: ButtonPress
    ) -> str:
        """Take a press of a button; returns a line for who pressed it.

        Args:
            scope: The transport profile, whose bot's button it is: who may not talk to it may not press either.
            runtime: The runtime profile, whose question it is.
            workplace: The runtime profile's.
            slot: The adapter it came through.
            press: The press.
        """
        decision = await check_access(scope, press.source)
        if not decision.allowed:
            return NOT_YOURS
        token, index = _token(press.data)
        asked = self._asked.get(token)
        if asked is None or asked.transport_profile != scope.name:
            return GONE
        if not index.isdecimal() or int(index) >= len(asked.choices):
            return GONE
        if not _is_theirs(runtime, slot, press, asked):
            return NOT_YOURS
        choice = asked.choices[int(index)]
        if asked.is_approval:
            if refusal := _refusal(slot.config.access, press.source, ApprovalChoice(choice)):
                return refusal
            answered = workplace.approvals.answer(asked.question_id, ApprovalChoice(choice))
        else:
            answered = workplace.questions.answer(asked.question_id, choice)
        return "" if answered else GONE


def _asked_in(session_key: str, pending: Sequence[Question]) -> list[Question]:
    """What is asked in the chat of a conversation: by itself, or else by what runs in its background; oldest first."""
    here = [one for one in pending if chat_key(one.session_key) == session_key]
    return sorted(here, key=lambda one: one.session_key != session_key)


def _answer(workplace: Workplace, question: PendingQuestion, text: str, session_key: str) -> bool:
    choice = _choice(text, question.choices)
    is_offered = choice in question.choices
    if question.turn_id.startswith(COMMAND) and not is_offered:
        meant = _consent_choice(text, question.choices)
        return workplace.questions.answer(question.id, meant) and bool(meant)
    if question.session_key != session_key and question.choices and not is_offered:
        return False  # meant for the conversation itself
    return workplace.questions.answer(question.id, choice)


def consent_in_words(text: str) -> ApprovalChoice | None:
    """What a text says to a question for consent, or None when it says neither yes nor no."""
    word = " ".join(text.lower().split()).strip("!. ")
    return next((choice for choice, words in _WORDS.items() if word in words), None)


def _choice(text: str, choices: Sequence[str]) -> str:
    """The choice that a text means: its number or its words; else the text itself."""
    word = text.strip()
    number = whole_number(word) or 0
    if 1 <= number <= len(choices):
        return choices[number - 1]
    return next((choice for choice in choices if choice.lower() == word.lower()), word)


def _consent_choice(text: str, choices: Sequence[str]) -> str:
    """The choice of a command's question that a plain yes or no means; empty for any other text."""
    consent = consent_in_words(text)
    if consent is None:
        return ""
    if consent is ApprovalChoice.DENY:
        return choices[-1]
    return next((choice for choice in choices if choice.lower() == consent), choices[0])


def _refusal(access: AccessConfig, source: MessageSource, choice: ApprovalChoice) -> str:
    """Why somebody may not give this consent; to refuse it is open to all."""
    if choice is ApprovalChoice.DENY:
        return ""
    decision = may_consent(access, source, always=choice is ApprovalChoice.ALWAYS)
    return "" if decision.allowed else decision.text


def _token(data: str) -> tuple[str, str]:
    """The token and the index in the data of a button; empty where it is none of ours."""
    prefix, token, index = [*data.split(":"), "", ""][:3]
    return (token, index) if prefix == _PREFIX else ("", "")


def _is_theirs(scope: ProfileScope, slot: AdapterSlot, press: ButtonPress, asked: Asked) -> bool:
    """Whether who pressed takes part in the conversation of the question, or is an admin of the bot."""
    return key_of(scope, press.source) == chat_key(asked.session_key) or is_named_admin(
        slot.config.access, press.source
    )
