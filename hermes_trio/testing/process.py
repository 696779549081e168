"""Runs a platform for tests as a process of its own."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Protocol, TypeVar

import click
import trio

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

Platform = TypeVar("Platform", covariant=True)


class OpenPlatform(Protocol[Platform]):
    """Starts a platform, e.g. `open_loopback`."""

    def __call__(self, *, host: str, port: int, any_token: bool, seed: int) -> AbstractAsyncContextManager[Platform]:
        """Serve the platform for as long as the context is open."""


def platform_command(
    description: str | None, open_platform: OpenPlatform[Platform], url: Callable[[Platform], str]
) -> click.Command:
    """A command line that serves a platform until SIGTERM or SIGINT, and prints its port once it accepts connections.

    Args:
        description: What ``--help`` says.
        open_platform: Starts it.
        url: Tells where a platform that was started listens; it ends in the port.
    """

    @click.command(help=description)
    @click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
    @click.option("--port", default=0, show_default=True, help="Port; 0 for any free one.")
    @click.option("--known-tokens-only", is_flag=True, help="Refuse tokens nobody registered.")
    @click.option("--seed", default=0, show_default=True, help="Decides what the probabilities of faults come to.")
    def command(host: str, port: int, seed: int, *, known_tokens_only: bool) -> None:
        trio.run(serve, host, port, seed, not known_tokens_only)

    async def serve(host: str, port: int, seed: int, any_token: bool) -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async with open_platform(host=host, port=port, any_token=any_token, seed=seed) as platform:
                click.echo(url(platform).rpartition(":")[2])
                async for _ in signals:
                    return

    return command
