"""``hermes-trio completion``: the script that teaches a shell to complete our commands."""

from __future__ import annotations

from pathlib import PurePath

import click
from click.shell_completion import get_completion_class

from hermes_trio.cli.invocation import PROGRAM, common_options, current_invocation

SHELLS = ("bash", "zsh", "fish")


@click.command(
    epilog="""
\b
Examples:
  eval "$(hermes-trio completion bash)"                                   for this shell
  echo 'eval "$(hermes-trio completion bash)"' >> ~/.bashrc               for all that follow
  echo 'eval "$(hermes-trio completion zsh)"' >> ~/.zshrc
  hermes-trio completion fish > ~/.config/fish/completions/hermes-trio.fish
"""
)
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@common_options
def command(shell: str | None) -> None:
    """Print the completion script of a shell [default: the shell in $SHELL]."""
    chosen = shell or PurePath(current_invocation().environ.get("SHELL", "")).name
    maker = get_completion_class(chosen) if chosen in SHELLS else None
    if maker is None:
        raise click.UsageError(f"cannot tell your shell; say which one: {', '.join(SHELLS)}")
    root = click.get_current_context().find_root().command
    click.echo(maker(root, {}, PROGRAM, "_HERMES_TRIO_COMPLETE").source())
