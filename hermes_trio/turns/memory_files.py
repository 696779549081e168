"""The memory files of a profile: entries, and the block each file becomes in the system prompt. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hermes_trio.home.threats import blocked, find_threat

DELIMITER: Final = "\n§\n"
RULE: Final = "═" * 46
MEMORY_TITLE: Final = "MEMORY (your personal notes)"
USER_TITLE: Final = "USER PROFILE (who the user is)"
MAXIMUM_BLOCK: Final = 20_000
"""Characters of a hand-edited memory file that are shown at most, far above every sensible limit."""


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """What a memory file holds.

    Attributes:
        entries: As shown to the model, with blocked ones replaced by markers.
        characters: Length of the stored entries with their separators; what the limit counts.
        blocked: Why entries were blocked.
    """

    entries: tuple[str, ...] = ()
    characters: int = 0
    blocked: tuple[str, ...] = ()


def parse_memory_file(content: bytes | None, source: str) -> MemoryFile:
    """Read a memory file; None is a missing one. Broken UTF-8 becomes replacement characters rather than an error."""
    text = "" if content is None else content.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    entries = [entry.strip() for entry in text.split(DELIMITER)]
    kept = list(dict.fromkeys(entry for entry in entries if entry))
    threats = [find_threat(entry, written_by_agent=True) for entry in kept]
    return MemoryFile(
        entries=tuple(
            blocked(threat, source) if threat else entry for entry, threat in zip(kept, threats, strict=True)
        ),
        characters=len(DELIMITER.join(kept)),
        blocked=tuple(threat for threat in threats if threat),
    )


def memory_block(title: str, memory: MemoryFile, limit: int) -> str:
    """The block for the system prompt, or an empty string when there is nothing to show.

    Args:
        title: `MEMORY_TITLE` or `USER_TITLE`.
        memory: The file.
        limit: Characters it may have; only reported, because a user's own edit is not cut.
    """
    if not memory.entries:
        return ""
    share = round(100 * memory.characters / limit) if limit > 0 else 100
    header = f"{title} [{share}% — {memory.characters}/{limit} chars]"
    text = DELIMITER.join(memory.entries)
    if len(text) > MAXIMUM_BLOCK:
        text = f"{text[:MAXIMUM_BLOCK]}\n[... {len(text) - MAXIMUM_BLOCK} more characters are not shown ...]"
    return f"{RULE}\n{header}\n{RULE}\n{text}"
