"""The whole process: locks, profiles, listener, control socket, signals, and an orderly end."""

from __future__ import annotations

import faulthandler
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from hermes_trio.errors import AddressBusy, HermesTrioError
from hermes_trio.gateway.gateway import Gateway, open_gateway
from hermes_trio.gateway.settings import GatewaySettings, load_gateway_settings
from hermes_trio.gateway.status_file import serve_status_file
from hermes_trio.home.child_environment import base_environment
from hermes_trio.home.gateway_lock import hold_gateway_lock
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.process_record import current_process_record
from hermes_trio.http.app import App
from hermes_trio.http.control import ControlApp
from hermes_trio.http.listener import Listener, open_tcp_listeners, open_unix_listener, serve_listener
from hermes_trio.http.webhooks.listener import listener_limits, serve_webhook_listener
from hermes_trio.io.groups import lone_error_raised
from hermes_trio.io.log import make_gateway_logger, open_log_writer
from hermes_trio.io.log_console import Console
from hermes_trio.io.workers import ThreadWorkers
from hermes_trio.models.provider_gate import ProviderGate
from hermes_trio.scope import make_shared

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from hermes_trio.gateway.options import GatewayOptions
    from hermes_trio.http.types import Handler

EXIT_STOPPED = 0
EXIT_RESTART = 75
LISTENER_CLOSE_SECONDS = 2.0
WEDGED_SECONDS = 8.0

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


async def serve_gateway(options: GatewayOptions, *, on_ready: Callable[[Gateway], None] | None = None) -> int:
    """Serve a home until a signal says stop; returns the exit code: 0 stopped, 75 restart wanted.

    SIGTERM and SIGINT drain and stop, SIGUSR1 drains and asks for a restart; a second signal stops at once.

    Args:
        options: What the operator asked for.
        on_ready: Called once the listener accepts; profiles may still be starting.

    Raises:
        GatewayBusy: Another live gateway serves this home.
        HomeError: The home cannot be used.
        AddressBusy: The gateway cannot listen on its address.
    """
    settings = load_gateway_settings(options)
    with (
        lone_error_raised(),
        hold_gateway_lock(options.own_files, current_process_record(options.argv)),
        trio.open_signal_receiver(*_SIGNALS) as signals,
    ):
        sockets = await _open_listeners(settings)
        async with _open_parts(options, settings) as gateway, trio.open_nursery() as nursery:
            listening = await _start_services(gateway, sockets, nursery)
            if on_ready is not None:
                on_ready(gateway)
            await _until_stopped(gateway, listening, signals)
            _exit_even_if_wedged()
            nursery.cancel_scope.cancel()
    faulthandler.cancel_dump_traceback_later()
    return EXIT_RESTART if gateway.restart_requested else EXIT_STOPPED


def _exit_even_if_wedged() -> None:
    """End the process a few seconds from now, whatever hangs.

    A thread that waits for a dead disk cannot be cancelled. Where one keeps the process from ending, what hung is
    printed and the exit code is 1.
    """
    faulthandler.dump_traceback_later(WEDGED_SECONDS, exit=True)


@asynccontextmanager
async def _open_parts(options: GatewayOptions, settings: GatewaySettings) -> AsyncIterator[Gateway]:
    workers = ThreadWorkers()
    console = Console(sys.stderr, options.log_level, colour=options.color)
    async with open_log_writer(workers, console=console) as writer:
        shared = make_shared(
            writer,
            workers=workers,
            base_environment=base_environment(options.environ),
            provider_gate=ProviderGate(),
        )
        log = make_gateway_logger(writer, options.own_files.profile(DEFAULT_PROFILE), settings.logging)
        if settings.problem is not None:
            log.warning(f"the default profile's files cannot be used, so defaults hold: {settings.problem}")
        async with open_gateway(options, settings, shared, log) as gateway:
            yield gateway


async def _open_listeners(settings: GatewaySettings) -> list[trio.SocketListener]:
    try:
        return await open_tcp_listeners(settings.host, settings.port)
    except OSError as error:
        raise AddressBusy(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror or error}",
            where="platforms.api_server",
            mend="stop what uses the port, or choose another: `hermes-trio run --port PORT`",
        ) from error


class _Listening:
    """A listener as a task: it ends when it was drained and the last connection has gone."""

    def __init__(self, gateway: Gateway) -> None:
        self.ended = trio.Event()
        self.listener: Listener | None = None
        self._gateway = gateway

    async def serve(
        self,
        sockets: Sequence[trio.abc.Listener[trio.SocketStream]],
        handler: Handler,
        *,
        task_status: trio.TaskStatus[Listener] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        try:
            limits = listener_limits(self._gateway)
            await serve_listener(sockets, handler, limits, self.on_error, task_status=task_status)
        finally:
            self.ended.set()

    async def drain(self, seconds: float) -> None:
        """Wait until the clients have their answers, at most ``seconds``."""
        with trio.move_on_after(seconds):
            await self.ended.wait()

    def on_error(self, error: BaseException) -> None:
        """Log what a handler raised."""
        self._gateway.log.bind(component="http").error(f"a request failed: {type(error).__name__}: {error}")


async def _start_services(gateway: Gateway, sockets: list[trio.SocketListener], nursery: trio.Nursery) -> _Listening:
    listening = _Listening(gateway)
    listening.listener = await nursery.start(listening.serve, sockets, App(gateway), name="listener")
    host, port = listening.listener.address
    gateway.address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    try:
        control = await open_unix_listener(gateway.options.own_files.control_socket)
    except (OSError, HermesTrioError) as error:
        # Without it `status` cannot ask, but every profile can serve.
        gateway.log.warning(f"no control socket: {error}")
    else:
        await nursery.start(_Listening(gateway).serve, [control], ControlApp(gateway), name="control")
    await nursery.start(serve_status_file, gateway, name="status file")
    if gateway.settings.webhook.enabled and gateway.settings.webhook.own_listener:
        nursery.start_soon(serve_webhook_listener, gateway, listening.on_error, name="webhooks")
    return listening


async def _until_stopped(gateway: Gateway, listening: _Listening, signals: AsyncIterator[int]) -> None:
    """Wait for the first signal or the wish for a restart, then drain until done or until the next signal."""
    await _first_wish(gateway, signals)
    gateway.log.info(f"{gateway.exit_reason}: draining; a second signal stops at once")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_cancel_on_signal, gateway, signals, nursery.cancel_scope)
        if listening.listener is not None:
            listening.listener.drain()
        await gateway.drain()
        await listening.drain(LISTENER_CLOSE_SECONDS)
        nursery.cancel_scope.cancel()


async def _first_wish(gateway: Gateway, signals: AsyncIterator[int]) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_note_restart_wish, gateway, nursery.cancel_scope)
        _note_wish(gateway, await anext(signals))
        nursery.cancel_scope.cancel()


async def _note_restart_wish(gateway: Gateway, waiting: trio.CancelScope) -> None:
    await gateway.restart_wanted.wait()
    gateway.exit_reason, gateway.restart_requested = "restart", True
    waiting.cancel()


async def _cancel_on_signal(gateway: Gateway, signals: AsyncIterator[int], drain: trio.CancelScope) -> None:
    _note_wish(gateway, await anext(signals))
    drain.cancel()


def _note_wish(gateway: Gateway, number: int) -> None:
    """The last signal says whether the process is to be started again."""
    gateway.exit_reason = signal.Signals(number).name
    gateway.restart_requested = number == signal.SIGUSR1
