"""Keeps one adapter running: makes it, holds its credentials, connects it, and decides what a failure leads to.

An outage of one platform is invisible to the profile's other chats; nothing an adapter raises leaves this ring. What
an adapter claims it keeps through its outages: nobody else is to answer for it while it is away for a minute.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import trio

from hermes_trio.adapter_api.adapter import ENTRY_POINT_GROUP
from hermes_trio.adapter_api.errors import AdapterError, Unreachable
from hermes_trio.errors import ConfigError, CredentialBusy
from hermes_trio.gateway.adapter_slot import AdapterState
from hermes_trio.home.accounts import accounts_of
from hermes_trio.home.credential_lock import hold_credential_lock
from hermes_trio.io.supervise import RestartPolicy, Setback, SetbackKind, keep_running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from hermes_trio.adapter_api.adapter import Adapter, AdapterContext, AdapterFactory, ExclusiveResource
    from hermes_trio.gateway.adapter_slot import AdapterSlot
    from hermes_trio.gateway.credential_claims import Claim, ProfileClaims
    from hermes_trio.home.process_record import ProcessRecord
    from hermes_trio.scope import ProfileScope

POLICY = RestartPolicy(base=1.0, cap=60.0, window=0.0, healthy_after=60.0)
"""An adapter is tried for ever: with no window there is no quarantine."""

CLOSE_SECONDS = 5.0
_SHARED_CREDENTIAL = "duplicate_credential"


@dataclass(frozen=True, slots=True)
class CredentialLocks:
    """The folder of the locks that all gateways of this machine respect, and this process as their holder."""

    folder: Path
    record: ProcessRecord


def installed_factory(platform: str) -> AdapterFactory:
    """The factory of the installed adapter for a platform.

    Raises:
        ConfigError: None is installed (``adapter_not_installed``), or it cannot be loaded (``adapter_broken``).
    """
    found = entry_points(group=ENTRY_POINT_GROUP, name=platform)
    if not found:
        raise ConfigError(
            f"there is no adapter for {platform}",
            code="adapter_not_installed",
            where=f"platforms.{platform}",
            mend=f"install one, or set platforms.{platform}.enabled: false",
        )
    try:
        factory: AdapterFactory = next(iter(found)).load()
    except (Exception, SystemExit) as error:
        # Whatever a foreign package raises at its import concerns this platform of this profile and nobody else.
        raise ConfigError(
            f"the adapter for {platform} cannot be loaded",
            code="adapter_broken",
            where=f"platforms.{platform}",
            found=f"{type(error).__name__}: {error}",
            mend="mend or reinstall the package it is in",
        ) from error
    return factory


class Factories:
    """Finds each platform's factory once, because a search reads what all installed packages say about themselves.

    Args:
        find: Searches for one, as `installed_factory` does; its errors are not remembered.
    """

    def __init__(self, find: Callable[[str], AdapterFactory]) -> None:
        self._find = find
        self._found: dict[str, AdapterFactory] = {}

    def find(self, platform: str) -> AdapterFactory:
        """The factory of a platform's adapter; errors as `installed_factory`."""
        factory = self._found.get(platform)
        if factory is None:
            factory = self._found[platform] = self._find(platform)
        return factory


