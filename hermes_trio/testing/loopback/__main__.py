"""The platform as a process of its own: ``python -m hermes_trio.testing.loopback --port 0``.

Prints its port on a line by itself as soon as it accepts connections, and runs until SIGTERM or SIGINT. Tests drive it
over HTTP; see `hermes_trio.testing.loopback.control`::

    curl -d '{"token": "secret", "text": "hello"}' http://127.0.0.1:PORT/_control/messages
    curl -d '{"kind": "drop_after", "method": "send"}' http://127.0.0.1:PORT/_control/faults
    curl 'http://127.0.0.1:PORT/_control/done?since=0&wait=5'
"""

from __future__ import annotations

import signal

import click
import trio

from hermes_trio.testing.loopback.server import open_loopback


@click.command(help=__doc__)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=0, show_default=True, help="Port; 0 for any free one.")
@click.option("--known-tokens-only", is_flag=True, help="Refuse tokens nobody registered.")
@click.option("--seed", default=0, show_default=True, help="Decides what the probabilities of faults come to.")
def main(host: str, port: int, seed: int, *, known_tokens_only: bool) -> None:
    """Run the platform until a signal ends it."""
    trio.run(_run, host, port, seed, not known_tokens_only)


async def _run(host: str, port: int, seed: int, any_token: bool) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with open_loopback(host=host, port=port, any_token=any_token, seed=seed) as server:
            click.echo(server.url.rpartition(":")[2])
            async for _ in signals:
                return


if __name__ == "__main__":
    main()
