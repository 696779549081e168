"""Recognises text in prompt files that tries to take over the agent; pure functions.

Memory and identity files become part of the system prompt, and an agent that was tricked once may have written to them;
so they are looked at when the agent writes them, and again when they enter the prompt.
This catches the blunt attempts. It is no proof of safety, and whoever can write these files can write anything.
"""

from __future__ import annotations

import re
from typing import Final

_FLAG: Final = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")
"""Flags of regions are spelled with otherwise invisible characters."""

_INVISIBLE: Final = re.compile("[\u200b\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]")

_NOT_NEGATED: Final = r"(?<!never )(?<!not )(?<!n't )"
_EARLIER: Final = r"(?:previous|prior|preceding|above|earlier|system|(?:all|any)(?: of)? (?:the|your))"
_WHAT: Final = r"(?:instruction|direction|rule|guideline|prompt)s?"
_CREDENTIAL: Final = r"(?:(?:api|access|auth|bearer|bot)[ _-]?(?:key|token)s?|passwords?|secrets?|credentials)"
_TAKEOVERS: Final = (
    (
        "asks to ignore instructions",
        rf"\b{_NOT_NEGATED}(?:ignore|disregard|forget|override)\b[^.\n]{{0,30}}\b{_EARLIER}\b[^.\n]{{0,20}}\b{_WHAT}\b",
    ),
    ("poses as a system prompt", r"\b(?:new|updated|real) system (?:prompt|message)\b|<\|?(?:im_start|system)\|?>"),
    (
        "asks to drop all limits",
        r"\b(?:you are|act) (?:now )?(?:in |as )?(?:developer mode|(?-i:DAN)\b|jailbroken|unrestricted)",
    ),
)
_LEAKS: Final = (
    (
        "sends secrets away",
        r"\b(?:curl|wget|nc)\b[^\n]{0,200}(?:\$\{?\w{0,40}(?:KEY|TOKEN|SECRET|PASSWORD)|\.env\b|id_rsa|credentials)",
    ),
    (
        "sends secrets away",
        rf"\b(?:send|post|upload|forward|exfiltrate|leak)\b[^.\n]{{0,60}}\b{_CREDENTIAL}\b[^.\n]{{0,60}}\b(?:to|at)\b",
    ),
    ("plants a login key", r"authorized_keys"),
)
_DECEPTION: Final = (
    ("asks to deceive the user", r"\b(?:do not|don't|never) (?:tell|inform) the user\b"),
    ("asks to deceive the user", r"\b(?:without telling|hide (?:this|it) from) the user\b"),
)


def _compiled(rows: tuple[tuple[str, str], ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((reason, re.compile(pattern, re.IGNORECASE)) for reason, pattern in rows)


_BY_USER: Final = _compiled(_TAKEOVERS + _LEAKS)
_BY_AGENT: Final = _compiled(_TAKEOVERS + _LEAKS + _DECEPTION)
"""What the agent wrote itself is checked for more: a persona written by the user may well keep things to itself."""

_MANUAL: Final = _compiled(_TAKEOVERS + _DECEPTION)
"""A description of how things are done has good reasons to speak of keys and logins."""


def find_threat(text: str, *, written_by_agent: bool) -> str | None:
    """Say what is wrong with a text, in a few words, or None when nothing was recognised."""
    return _find(text, _BY_AGENT if written_by_agent else _BY_USER)


def find_threat_in_manual(text: str) -> str | None:
    """The same for instructions that an agent writes down for later, such as a skill's."""
    return _find(text, _MANUAL)


def _find(text: str, patterns: tuple[tuple[str, re.Pattern[str]], ...]) -> str | None:
    if not text.isascii() and _INVISIBLE.search(_FLAG.sub("", text)):
        return "has invisible characters"
    return next((reason for reason, pattern in patterns if pattern.search(text)), None)


def blocked(reason: str, source: str) -> str:
    """The marker that stands in the prompt in place of a blocked text of the file ``source``."""
    return f"[BLOCKED: an entry of {source} {reason}]"
