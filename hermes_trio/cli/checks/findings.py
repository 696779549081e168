"""What a check may find."""

from __future__ import annotations

import enum

import msgspec


class Level(enum.StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """Something will not work."""
    WARNING = "warning"
    """It works, but probably not as meant."""
    INFO = "info"
    """Worth knowing."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One remark about a home. Never holds a secret.

    Attributes:
        level: How bad it is.
        code: Stable code.
        profile: The profile concerned, or None for the home as a whole.
        where: File with line, setting or address.
        message: What is the matter.
        mend: The command or edit that mends it, or None.
    """

    level: Level
    code: str
    profile: str | None
    where: str
    message: str
    mend: str | None = None


class CheckReport(msgspec.Struct, frozen=True):
    """All that was found in a home."""

    home: str
    profiles: list[str]
    errors: int
    warnings: int
    findings: list[Finding]
