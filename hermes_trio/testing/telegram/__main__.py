"""The fake as a process of its own: ``python -m hermes_trio.testing.telegram --port 0``.

Prints its port on a line by itself as soon as it accepts connections, and runs until SIGTERM or SIGINT. Tests drive it
over HTTP; see `hermes_trio.testing.telegram.control`::

    curl -d '{"token": "42:secret", "text": "hello"}' http://127.0.0.1:PORT/_control/messages
    curl -d '{"kind": "drop_after", "method": "sendMessage"}' http://127.0.0.1:PORT/_control/faults
    curl 'http://127.0.0.1:PORT/_control/sent?since=0&wait=5'
"""

from __future__ import annotations

import signal

import click
import trio

from hermes_trio.testing.telegram.fake import open_fake_telegram


@click.command(help=__doc__)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=0, show_default=True, help="Port; 0 for any free one.")
@click.option("--known-tokens-only", is_flag=True, help="Refuse tokens nobody registered.")
@click.option("--seed", default=0, show_default=True, help="Decides what the probabilities of faults come to.")
def main(host: str, port: int, seed: int, *, known_tokens_only: bool) -> None:
    """Run the fake until a signal ends it."""
    trio.run(_run, host, port, seed, not known_tokens_only)


async def _run(host: str, port: int, seed: int, any_token: bool) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with open_fake_telegram(host=host, port=port, any_token=any_token, seed=seed) as telegram:
            click.echo(telegram.address.rpartition(":")[2])
            async for _ in signals:
                return


if __name__ == "__main__":
    main()
