"""The ``hermes-trio`` command. The one place that reads the process environment."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

import click

from hermes_trio import __version__
from hermes_trio.cli.exit_codes import INTERRUPTED, OK, exit_code_of
from hermes_trio.cli.invocation import PROGRAM, Process, common_options
from hermes_trio.cli.terminal import Style, error_block, wants_color
from hermes_trio.errors import HermesTrioError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMMANDS = ("run", "status", "check", "chat", "turns", "pairing", "inbox", "route", "webhook", "completion")
"""Subcommands, in the order of the help page; each is ``command`` in the module of its name, imported when needed."""

EPILOG = """
\b
Examples:
  hermes-trio run --demo             three profiles on a built-in model, no key needed
  hermes-trio run                    serve every profile of ~/.hermes
  hermes-trio status                 how is everybody?
  hermes-trio check                  find mistakes before they hurt
  hermes-trio chat -p coder          talk to a profile of the running gateway
  hermes-trio turns                  which answers to chats are being made
  hermes-trio pairing list           who wants to talk to the bots, and who may
  hermes-trio inbox list             which messages wait, and which were given up
  hermes-trio route list             which messages of one bot other profiles answer
  hermes-trio webhook list           at which addresses other services wake an agent

\b
Exit codes:
  0    done; for run: stopped in an orderly way
  1    refused or failed (another gateway holds the home, nothing runs, a request failed)
  2    wrong usage, or check found errors
  75   run was asked to restart (SIGUSR1, or /restart gateway in a chat): start it again
  78   configuration: starting again cannot help before somebody mends a file; or the
       running gateway serves the profile of run -p already
  130  interrupted with Ctrl-C
"""


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is asked for, so that ``--version`` and completion stay fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Names of all subcommands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """The subcommand of this name, or None."""
        if cmd_name not in COMMANDS:
            return None
        found = import_module(f"hermes_trio.cli.{cmd_name}").command
        return found if isinstance(found, click.Command) else None


@click.group(
    cls=LazyGroup,
    name=PROGRAM,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name=PROGRAM)
@common_options
def cli() -> None:
    """Serve every profile of a Hermes home from one process, each on its own."""


def run_cli(arguments: Sequence[str], process: Process) -> int:
    """Run one command line and return its exit code; what goes wrong is said on stderr, without a traceback.

    Args:
        arguments: The command line without the program's name.
        process: Environment and command line of this process.
    """
    style = Style(wants_color(process.environ, sys.stderr))
    try:
        code = cli.main(list(arguments), prog_name=PROGRAM, standalone_mode=False, obj=process)
    except HermesTrioError as error:
        click.echo(error_block(error, style), err=True)
        return exit_code_of(error)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        # click's form of Ctrl-C; it has ended the line already.
        return INTERRUPTED
    return code if isinstance(code, int) else OK


def main() -> NoReturn:
    """Entry point of the console script: capture the environment once, run the command, exit."""
    environ: Mapping[str, str] = dict(os.environ)  # noqa: TID251  the one place that may
    sys.exit(run_cli(sys.argv[1:], Process(environ, tuple(sys.argv))))
