"""``hermes-trio chat``: talk to a profile of the running gateway."""

from __future__ import annotations

import click

from hermes_trio.cli.invocation import common_options, current_invocation


@click.command(
    epilog="""
\b
Examples:
  hermes-trio chat -p coder                          a conversation; /new starts over, /quit leaves
  hermes-trio chat -p coder -q "What is a monad?"    one question, one answer
  git diff | hermes-trio chat -p coder               the question comes from a pipe
  hermes-trio chat -p coder --session my-project     go on with an earlier conversation
"""
)
@click.option("-q", "--question", metavar="TEXT", help="Ask this, print the answer, leave.")
@click.option("--session", metavar="ID", help="Go on with this session [default: a new one].")
@common_options
def command(question: str | None, session: str | None) -> None:
    """Talk to a profile, over HTTP with the profile's own key; Ctrl-C stops an answer."""
    from hermes_trio.cli.conversation import converse

    converse(current_invocation(), question, session)
