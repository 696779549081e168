"""The memory files of a profile: entries, limits, and changes that survive other writers. Blocking where it says so.

A file holds entries separated by lines of ``§``. Whoever writes it holds ``flock`` on ``<file>.lock``; other programs
of a Hermes home do the same. A hand-edited file may hold what this could not have written: before that goes, a copy is
left beside the file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.home.file_lock import lock_file
from hermes_trio.home.guarded_files import GuardedFiles
from hermes_trio.home.threats import find_threat
from hermes_trio.tools.file_changes import FileChange, FileState, apply_changes, read_state
from hermes_trio.tools.tool import ToolError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hermes_trio.home.file_guard import FileGuard

MARK: Final = "§"
DELIMITER: Final = f"\n{MARK}\n"
_ATTEMPTS: Final = 3

Entries = tuple[str, ...]


class MemoryRefused(ToolError):
    """A change of the memory was not made.

    Args:
        entries: What is in the memory.
        full: Whether there was no room for it.
    """

    default_code = "memory_refused"

    def __init__(self, problem: str, entries: Entries, *, full: bool = False) -> None:
        super().__init__(problem)
        self.entries = entries
        self.full = full


@dataclass(frozen=True, slots=True)
class MemoryChange:
    """One change.

    Attributes:
        action: ``add``, ``replace`` or ``remove``.
        content: The new entry.
        old_text: A part of the entry that goes, found in no other.
    """

    action: str
    content: str = ""
    old_text: str = ""


@dataclass(frozen=True, slots=True)
class MemoryWork:
    """What is to be done to a memory file, and by what rules. Immutable, for use in a worker.

    Attributes:
        guard: The profile's file guard.
        path: The file.
        limit: Characters of all entries with their separators.
        changes: All are made or none.
        second: Wall time, for the name of a copy.
    """

    guard: FileGuard
    path: Path
    limit: int
    changes: Sequence[MemoryChange]
    second: int


@dataclass(frozen=True, slots=True)
class MemoryResult:
    """What came of it.

    Attributes:
        entries: What is in the memory now.
        changed: Whether that is something else than before.
        copy: Name of the copy that was left of the file as it was, or empty.
    """

    entries: Entries
    changed: bool
    copy: str = ""


def parse_entries(text: str) -> Entries:
    """The entries of a memory file, each once."""
    found = (entry.strip() for entry in text.replace("\r\n", "\n").split(DELIMITER))
    return tuple(dict.fromkeys(entry for entry in found if entry))


def used(entries: Entries) -> int:
    """Characters that count against the limit."""
    return len(DELIMITER.join(entries))


def change_entries(entries: Entries, changes: Sequence[MemoryChange], limit: int) -> Entries:
    """Make all the changes; pure. Only the end is measured, so a batch may remove to make room.

    Raises:
        MemoryRefused: One cannot be made, or the result is over the limit and longer than before.
    """
    result = list(entries)
    for number, change in enumerate(changes, 1):
        place = f"operation {number}: " if len(changes) > 1 else ""
        _change(result, change, entries, place)
    changed = tuple(dict.fromkeys(result))
    size = used(changed)
    if size > limit and size > used(entries):
        raise MemoryRefused(
            f"the memory would have {size} characters, more than its {limit}; shorten, merge or remove entries first, "
            "best in one call with operations",
            entries,
            full=True,
        )
    return changed


def _change(result: list[str], change: MemoryChange, entries: Entries, place: str) -> None:
    content = change.content.replace("\r\n", "\n").strip()
    if change.action not in ("add", "replace", "remove"):
        raise MemoryRefused(f"{place}action must be add, replace or remove", entries)
    if change.action != "remove" and not content:
        raise MemoryRefused(f"{place}content is missing", entries)
    if any(line.strip() == MARK for line in content.split("\n")):
        raise MemoryRefused(f"{place}a line of {MARK} separates entries and cannot be in one", entries)
    threat = None if change.action == "remove" else find_threat(content, written_by_agent=True)
    if threat is not None:
        raise MemoryRefused(f"{place}content {threat}, and would be kept out of later prompts; reword it", entries)
    if change.action == "add":
        result.append(content)
        return
    index = _find(result, change.old_text, entries, place)
    if change.action == "remove":
        del result[index]
    else:
        result[index] = content


def _find(result: Sequence[str], part: str, entries: Entries, place: str) -> int:
    part = part.replace("\r\n", "\n").strip()
    if not part:
        raise MemoryRefused(f"{place}old_text is missing: a part of the entry that goes", entries)
    found = [index for index, entry in enumerate(result) if part in entry]
    exact = [index for index in found if result[index] == part]
    if len(found) > 1 and len(exact) == 1:
        found = exact
    if len(found) == 1:
        return found[0]
    if not found:
        raise MemoryRefused(f"{place}no entry has {part[:80]!r} in it", entries)
    shown = "; ".join(result[index][:80] for index in found)
    raise MemoryRefused(f"{place}{len(found)} entries have {part[:80]!r} in them: {shown}", entries)


def change_memory(work: MemoryWork) -> MemoryResult | None:
    """Change a memory file; blocking, some milliseconds. None when another process holds it: try again.

    Raises:
        FileRefused: The file leads out of the profile.
        MemoryRefused: It was not changed, with the reason.
        OSError: It cannot be read or written.
    """
    files = GuardedFiles(work.guard)
    files.resolve(work.path, write=True)
    work.path.parent.mkdir(mode=0o700, exist_ok=True)
    lock = lock_file(work.path.with_name(f"{work.path.name}.lock"))
    if lock is None:
        return None
    try:
        return _change_held(files, work)
    finally:
        os.close(lock)


def _change_held(files: GuardedFiles, work: MemoryWork) -> MemoryResult:
    for _ in range(_ATTEMPTS):
        before = read_state(files, work.path)
        entries = _entries_of(before)
        changed = change_entries(entries, work.changes, work.limit)
        if changed == entries:
            return MemoryResult(entries, changed=False)
        try:
            return _write(files, work, before, changed)
        except ToolError:
            continue  # somebody who takes no lock has written meanwhile: begin again with what is there now
    raise ToolError("the memory file keeps changing", where=work.path.name, mend="try again later")


def _write(files: GuardedFiles, work: MemoryWork, before: FileState, entries: Entries) -> MemoryResult:
    change = FileChange(before, DELIMITER.join(entries).encode(), mode=0o600)
    if not _would_lose(before, entries, work.limit):
        apply_changes(files, [change], to_disk=True)
        return MemoryResult(entries, changed=True)
    copy = _free_name(files, before.path, work.second)
    apply_changes(files, [FileChange(copy, before.data, mode=0o600), change], to_disk=True)
    return MemoryResult(entries, changed=True, copy=copy.path.name)


def _free_name(files: GuardedFiles, path: Path, second: int) -> FileState:
    while True:
        copy = read_state(files, path.with_name(f"{path.name}.bak.{second}"), content=False)
        if copy.status is None:
            return copy
        second += 1


def _entries_of(state: FileState) -> Entries:
    return parse_entries((state.data or b"").decode("utf-8-sig", "replace"))


def _would_lose(state: FileState, entries: Entries, limit: int) -> bool:
    """Whether something goes that was not written here: bytes that are no text, or an entry beyond the limit."""
    try:
        (state.data or b"").decode("utf-8-sig")
    except UnicodeDecodeError:
        return True
    return any(len(entry) > limit and entry not in entries for entry in _entries_of(state))
