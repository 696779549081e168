"""The root of the nursery tree: the table of profiles and one supervisor for each."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from hermes_trio import __version__
from hermes_trio.gateway.adapter_runner import Factories
from hermes_trio.gateway.capacity import TurnCapacity
from hermes_trio.gateway.credential_claims import CredentialClaims
from hermes_trio.gateway.mounts import MountTable
from hermes_trio.gateway.report import GatewayReport, ProfileReport
from hermes_trio.gateway.router import Router
from hermes_trio.gateway.senders import Senders
from hermes_trio.gateway.start_gate import StartGate
from hermes_trio.gateway.states import ProfileState
from hermes_trio.gateway.supervisor import ProfileSupervisor
from hermes_trio.gateway.table import ProfileSlot, ProfileTable
from hermes_trio.gateway.views import adapter_reports, turn_reports
from hermes_trio.gateway.webhook_book import WebhookBook
from hermes_trio.home.discovery import discover_profiles
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.routing.route_table import build_route_table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from hermes_trio.gateway.options import GatewayOptions
    from hermes_trio.gateway.runtime import ProfileRuntime
    from hermes_trio.gateway.settings import GatewaySettings
    from hermes_trio.home.config import GatewayConfig
    from hermes_trio.home.discovery import ServedProfile
    from hermes_trio.home.paths import HomePaths
    from hermes_trio.io.log import ProfileLogger
    from hermes_trio.scope import SharedResources

DRAIN_SECONDS = 30.0
CLOSE_SECONDS = 2.0


class Gateway:
    """All profiles of one home.

    Attributes:
        options: What the operator asked for.
        settings: What the default profile's files say about the process.
        shared: What all profiles share.
        log: Logger for lines that belong to no profile.
        table: The profiles.
        capacity: Seats for turns.
        start_gate: Bounds how many profiles load at once.
        address: Where the listener accepts, empty before it does.
        draining: Whether the gateway is on its way out.
        exit_reason: Why it is on its way out, or None.
        restart_requested: Whether whoever started it is to start it again.
        changes: Set at the next change of any profile's or bot's state, and then replaced.
        restart_wanted: Set when the process is to be drained and started again.
        senders: The bots of all profiles.
        factories: Makes adapters.
        mounts: The paths that adapters serve.
        router: Decides which profile answers what bots receive.
        claims: Which adapter may use a credential that several profiles have.
        webhooks: The routes of the webhook platform.
    """

    def __init__(
        self,
        options: GatewayOptions,
        settings: GatewaySettings,
        shared: SharedResources,
        log: ProfileLogger,
        profiles: Sequence[ServedProfile],
        known: frozenset[str],
    ) -> None:
        self.options = options
        self.settings = settings
        self.shared = shared
        self.log = log.bind(component="gateway")
        self.table = ProfileTable()
        self.capacity = TurnCapacity(settings.gateway.max_concurrent_turns, len(profiles))
        self.start_gate = StartGate(shared.workers)
        self.address = ""
        self.draining = False
        self.exit_reason: str | None = None
        self.restart_requested = False
        self.started_at = shared.clock.now()
        self.changes = trio.Event()
        self.restart_wanted = trio.Event()
        self.senders = Senders(self._announce)
        self.factories = Factories(options.find_adapter)
        self.mounts = MountTable()
        self.router = Router(
            self.table,
            known,
            build_route_table(settings.gateway.profile_routes),
            holds=settings.gateway.holds_unroutable,
            changes=lambda: self.changes,
        )
        self.claims = CredentialClaims()
        self.webhooks = WebhookBook(self)
        for profile in profiles:
            slot = ProfileSlot(profile.name, shared.clock, self._profile_changed)
            self.table.add(slot)
            if profile.parked:
                slot.enter(ProfileState.PARKED, profile.parked)

    @property
    def home(self) -> HomePaths:
        """The home that is served."""
        return self.options.home

    def use_routes(self, settings: GatewayConfig) -> None:
        """Let the routes of freshly read settings of the default profile be in force from now on."""
        self.router.routes = build_route_table(settings.profile_routes)
        self.router.holds = settings.holds_unroutable

    def status(self) -> GatewayReport:
        """How everything is doing now."""
        return GatewayReport(
            pid=os.getpid(),
            version=__version__,
            home=str(self.home.root),
            address=self.address,
            state=self._state(),
            since=self.started_at,
            active_turns=self.capacity.running(),
            profiles=[self._profile_report(slot) for slot in self.table],
            webhook_address=self.webhooks.address,
            webhook_problem=self.webhooks.problem,
        )

    async def settled(self) -> None:
        """Wait until every profile either serves or says why it does not."""
        for slot in self.table:
            await slot.settled()

    async def drain(self) -> None:
        """Let running turns of all profiles end, each profile up to its own deadline, all at once.

        What still runs then is cancelled, and those who wait for it are told. A profile that is starting takes no work.
        """
        self.draining = True
        self._announce()
        async with trio.open_nursery() as nursery:
            for slot in self.table:
                nursery.start_soon(self._drain_profile, slot)

    async def _drain_profile(self, slot: ProfileSlot) -> None:
        runtime = slot.runtime
        if runtime is None:
            if slot.state is ProfileState.STARTING:
                slot.enter(ProfileState.DRAINING)
            return
        seconds = self.drain_seconds(runtime)
        slot.enter(ProfileState.DRAINING)
        if not await runtime.drain(seconds):
            self.log.warning(f"profile {slot.name}: turns still ran after {seconds:g} s of drain and were cancelled")

    def drain_seconds(self, runtime: ProfileRuntime) -> float:
        """How long running turns of a profile may take when it ends."""
        if self.options.drain_seconds is not None:
            return self.options.drain_seconds
        # Hermes writes its default, 0, into the settings it saves, so a 0 says nothing of what the user wants.
        return runtime.scope.config.agent.restart_drain_timeout or DRAIN_SECONDS

    def _state(self) -> str:
        states = {slot.state for slot in self.table}
        if self.draining:
            return "draining"
        if ProfileState.STARTING in states:
            return "starting"
        return "running" if states <= {ProfileState.RUNNING, ProfileState.PARKED} else "degraded"

    def _profile_report(self, slot: ProfileSlot) -> ProfileReport:
        chats = slot.runtime.chats if slot.runtime is not None else None
        return ProfileReport(
            name=slot.name,
            state=str(slot.state),
            reason=slot.reason,
            detail=slot.detail,
            since=slot.since,
            next_retry=slot.next_retry,
            generation=slot.generation,
            active_turns=self.capacity.running(slot.name),
            model=slot.runtime.scope.config.model.name if slot.runtime else "",
            path_prefix="" if slot.name == DEFAULT_PROFILE else f"/p/{slot.name}",
            adapters=[] if chats is None else adapter_reports(chats),
            turns=[] if chats is None else turn_reports(chats),
            held=0 if chats is None else len(chats.held),
        )

    def _profile_changed(self, _slot: ProfileSlot) -> None:
        self._announce()

    def _announce(self) -> None:
        changes, self.changes = self.changes, trio.Event()
        changes.set()


@asynccontextmanager
async def open_gateway(
    options: GatewayOptions, settings: GatewaySettings, shared: SharedResources, log: ProfileLogger
) -> AsyncIterator[Gateway]:
    """Start all profiles of a home and stop them at the end; none waits for another.

    On leaving, what still runs is cancelled; call `Gateway.drain` before for an orderly end.

    Raises:
        HomeError: A wanted profile does not exist.
    """
    profiles = discover_profiles(
        options.home, wanted=options.wanted, allowlist=settings.gateway.multiplex_profile_allowlist
    )
    known = frozenset(profile.name for profile in discover_profiles(options.home, wanted=None, allowlist=None))
    gateway = Gateway(options, settings, shared, log, profiles, known)
    async with trio.open_nursery() as nursery:
        for slot in gateway.table:
            if slot.state is not ProfileState.PARKED:
                if slot.name == DEFAULT_PROFILE:
                    gateway.claims.expect(slot.name, settings.accounts)
                nursery.start_soon(ProfileSupervisor(gateway, slot).run, name=f"supervisor {slot.name}")
        yield gateway
        nursery.cancel_scope.cancel()
    for slot in gateway.table:
        if slot.state is not ProfileState.PARKED:
            slot.enter(ProfileState.STOPPED)
