"""Hides the thinking that some models write into their answers, such as ``<think> ... </think>``.

A block begins at the start of a line outside of fenced code, so that a text about such tags stays whole; it ends with
its closing tag wherever that stands, or with the text.
"""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = ("think", "thinking", "reasoning", "thought", "reasoning_scratchpad")
_OPENING: Final = re.compile(rf"[ \t]*<({'|'.join(_NAMES)})(?:\s[^>\n]*)?>", re.IGNORECASE)
_CLOSING: Final = re.compile(rf"[ \t]*</(?:{'|'.join(_NAMES)})\s*>", re.IGNORECASE)
_FENCE: Final = re.compile(r"[ \t]*(`{3,}|~{3,})")
#: What stands at the start of a line and may still become one of the above.
_BEGUN: Final = re.compile(r"[ \t]*(?:</?[a-z_]{0,24}(?:\s[^>\n]{0,200})?|`{1,2}|~{1,2})?", re.IGNORECASE)
_LONGEST_CLOSING: Final = 40


def without_thinking(text: str) -> str:
    """A whole text without its thinking."""
    hiding = ThinkingFilter()
    return hiding.feed(text) + hiding.end()


class ThinkingFilter:
    """Hides thinking while a text arrives in pieces of any size; what comes out does not depend on the sizes."""

    def __init__(self) -> None:
        self._held = ""
        self._closing: re.Pattern[str] | None = None
        self._fence = ""
        self._at_line_start = True
        self._shown_any = False
        self._skips_space = False

    def feed(self, text: str) -> str:
        """Take a piece; returns what can be shown now."""
        return self._run(text, at_end=False)

    def end(self) -> str:
        """The text is over; returns what was held back."""
        return self._run("", at_end=True)

    def _run(self, text: str, *, at_end: bool) -> str:
        self._held += text
        shown: list[str] = []
        goes_on = True
        while self._held and goes_on:
            if self._closing is not None:
                goes_on = self._hide(self._closing, at_end=at_end)
            elif self._at_line_start:
                goes_on = self._look_at_line_start(at_end=at_end)
            else:
                shown.append(self._rest_of_line())
                self._shown_any = self._shown_any or bool(shown[-1].strip())
        return "".join(shown)

    def _hide(self, closing: re.Pattern[str], *, at_end: bool) -> bool:
        """Drop what is hidden, but for what may be the beginning of the closing tag; whether that was found."""
        found = closing.search(self._held)
        if found is None:
            self._held = "" if at_end else self._held[-_LONGEST_CLOSING:]
            return False
        self._held = self._held[found.end() :]
        self._closing = None
        self._at_line_start, self._skips_space = True, True
        return True

    def _look_at_line_start(self, *, at_end: bool) -> bool:
        """Find out what a line begins with; whether that can be known yet."""
        if self._skips_space and not self._shown_any:
            self._held = self._held.lstrip()
        if not at_end and _BEGUN.fullmatch(self._held):
            return False
        opening = _OPENING.match(self._held) if not self._fence else None
        stray = _CLOSING.match(self._held) if not self._fence else None
        if opening:
            self._closing = re.compile(rf"</{opening[1]}\s*>", re.IGNORECASE)
        if tag := opening or stray:
            self._held = self._held[tag.end() :]
            return True
        self._skips_space = False
        self._watch_fence()
        self._at_line_start = False
        return True

    def _watch_fence(self) -> None:
        fence = _FENCE.match(self._held)
        if fence is None:
            return
        if not self._fence:
            self._fence = fence[1]
        elif fence[1].startswith(self._fence):
            self._fence = ""

    def _rest_of_line(self) -> str:
        line, end, rest = self._held.partition("\n")
        self._held = rest
        self._at_line_start = bool(end)
        return line + end
