"""The text of a file that enters the system prompt: decoded, cut to its limit, checked. Pure functions."""

from __future__ import annotations

from typing import NamedTuple

from hermes_trio.home.threats import blocked, find_threat


class CheckedText(NamedTuple):
    """A text as the model may see it.

    Attributes:
        text: With markers in place of blocked paragraphs.
        blocked: Why paragraphs were blocked.
    """

    text: str
    blocked: tuple[str, ...] = ()


def read_prompt_text(content: bytes | None, name: str, limit: int, *, by_user: bool) -> CheckedText:
    """Make a prompt's text of a file; None is a missing one. Broken UTF-8 becomes replacement characters.

    Args:
        content: What is in the file.
        name: The file's name, for people and for the model.
        limit: Most characters of it.
        by_user: Whether only the user writes the file; what others write is checked more strictly.
    """
    if content is None:
        return CheckedText("")
    text = content.decode("utf-8-sig", "replace").replace("\r\n", "\n").strip()
    threats: list[str] = []
    paragraphs = [_checked(part, name, by_user, threats) for part in shorten(text, name, limit).split("\n\n")]
    return CheckedText("\n\n".join(paragraphs), tuple(threats))


def shorten(text: str, name: str, limit: int) -> str:
    """Cut the middle out of a text that is too long: of ``limit`` characters the first 70 % and the last 20 % stay."""
    if len(text) <= limit:
        return text
    head, tail = limit * 70 // 100, limit * 20 // 100
    left_out = len(text) - head - tail
    return f"{text[:head]}\n\n[... {left_out} characters of {name} are left out here ...]\n\n{text[len(text) - tail :]}"


def _checked(paragraph: str, name: str, by_user: bool, threats: list[str]) -> str:
    threat = find_threat(paragraph, written_by_agent=not by_user)
    if threat is None:
        return paragraph
    threats.append(threat)
    return blocked(threat, name)
