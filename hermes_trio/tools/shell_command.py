"""What a command line comes to: the commands that it runs, as they would run."""

from __future__ import annotations

from dataclasses import dataclass

from hermes_trio.tools.shell_wrappers import program_name


@dataclass(frozen=True, slots=True)
class SimpleCommand:
    """One command as it would run.

    Attributes:
        words: Program and arguments; empty for a redirection without a command.
        writes: Files that its output goes to.
        stdin: What it reads, where the line itself says that.
        feeders: Commands whose output it reads through a pipe.
        substituted: Commands whose output stands in its words.
        folder: Directory it runs in, where the line itself says that.
        remote: Whether it runs on another machine or in a container.
        hidden: Whether its name is made up at run time.
        script: What is in the file that it runs, where the line itself has written that.
    """

    words: tuple[str, ...]
    writes: tuple[str, ...] = ()
    stdin: str | None = None
    feeders: tuple[SimpleCommand, ...] = ()
    substituted: tuple[SimpleCommand, ...] = ()
    folder: str | None = None
    remote: bool = False
    hidden: bool = False
    script: str | None = None

    @property
    def program(self) -> str:
        """Name of the program without its folder; empty if there is none."""
        return program_name(self.words[0]) if self.words else ""


@dataclass(frozen=True, slots=True)
class ReadCommand:
    """A command line that was read.

    Attributes:
        text: The line.
        commands: All commands in it, also those that others run.
        problem: ``oversized``, ``malformed``, ``unparsable`` or empty.
        is_bare: Whether it is one command and nothing else: no operator, redirection, substitution or assignment.
        fork_bomb: Whether a function in it multiplies itself.
    """

    text: str
    commands: tuple[SimpleCommand, ...] = ()
    problem: str = ""
    is_bare: bool = False
    fork_bomb: bool = False
