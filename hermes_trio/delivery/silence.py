"""Replies that say that nothing is to be said."""

from __future__ import annotations

import re
from typing import Final

_MARKERS: Final = ("[silent]", "silent", "no_reply", "no reply")
#: A stage direction: a few words between stars, underscores, round or square brackets, and nothing else.
_NARRATION: Final = re.compile(
    r"[*_(\[]{1,3}\s*(?:"
    r"(?:stays?|staying|remains?|remaining|keeps?|keeping)?\s*(?:silent|silence|quiet)"
    r"|no (?:response|reply|answer|comment)(?: (?:is )?(?:needed|necessary|required))?"
    r"|says? nothing|nothing to (?:say|add)"
    r")\s*[.…]?\s*[*_)\]]{1,3}",
    re.IGNORECASE,
)
_LONGEST: Final = 80


def is_silence(text: str, *, narration: bool) -> bool:
    """Whether a whole reply is a silence marker, so that nothing is sent.

    Args:
        text: The reply.
        narration: Whether a stage direction such as ``*stays silent*`` counts (setting ``filter_silence_narration``).
    """
    trimmed = text.strip()
    if trimmed.casefold() in _MARKERS:
        return True
    return narration and len(trimmed) <= _LONGEST and _NARRATION.fullmatch(trimmed) is not None


def may_become_silence(text: str) -> bool:
    """Whether the beginning of a reply may grow into a silence marker, so that it is not shown yet."""
    begun = text.strip().casefold()
    return any(marker.startswith(begun) for marker in _MARKERS)
