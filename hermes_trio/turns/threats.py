"""Recognises text in prompt files that tries to take over the agent; pure functions.

Memory and identity files become part of the system prompt, and an agent that was tricked once may have written to them.
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
_THREATS: Final = (
    (
        "asks to ignore instructions",
        rf"\b{_NOT_NEGATED}(?:ignore|disregard|forget|override)\b[^.\n]{{0,30}}\b{_EARLIER}\b[^.\n]{{0,20}}\b{_WHAT}\b",
    ),
    ("poses as a system prompt", r"\b(?:new|updated|real) system (?:prompt|message)\b|<\|?(?:im_start|system)\|?>"),
    (
        "asks to drop all limits",
        r"\b(?:you are|act) (?:now )?(?:in |as )?(?:developer mode|(?-i:DAN)\b|jailbroken|unrestricted)",
    ),
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
_PATTERNS: Final = tuple((reason, re.compile(pattern, re.IGNORECASE)) for reason, pattern in _THREATS)
_NOTE_PATTERNS: Final = tuple((reason, re.compile(pattern, re.IGNORECASE)) for reason, pattern in _DECEPTION)
"""Only for what the agent wrote itself: a persona written by the user may well keep things to itself."""


def find_threat(text: str, *, written_by_agent: bool) -> str | None:
    """Say what is wrong with a text, in a few words, or None when nothing was recognised."""
    if not text.isascii() and _INVISIBLE.search(_FLAG.sub("", text)):
        return "has invisible characters"
    for reason, pattern in _PATTERNS + _NOTE_PATTERNS if written_by_agent else _PATTERNS:
        if pattern.search(text):
            return reason
    return None


def blocked(reason: str, source: str) -> str:
    """The marker that stands in the prompt in place of a blocked text of the file ``source``."""
    return f"[BLOCKED: an entry of {source} {reason}]"
