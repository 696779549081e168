"""The question whether something dangerous may be done, and its answer."""

from __future__ import annotations

import enum
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
    """

    command: str
    pattern_keys: tuple[str, ...]
    description: str
    allow_permanent: bool = True


@dataclass(frozen=True, slots=True)
class ApprovalAnswer:
    """Whether it may be done.

    Attributes:
        allowed: Whether it may.
        reason: For the model, why not.
    """

    allowed: bool
    reason: str = ""
