"""Scripts that a command line writes into a file and runs later on; pure."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from hermes_trio.tools.shell_wrappers import SHELLS, program_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SOURCES: Final = frozenset({"source", "."})


class WrittenScripts:
    """The files that a command line has written so far, by their names, as far as it says what is in them."""

    __slots__ = ("_texts",)

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def note(self, words: Sequence[str], writes: Sequence[str], printed: str | None) -> None:
        """Note what a command writes; what comes later is added, for it may be meant so.

        Args:
            words: The command.
            writes: Files that its output goes to.
            printed: Its output, where that is known.
        """
        if printed is None:
            return
        files = [*writes, *(word for word in words[1:] if words[0] == "tee" and not word.startswith("-"))]
        for name in (PurePosixPath(file).name for file in files):
            before = self._texts.get(name)
            self._texts[name] = printed if before is None else f"{before}\n{printed}"

    def take(self, words: Sequence[str]) -> str | None:
        """The text of the file that a command runs, once; None for another file."""
        if not self._texts:
            return None
        return next((self._texts.pop(name) for name in _candidates(words) if name in self._texts), None)


def _candidates(words: Sequence[str]) -> Iterator[str]:
    """Names of files that a command may run: itself, or the first of its words that is no option."""
    if not words:
        return
    if "/" in words[0]:
        yield PurePosixPath(words[0]).name
    yield from [PurePosixPath(word).name for word in words[1:] if not word.startswith("-")][:1]


def is_shell_script(words: Sequence[str], text: str) -> bool:
    """Whether the file that a command runs is read by a shell."""
    program = program_name(words[0])
    if program in SHELLS or program in SOURCES:
        return True
    first = text.partition("\n")[0]
    return "/" in words[0] and (not first.startswith("#!") or "sh" in first)
