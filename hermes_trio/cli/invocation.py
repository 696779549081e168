"""What every command shares: the captured environment, ``--home`` and ``-p``, both welcome in any position."""

from __future__ import annotations

import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from click.shell_completion import CompletionItem

    from hermes_trio.home.paths import HomePaths

F = TypeVar("F", bound="Callable[..., object]")

PROGRAM = "hermes-trio"

_HOME = "hermes_trio.home"
_PROFILE = "hermes_trio.profile"


@dataclass(frozen=True, slots=True)
class Process:
    """What the process was started with; captured once, in `hermes_trio.cli.main.main`.

    Attributes:
        environ: The process environment.
        argv: The whole command line.
    """

    environ: Mapping[str, str]
    argv: tuple[str, ...]

    @property
    def program(self) -> str:
        """How the user calls this program: by its name where the shell finds it, else as it was called."""
        if not self.argv or shutil.which(PROGRAM, path=self.environ.get("PATH", "")):
            return PROGRAM
        called = self.argv[0]
        return f"{shlex.quote(sys.executable)} -m hermes_trio" if called.endswith(".py") else shlex.quote(called)


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of a command.

    Attributes:
        process: Environment and command line.
        home_option: The value of ``--home``, or None.
        profile: The value of ``-p``, normalized, or None.
    """

    process: Process
    home_option: Path | None
    profile: str | None

    @property
    def environ(self) -> Mapping[str, str]:
        """The process environment as captured at start."""
        return self.process.environ

    def home(self) -> HomePaths:
        """The Hermes home that the command works on: ``--home``, else ``HERMES_HOME``, else ``~/.hermes``."""
        from hermes_trio.home.paths import resolve_root

        return resolve_root(self.environ, self.home_option)

    def suggest(self, command: str, home: Path | None = None) -> str:
        """The line to type for ``command``, on ``home`` or on the same home as this call."""
        folder = home or self.home_option
        flag = "" if folder is None else f" --home {shlex.quote(str(folder))}"
        return f"{self.process.program} {command}{flag}"


def current_invocation() -> Invocation:
    """The invocation of the click command that runs now."""
    context = click.get_current_context()
    return Invocation(context.find_root().obj, context.meta.get(_HOME), context.meta.get(_PROFILE))


def common_options(command: F) -> F:
    """Add ``--home`` and ``-p``; given both before and after the subcommand, the later one counts."""
    for option in (_PROFILE_OPTION, _HOME_OPTION):
        command = option(command)
    return command


def _keep_home(context: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.meta[_HOME] = Path(value).expanduser().absolute()


def _keep_profile(context: click.Context, param: click.Parameter, value: str | None) -> None:
    from hermes_trio.errors import HomeError
    from hermes_trio.home.names import normalize_profile_name

    if value is None:
        return
    try:
        context.meta[_PROFILE] = normalize_profile_name(value)
    except HomeError as error:
        raise click.BadParameter(str(error), context, param) from error


def complete_profiles(context: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the home's profiles, for the shell's completion; nothing when the home cannot be read."""
    from click.shell_completion import CompletionItem as Item

    from hermes_trio.errors import HermesTrioError
    from hermes_trio.home.discovery import discover_profiles
    from hermes_trio.home.paths import resolve_root

    try:
        home = resolve_root(context.find_root().obj.environ, context.meta.get(_HOME))
        names = [found.name for found in discover_profiles(home, wanted=None, allowlist=None)]
    except HermesTrioError:
        return []
    return [Item(name) for name in names if name.startswith(incomplete)]


_HOME_OPTION = click.option(
    "--home",
    metavar="DIR",
    type=click.Path(file_okay=False),
    expose_value=False,
    callback=_keep_home,
    help="The Hermes home [default: $HERMES_HOME, else ~/.hermes].",
)
_PROFILE_OPTION = click.option(
    "-p",
    "--profile",
    metavar="NAME",
    expose_value=False,
    callback=_keep_profile,
    shell_complete=complete_profiles,
    help="The profile concerned.",
)
