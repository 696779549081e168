"""`ProfileScope`: everything a profile owns, passed explicitly to every function that acts for the profile."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

import trio

from hermes_trio.errors import ScopeClosed
from hermes_trio.home.egress import ENFORCE, configured_provider_urls, make_egress_rules
from hermes_trio.io.clock import Clock, SystemClock
from hermes_trio.io.database import Database, OpenDatabases, open_database
from hermes_trio.io.egress import EgressGate
from hermes_trio.io.files import FileCache
from hermes_trio.io.http_client import ProfileHttp, open_http
from hermes_trio.io.log import LogWriter, ProfileLogger, open_log
from hermes_trio.io.tls import SharedTls
from hermes_trio.io.workers import ThreadWorkers, Workers

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Callable, Mapping

    from hermes_trio.home.config import ProfileConfig
    from hermes_trio.home.paths import ProfilePaths
    from hermes_trio.home.secrets import Secrets
    from hermes_trio.home.settings import ProfileSettings
    from hermes_trio.io.http_transport import Connect

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

FILE_THREADS_PER_PROFILE = 2


@dataclass(frozen=True, slots=True)
class SharedResources:
    """What the profiles of one gateway share, and nothing else; passed explicitly, closed by the gateway.

    Attributes:
        log: Writes the lines of all log sinks in batches.
        tls: The one TLS context, built at first use.
        databases: Bounds how many idle databases stay open.
        workers: Runs blocking work.
        clock: Wall time.
        jitter: A random number in [0, 1) for back-off.
        connect: Opens a stream to a model provider, or None for real sockets.
        base_environment: The few variables of the process that child processes may have, captured at start.
        provider_gate: How many requests may run at a provider at once, per account; only the models know it.
    """

    log: LogWriter
    tls: SharedTls
    databases: OpenDatabases
    workers: Workers
    clock: Clock
    jitter: Callable[[], float]
    connect: Connect | None = None
    base_environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    provider_gate: object | None = None


def make_shared(
    log: LogWriter,
    *,
    workers: Workers | None = None,
    clock: Clock | None = None,
    jitter: Callable[[], float] = random.random,
    connect: Connect | None = None,
    base_environment: Mapping[str, str] = MappingProxyType({}),
    provider_gate: object | None = None,
) -> SharedResources:
    """Build the shared resources with production defaults; touches no file and no network."""
    used = workers or ThreadWorkers()
    return SharedResources(
        log,
        SharedTls(used),
        OpenDatabases(),
        used,
        clock or SystemClock(),
        jitter,
        connect,
        base_environment,
        provider_gate,
    )


class Lifetime:
    """Whether a scope is still open; the one mutable cell of a scope."""

    __slots__ = ("closed",)

    def __init__(self) -> None:
        self.closed = False


@dataclass(frozen=True, slots=True)
class ProfileScope:
    """Who acts, with what settings and what resources. First positional parameter of all that acts for a profile.

    Attributes:
        name: The profile's name.
        generation: Bumped by every (re)start of the profile; in every log line and task name.
        home: Every path of the profile.
        config: Typed, immutable settings.
        secrets: Values that never print.
        db: The profile's ``state.db``.
        http: The only way out to the network.
        log: Logger of this profile.
        files: Parsed files, cached by identity.
        shared: What all profiles of the gateway share.
        file_threads: Limits this profile's blocking file work.
        lifetime: Whether the scope is open.
    """

    name: str
    generation: int
    home: ProfilePaths
    config: ProfileConfig
    secrets: Secrets
    db: Database
    http: ProfileHttp
    log: ProfileLogger
    files: FileCache
    shared: SharedResources
    file_threads: trio.CapacityLimiter
    lifetime: Lifetime

    @property
    def clock(self) -> Clock:
        """Wall time."""
        return self.shared.clock

    def check_open(self) -> None:
        """Raise `ScopeClosed` when this generation of the profile is over."""
        if self.lifetime.closed:
            raise ScopeClosed(f"generation {self.generation} of this profile is over", profile=self.name)

    async def run_blocking(self, fn: Callable[[*Ts], T], *args: *Ts) -> T:
        """Run blocking work in this profile's worker threads; raises `ScopeClosed` after the scope's end.

        Cancellation: waiting for a thread is cancellable, the work itself is not.
        """
        self.check_open()
        return await self.shared.workers.run(fn, *args, limiter=self.file_threads)


def _egress_gate(settings: ProfileSettings, log: ProfileLogger, provider_urls: frozenset[str]) -> EgressGate | None:
    """What guards the profile's way out, or None where its settings do not ask for it."""
    egress = settings.config.security.egress
    rules = make_egress_rules(egress, configured_provider_urls(settings.config) | provider_urls)
    if rules is None:
        return None
    report = log.bind(component="egress").warning
    return EgressGate(rules, enforce=egress.mode == ENFORCE, report=report, profile=settings.name)


@asynccontextmanager
async def open_scope(
    settings: ProfileSettings,
    generation: int,
    shared: SharedResources,
    prepare: Callable[[sqlite3.Connection], None],
    *,
    provider_urls: frozenset[str] = frozenset(),
) -> AsyncIterator[ProfileScope]:
    """Open a profile's resources for one generation and close them at the end, newest first.

    Args:
        settings: The profile's loaded files.
        generation: Number of this (re)start.
        shared: What all profiles share.
        prepare: Brings a freshly opened ``state.db`` to the wanted schema; blocking, runs in a worker.
        provider_urls: Addresses of the profile's model providers, which its egress policy always allows.

    Raises:
        StoreError: ``state.db`` exists and cannot be used.
        HomeError: The log folder cannot be made.
    """
    lifetime = Lifetime()
    threads = trio.CapacityLimiter(FILE_THREADS_PER_PROFILE)
    async with (
        open_log(settings.paths, settings.config.logging, settings.secrets.values_to_redact(), shared.log) as log,
        open_database(settings.paths.state_db, prepare, settings.name, shared.databases, shared.workers) as db,
        open_http(
            settings.config.network,
            shared.tls,
            connect=shared.connect,
            egress=_egress_gate(settings, log.bind(profile=settings.name, generation=generation), provider_urls),
        ) as http,
    ):
        scope = ProfileScope(
            name=settings.name,
            generation=generation,
            home=settings.paths,
            config=settings.config,
            secrets=settings.secrets,
            db=db,
            http=http,
            log=log.bind(profile=settings.name, generation=generation),
            files=FileCache(shared.workers, threads),
            shared=shared,
            file_threads=threads,
            lifetime=lifetime,
        )
        try:
            yield scope
        finally:
            lifetime.closed = True
