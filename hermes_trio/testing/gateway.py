"""A whole gateway in the test's own process: no sockets, no threads, no network, and the test's own time."""

from __future__ import annotations

import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import httpx
import msgspec
import trio
from trio.testing import memory_stream_pair

from hermes_trio.gateway.adapter_runner import installed_factory
from hermes_trio.gateway.gateway import Gateway
from hermes_trio.gateway.gateway import open_gateway as open_plain_gateway
from hermes_trio.gateway.options import GatewayOptions
from hermes_trio.gateway.settings import load_gateway_settings
from hermes_trio.home.child_environment import USUAL_PATH
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.paths import HomePaths
from hermes_trio.http.app import App
from hermes_trio.http.connection import serve_connection
from hermes_trio.http.webhooks.listener import listener_limits
from hermes_trio.io.groups import lone_error_raised
from hermes_trio.io.http_transport import TrioTransport
from hermes_trio.io.log import make_gateway_logger, open_log_writer
from hermes_trio.io.tls import SharedTls
from hermes_trio.io.workers import InlineWorkers
from hermes_trio.models.provider_gate import ProviderGate
from hermes_trio.scope import make_shared
from hermes_trio.testing.clock import MovingClock
from hermes_trio.testing.home import ProfileFiles, test_key, write_home
from hermes_trio.testing.telegram.fake import TELEGRAM_TEST_HOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from hermes_trio.adapter_api.adapter import AdapterFactory
    from hermes_trio.gateway.adapter_runner import CredentialLocks
    from hermes_trio.gateway.options import ProfileService
    from hermes_trio.gateway.table import ProfileSlot
    from hermes_trio.io.http_transport import Connect
    from hermes_trio.testing.telegram.fake import FakeTelegram

TEST_URL = "http://gateway.test"
START_SECONDS = 60.0


class GatewayFixture:
    """A running gateway and ways to talk to it.

    Attributes:
        gateway: The gateway.
        home: Its home on disk.
        clock: Its wall time; goes on with trio's time and is moved further with ``advance``.
        request_errors: What request handlers raised that was not an answer; empty in a good test.
    """

    def __init__(self, gateway: Gateway, home: HomePaths, clock: MovingClock, nursery: trio.Nursery) -> None:
        self.gateway = gateway
        self.home = home
        self.clock = clock
        self.request_errors: list[BaseException] = []
        self._nursery = nursery
        self._app = App(gateway)
        self._limits = listener_limits(gateway)
        self._tls = SharedTls(gateway.shared.workers)

    def slot(self, profile: str) -> ProfileSlot:
        """A profile's place in the gateway: its state, reason, generation."""
        return self.gateway.table[profile]

    async def connect(self, *_address: object) -> trio.abc.Stream:
        """Open a connection as a client would; for tests that speak bytes."""
        client, server = memory_stream_pair()
        self._nursery.start_soon(serve_connection, server, self._app, self._limits, self.request_errors.append)
        return client

    def client(self, profile: str = DEFAULT_PROFILE, *, key: str | None = None) -> httpx.AsyncClient:
        """A client with the profile's key, whose base URL is the profile's ``/v1/``; use it as a context manager."""
        prefix = "" if profile == DEFAULT_PROFILE else f"/p/{profile}"
        return httpx.AsyncClient(
            base_url=f"{TEST_URL}{prefix}/v1/",
            headers={"Authorization": f"Bearer {test_key(profile) if key is None else key}"},
            transport=TrioTransport(self._tls, connect=self.connect),
            timeout=None,  # noqa: S113  a test bounds itself
        )

    async def ask(self, profile: str, text: str, *, session: str | None = None, key: str | None = None) -> str:
        """Say something to a profile and return its answer.

        Raises:
            httpx.HTTPStatusError: The answer was an error.
        """
        headers = {"X-Hermes-Session-Id": session} if session else {}
        body = {"messages": [{"role": "user", "content": text}]}
        async with self.client(profile, key=key) as client:
            answer = await client.post("chat/completions", json=body, headers=headers)
        answer.raise_for_status()
        return str(msgspec.json.decode(answer.content)["choices"][0]["message"]["content"])


@asynccontextmanager
async def open_gateway(
    profiles: Mapping[str, ProfileFiles | str] | None = None,
    *,
    root: Path | None = None,
    wanted: Sequence[str] | None = None,
    environ: Mapping[str, str] = MappingProxyType({}),
    services: Sequence[ProfileService] = (),
    connect: Connect | None = None,
    telegram: FakeTelegram | None = None,
    find_adapter: Callable[[str], AdapterFactory] = installed_factory,
    clock: MovingClock | None = None,
    credential_locks: CredentialLocks | None = None,
) -> AsyncIterator[GatewayFixture]:
    """Serve a home for the length of a block; returns once every profile serves or says why it does not.

    Runs under pytest-trio's ``autojump_clock`` as well as on real time. On leaving the block the gateway is cancelled,
    not drained.

    Args:
        profiles: Profiles to write, by name: a persona on ``builtin/echo``, or all files of one. None serves ``root``
            as it is.
        root: The home; a temporary folder if None.
        wanted: Serve these profiles only.
        environ: What the default profile sees as process environment.
        services: Tasks to run in every profile's nursery.
        connect: Opens streams to model providers; None for real sockets.
        telegram: A fake Telegram, reached in memory by profiles whose settings name it (`telegram_files`).
        find_adapter: Finds a platform's adapter.
        clock: Its wall time; one of its own if None. Two gateways one after the other may share one.
        credential_locks: Where the locks of credentials are; without them another gateway may use the same one.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = HomePaths(root or Path(folder))
        if profiles is not None:
            write_home(home.root, profiles)
        options = GatewayOptions(
            home=home,
            environ=environ,
            wanted=None if wanted is None else tuple(wanted),
            services=tuple(services),
            find_adapter=find_adapter,
            credential_locks=credential_locks,
        )
        with lone_error_raised():
            async with _serve(options, _reaching(telegram, connect), clock or MovingClock()) as fixture:
                yield fixture


def _reaching(telegram: FakeTelegram | None, connect: Connect | None) -> Connect | None:
    """Opens streams to the fake Telegram in memory, and to others as ``connect`` does."""
    if telegram is None:
        return connect

    async def reach(scheme: str, host: str, port: int) -> trio.abc.Stream:
        if host == TELEGRAM_TEST_HOST:
            return await telegram.connect(scheme, host, port)
        if connect is None:
            raise OSError(f"{host}:{port} cannot be reached from this test")
        return await connect(scheme, host, port)

    return reach


@asynccontextmanager
async def _serve(options: GatewayOptions, connect: Connect | None, clock: MovingClock) -> AsyncIterator[GatewayFixture]:
    workers = InlineWorkers()
    settings = load_gateway_settings(options)
    async with open_log_writer(workers, clock, console=None) as writer:
        shared = make_shared(
            writer,
            workers=workers,
            clock=clock,
            jitter=lambda: 0.5,
            connect=connect,
            base_environment=MappingProxyType({"PATH": USUAL_PATH}),
            provider_gate=ProviderGate(),
        )
        log = make_gateway_logger(writer, options.home.profile(DEFAULT_PROFILE), settings.logging)
        async with open_plain_gateway(options, settings, shared, log) as gateway, trio.open_nursery() as nursery:
            with trio.fail_after(START_SECONDS):
                await gateway.settled()
            yield GatewayFixture(gateway, options.home, clock, nursery)
            nursery.cancel_scope.cancel()
