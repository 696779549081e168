"""Sends connections to fakes by the name of the host they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import trio

    from hermes_trio.io.http_transport import Connect


def connect_by_host(hosts: Mapping[str, Connect]) -> Connect:
    """A ``connect`` for `open_gateway` that knows these hosts and no others.

    Args:
        hosts: How to reach each, e.g. ``{TELEGRAM_TEST_HOST: telegram.connect}``.
    """

    async def connect(scheme: str, host: str, port: int) -> trio.abc.Stream:
        """Open a stream to one of the hosts.

        Raises:
            ConnectionRefusedError: It is none of them.
        """
        known = hosts.get(host)
        if known is None:
            raise ConnectionRefusedError(f"this test has no host {host}, only {', '.join(sorted(hosts))}")
        return await known(scheme, host, port)

    return connect
