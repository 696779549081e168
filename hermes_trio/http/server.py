"""The whole process: locks, profiles, listener, control socket, signals, and an orderly end."""

from __future__ import annotations

import signal
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import trio

from hermes_trio.errors import HomeError
from hermes_trio.gateway.gateway import Gateway, open_gateway
from hermes_trio.gateway.settings import GatewaySettings, load_gateway_settings
from hermes_trio.gateway.status_file import serve_status_file
from hermes_trio.home.gateway_lock import hold_gateway_lock
from hermes_trio.home.process_record import current_process_record
from hermes_trio.http.app import App
from hermes_trio.http.control import ControlApp
from hermes_trio.http.listener import Listener, open_tcp_listeners, open_unix_listener, serve_listener
from hermes_trio.http.types import ListenerLimits
from hermes_trio.io.log import make_gateway_logger, open_log_writer
from hermes_trio.io.workers import ThreadWorkers
from hermes_trio.scope import make_shared

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from hermes_trio.gateway.options import GatewayOptions

EXIT_STOPPED = 0
EXIT_RESTART = 75
LISTENER_CLOSE_SECONDS = 2.0

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


async def serve_gateway(options: GatewayOptions, *, on_ready: Callable[[Gateway], None] | None = None) -> int:
    """Serve a home until a signal says stop; returns the exit code: 0 stopped, 75 restart wanted.

    SIGTERM and SIGINT drain and stop, SIGUSR1 drains and asks for a restart; a second signal stops at once.

    Args:
        options: What the operator asked for.
        on_ready: Called once the listener accepts; profiles may still be starting.

    Raises:
        GatewayBusy: Another live gateway serves this home.
        HomeError: The home or the listening address cannot be used.
    """
    settings = load_gateway_settings(options)
    with ExitStack() as held:
        held.enter_context(hold_gateway_lock(options.home, current_process_record(options.argv)))
        sockets = await _open_listeners(settings)
        async with _open_parts(options, settings) as gateway, trio.open_nursery() as nursery:
            listener = await _start_services(gateway, sockets, nursery)
            if on_ready is not None:
                on_ready(gateway)
            code = await _until_stopped(gateway, listener)
            nursery.cancel_scope.cancel()
    return code


@asynccontextmanager
async def _open_parts(options: GatewayOptions, settings: GatewaySettings) -> AsyncIterator[Gateway]:
    workers = ThreadWorkers()
    async with open_log_writer(workers, options.console) as writer:
        shared = make_shared(writer, workers=workers)
        root = options.home.profile("default")
        log = make_gateway_logger(root, settings.logging, writer)
        if settings.problem is not None:
            log.warning(f"the default profile's files cannot be used, so defaults hold: {settings.problem}")
        async with open_gateway(options, settings, shared, log) as gateway:
            yield gateway


async def _open_listeners(settings: GatewaySettings) -> list[trio.SocketListener]:
    try:
        return await open_tcp_listeners(settings.host, settings.port)
    except OSError as error:
        raise HomeError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror or error}",
            code="address_unavailable",
            where="platforms.api_server",
            mend="stop what uses the port, or choose another: `hermes-trio run --port PORT`",
        ) from error


async def _start_services(gateway: Gateway, sockets: list[trio.SocketListener], nursery: trio.Nursery) -> Listener:
    def on_error(error: BaseException) -> None:
        gateway.log.error(f"a request failed: {type(error).__name__}: {error}")

    limits = ListenerLimits()
    listener: Listener = await nursery.start(serve_listener, sockets, App(gateway), limits, on_error)
    host, port = listener.address
    gateway.address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    control = await open_unix_listener(gateway.home.control_socket)
    await nursery.start(serve_listener, [control], ControlApp(gateway), limits, on_error)
    await nursery.start(serve_status_file, gateway)
    return listener


async def _until_stopped(gateway: Gateway, listener: Listener) -> int:
    """Wait for the first signal, drain until done or until the second one; returns the exit code."""
    with trio.open_signal_receiver(*_SIGNALS) as signals:
        first = await anext(signals)
        gateway.log.info(f"{signal.Signals(first).name}: draining; a second signal stops at once")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_on_signal, signals, nursery.cancel_scope)
            listener.drain()
            await gateway.drain()
            with trio.move_on_after(LISTENER_CLOSE_SECONDS):
                await listener.drained.wait()
            nursery.cancel_scope.cancel()
    return EXIT_RESTART if first == signal.SIGUSR1 else EXIT_STOPPED


async def _cancel_on_signal(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    await anext(signals)
    scope.cancel()
