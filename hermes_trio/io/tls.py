"""TLS for outgoing connections: contexts are built once, off the loop, and shared by all profiles."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from hermes_trio.io.workers import Workers


@dataclass(frozen=True, slots=True)
class TlsChoice:
    """How a server has to prove who it is; a request may carry one as its extension ``tls``.

    Attributes:
        verify: Whether the certificate is checked at all.
        ca_file: PEM file with the authorities to trust instead of the public ones, or nothing.
    """

    verify: bool = True
    ca_file: str = ""


PUBLIC_AUTHORITIES = TlsChoice()


class SharedTls:
    """Builds TLS contexts at first use: one takes 24 ms and 0.8 MB, so all profiles share it.

    Args:
        workers: Where they are built.
    """

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._limiter = trio.CapacityLimiter(1)
        self._contexts: dict[TlsChoice, ssl.SSLContext] = {}

    async def context(self, choice: TlsChoice = PUBLIC_AUTHORITIES) -> ssl.SSLContext:
        """The context for this choice; the public authorities are certifi's.

        Raises:
            OSError: ``ca_file`` cannot be read or holds no certificate (`ssl.SSLError` is an ``OSError``).
        """
        built = self._contexts.get(choice)
        if built is None:
            built = await self._workers.run(self._build_once, choice, limiter=self._limiter)
        return built

    def _build_once(self, choice: TlsChoice) -> ssl.SSLContext:
        """Runs alone, because the limiter has one token; a second caller that waited finds it built."""
        built = self._contexts.get(choice)
        if built is None:
            built = self._contexts[choice] = build_context(choice)
        return built


def build_context(choice: TlsChoice) -> ssl.SSLContext:
    """A new client context that offers HTTP/1.1; blocking.

    Raises:
        OSError: See `SharedTls.context`.
    """
    if choice.ca_file:
        context = ssl.create_default_context(cafile=choice.ca_file)
    else:
        import certifi  # only the first connection over TLS needs it

        context = ssl.create_default_context(cafile=certifi.where())
    if not choice.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context
