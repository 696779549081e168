"""The question whether something dangerous may be done, and its answer."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


class ApprovalChoice(enum.StrEnum):
    """What somebody may answer."""

    ONCE = "once"
    SESSION = "session"
    ALWAYS = "always"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class ApprovalQuestion:
    """Something dangerous that an agent wants to do.

    Attributes:
        command: The command line or code.
        pattern_keys: Names of the dangers found in it, the main one first; never empty.
        description: What is dangerous about it, for people.
        allow_permanent: Whether ``always`` may be answered.
        shell: Whether it is a command line; the user's lists of commands apply to these only.
    """

    command: str
    pattern_keys: tuple[str, ...]
    description: str
    allow_permanent: bool = True
    shell: bool = True


@dataclass(frozen=True, slots=True)
class ApprovalAnswer:
    """Whether it may be done.

    Attributes:
        allowed: Whether it may.
        reason: For the model, why not.
    """

    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A question that waits for somebody's answer; may be shown to people.

    Attributes:
        id: Names it when it is answered.
        session_key: The conversation it came up in.
        turn_id: The turn it came up in.
        command: The command line or code, secrets blackened.
        pattern_key: The main danger.
        pattern_keys: All dangers, the main one first.
        description: What is dangerous about it.
        allow_permanent: Whether ``always`` may be answered.
        choices: What may be answered.
        smart_denied: Whether a model has looked at it and advised against it.
        seconds: How long an answer may take; then it counts as no.
    """

    id: str
    session_key: str
    turn_id: str
    command: str
    pattern_key: str
    pattern_keys: tuple[str, ...]
    description: str
    allow_permanent: bool
    choices: tuple[ApprovalChoice, ...]
    smart_denied: bool
    seconds: float


Announce = Callable[[ApprovalRequest], Awaitable[None]]
"""Shows a waiting question to whoever may answer it."""

AnnounceEnd = Callable[[ApprovalRequest, ApprovalChoice | None], Awaitable[None]]
"""Shows that a question waits no more; without a choice when nobody answered it, or it was withdrawn."""