class AdapterRunner:
    """Runs one adapter of one generation of a profile.

    Args:
        scope: Whose bot it is.
        slot: Shows how the adapter is doing.
        make_context: Makes what the adapter may ask of the core.
        find_factory: Finds the platform's factory.
        claims: What the profile's adapters want, and whose turn it is.
        locks: Where the locks of credentials are; None where no other gateway could use them.
        files_changed: Returns when a file of the profile's settings has changed.
        restart_profile: Starts the profile again, with its changed files.
    """

    def __init__(
        self,
        scope: ProfileScope,
        slot: AdapterSlot,
        *,
        make_context: Callable[[AdapterSlot, Adapter], AdapterContext],
        find_factory: Callable[[str], AdapterFactory],
        claims: ProfileClaims,
        locks: CredentialLocks | None,
        files_changed: Callable[[], Awaitable[None]],
        restart_profile: Callable[[], None],
    ) -> None:
        self._scope = scope
        self._slot = slot
        self._make_context = make_context
        self._find_factory = find_factory
        self._claims = claims
        self._locks = locks
        self._files_changed = files_changed
        self._restart_profile = restart_profile
        self._log = scope.log.bind(component=f"platforms.{slot.platform}")
        self._paused = False
        self._wake = trio.Event()
        self._current: trio.CancelScope | None = None

    async def run(self) -> None:
        """Keep the adapter running until cancelled; no failure of the adapter leaves this function."""
        while True:
            if self._paused:
                self._slot.enter(AdapterState.PAUSED)
                await self._wake.wait()
            self._wake = trio.Event()
            with trio.CancelScope() as self._current, self._claims.open(self._slot.platform) as claim:
                await keep_running(
                    partial(self._run_once, claim),
                    POLICY,
                    jitter=self._scope.shared.jitter,
                    on_setback=partial(self._set_back, claim),
                    mended=self._mended,
                )

    def pause(self) -> None:
        """Disconnect the adapter until `resume`."""
        if self._paused:
            return
        self._paused, self._wake = True, trio.Event()
        if self._current is not None:
            self._current.cancel()

    def resume(self) -> None:
        """Connect a paused adapter again, or try a parked or retrying one at once."""
        self._paused = False
        self._wake.set()

    async def _run_once(self, claim: Claim) -> None:
        slot = self._slot
        while True:
            slot.begin_try()
            adapter = self._find_factory(slot.platform)(self._scope, slot.config)
            slot.capabilities = adapter.capabilities
            claim.want(adapter.exclusive_resources)
            await self._wait_for_turn(claim)
            with claim.hold():
                await self._serve(adapter)
            self._log.info(f"{slot.platform} has given way")

    async def _serve(self, adapter: Adapter) -> None:
        async with self._credentials(adapter):
            try:
                async with trio.open_nursery() as nursery:
                    await self._connect(adapter, nursery)
            finally:
                # Nobody may call it while its credentials are given back.
                self._slot.lose_adapter()
        raise AdapterError("the adapter ended by itself", code="adapter_ended", profile=self._scope.name)

    async def _wait_for_turn(self, claim: Claim) -> None:
        """Wait, parked, while another profile goes before, and then until it has given way."""
        while not claim.may_hold:
            first = claim.goes_before
            if first is None:
                await claim.changed()
                continue
            self._park(claim, first)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._restart_when_mended)
                while claim.goes_before is first:
                    await claim.changed()
                nursery.cancel_scope.cancel()

    def _park(self, claim: Claim, first: Claim) -> None:
        """Say who has the credential and what mends that."""
        slot, scope = self._slot, self._scope
        setting, place = self._contested(claim, first)
        error = CredentialBusy(
            f"profile '{first.profile}' of this gateway uses the same {slot.platform} account and goes before; "
            "only one of them can use it at a time",
            profile=scope.name,
            where=place,
            mend=f"give '{scope.name}' or '{first.profile}' a {setting} of its own, or take it out of one of them",
        )
        detail = scope.log.redact(str(error))
        slot.enter(AdapterState.PARKED, error.code, detail)
        self._log.warning(f"{slot.platform} parked ({error.code}), waits until it is free: {detail}")

    def _contested(self, claim: Claim, first: Claim) -> tuple[str, str]:
        """The setting with the credential that another profile has, and where it is."""
        scope, platform = self._scope, self._slot.platform
        contested = {digest for _, digest in claim.wanted & first.wanted}
        accounts = accounts_of(self._slot.config, scope.home, scope.secrets)
        account = min(accounts, key=lambda one: not one.digests & contested, default=None)
        if account is None:
            return "credential", f"{scope.home.config} platforms.{platform}"
        return account.setting, account.place

    async def _connect(self, adapter: Adapter, nursery: trio.Nursery) -> None:
        slot, seconds = self._slot, self._scope.config.chat.platform_connect_timeout
        context = self._make_context(slot, adapter)
        with trio.move_on_after(seconds):
            slot.bot = await nursery.start(adapter.run, context, name=f"{self._scope.name} {slot.platform}")
            slot.enter(AdapterState.CONNECTED, adapter=adapter)
            self._log.info(f"{slot.platform} connected as {slot.bot.name}")
            return
        raise Unreachable(
            f"did not connect within {seconds:g} s",
            profile=self._scope.name,
            where=f"platforms.{slot.platform}",
            mend="check the network, or raise gateway.platform_connect_timeout",
        )

    @asynccontextmanager
    async def _credentials(self, adapter: Adapter) -> AsyncIterator[None]:
        """Hold the adapter's credentials, so that no other gateway uses them."""
        async with AsyncExitStack() as stack:
            if self._locks is not None:
                for resource in adapter.exclusive_resources:
                    await stack.enter_async_context(self._credential(self._locks, resource))
            yield

    @asynccontextmanager
    async def _credential(self, locks: CredentialLocks, resource: ExclusiveResource) -> AsyncIterator[None]:
        metadata: Mapping[str, object] = {"platform": self._slot.platform, "profile": self._scope.name}
        now = datetime.fromtimestamp(self._scope.clock.now(), UTC)
        lock = hold_credential_lock(locks.folder, resource.scope, resource.identity, locks.record, metadata, now=now)
        await self._scope.run_blocking(lock.__enter__)
        try:
            yield
        finally:
            # A stale lock is taken over by whoever wants it, so a thread that cannot be had is no disaster.
            with trio.move_on_after(CLOSE_SECONDS, shield=True):
                await self._scope.shared.workers.run(lock.__exit__, None, None, None, limiter=self._scope.file_threads)

    def _set_back(self, claim: Claim, setback: Setback) -> None:
        slot = self._slot
        if setback.kind is SetbackKind.PERMANENT:
            claim.drop()
        parked = setback.kind is SetbackKind.PERMANENT or setback.reason == _SHARED_CREDENTIAL
        detail = self._scope.log.redact(setback.detail)
        state = AdapterState.PARKED if parked else AdapterState.RETRYING
        slot.enter(state, setback.reason, detail, retry_in=setback.delay)
        wait = "waits for a mend" if setback.delay is None else f"next try in {setback.delay:.0f} s"
        self._log.warning(f"{slot.platform} {state} ({setback.reason}), {wait}: {detail}")

    async def _mended(self) -> None:
        """Wait for somebody to mend what is wrong, or to want another try at once."""
        self._wake = trio.Event()
        async with trio.open_nursery() as nursery:
            if self._slot.state is AdapterState.PARKED:
                nursery.start_soon(self._restart_when_mended)
            await self._wake.wait()
            nursery.cancel_scope.cancel()

    async def _restart_when_mended(self) -> None:
        await self._files_changed()
        self._log.info("the profile's settings have changed, so it starts again")
        self._restart_profile()
