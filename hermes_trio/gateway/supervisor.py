"""The supervisor of one profile: loads it, serves it, and decides what a failure leads to."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from hermes_trio.errors import HermesTrioError, ModelError
from hermes_trio.gateway.chats import Chats
from hermes_trio.gateway.file_watch import file_identity, wait_for_change
from hermes_trio.gateway.process_reports import ProcessReports
from hermes_trio.gateway.runtime import ProfileRuntime
from hermes_trio.gateway.states import CrashReport, ProfileState
from hermes_trio.home.listening import listening_remarks
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.provenance import ROUTE_INVALID, WEBHOOK_ROUTE_INVALID
from hermes_trio.home.settings import load_profile_settings
from hermes_trio.io.log_redaction import make_redactor
from hermes_trio.io.supervise import RestartPolicy, Setback, SetbackKind, keep_running
from hermes_trio.models.resolve import resolve_targets
from hermes_trio.scope import open_scope
from hermes_trio.store.mail import has_mail
from hermes_trio.store.routing_index import serve_mirror
from hermes_trio.store.schema import prepare
from hermes_trio.tools.mcp import mcp_problem
from hermes_trio.turns.agent import open_agent
from hermes_trio.turns.auxiliary import auxiliary_route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hermes_trio.gateway.file_watch import Identity
    from hermes_trio.gateway.gateway import Gateway
    from hermes_trio.gateway.table import ProfileSlot
    from hermes_trio.home.secrets import Secrets
    from hermes_trio.home.settings import ProfileSettings
    from hermes_trio.scope import ProfileScope

_STATES: Mapping[SetbackKind, ProfileState] = {
    SetbackKind.PERMANENT: ProfileState.FAILED,
    SetbackKind.TRANSIENT: ProfileState.BACKOFF,
    SetbackKind.TOO_OFTEN: ProfileState.QUARANTINED,
}


class ProfileSupervisor:
    """Keeps one profile running.

    Args:
        gateway: The gateway that owns the supervisor.
        slot: The profile's address, which shows how it is doing.
    """

    def __init__(self, gateway: Gateway, slot: ProfileSlot) -> None:
        self._gateway = gateway
        self._slot = slot
        self._paths = gateway.home.profile(slot.name)
        self._loaded: Identity = ()
        self._secrets: Secrets | None = None
        self._watch_threads = trio.CapacityLimiter(1)

    @property
    def _settings_files(self) -> Sequence[Path]:
        return (self._paths.root, self._paths.config, self._paths.env)

    async def run(self) -> None:
        """Serve the profile until cancelled; no failure of the profile leaves this function."""
        shared = self._gateway.shared
        await keep_running(
            self._serve_generations,
            RestartPolicy(),
            jitter=shared.jitter,
            on_setback=self._set_back,
            mended=self._mended,
        )

    async def _serve_generations(self) -> None:
        """Serve one generation after the other; one ends without an error only when a restart is wanted."""
        while True:
            await self._serve_generation()

    async def _serve_generation(self) -> None:
        slot, gateway = self._slot, self._gateway
        slot.generation += 1
        slot.restart_wanted = trio.Event()
        slot.enter(ProfileState.STARTING)
        settings = await gateway.start_gate.run(self._load)
        self._secrets = settings.secrets
        if slot.name == DEFAULT_PROFILE:
            gateway.use_routes(settings.config.gateway)
        problem = model_problem(settings) or mcp_problem(settings.config)
        urls = provider_urls(settings)
        async with open_scope(settings, slot.generation, gateway.shared, prepare, provider_urls=urls) as scope:
            for remark in listening_remarks(settings):
                scope.log.bind(component="gateway.profile").warning(f"{remark.where}: {remark.message}; {remark.mend}")
            mail_is_left = await scope.db.check(has_mail)
            self._warn_of_routes(scope)
            reports = ProcessReports()
            async with open_agent(scope, reports.put) as agent, trio.open_nursery() as nursery:
                await self._start_services(scope, nursery)
                root_db = None if slot.name == DEFAULT_PROFILE else gateway.home.profile(DEFAULT_PROFILE).state_db
                runtime = ProfileRuntime(scope, agent, nursery, gateway.capacity, root_db)
                chats = self._make_chats(runtime, nursery)
                if agent.workplace.hooks.listens("gateway:startup"):
                    await agent.workplace.hooks.fire("gateway:startup", {"platforms": list(chats.slots)})

                async def begin_chats() -> None:
                    await nursery.start(chats.serve, name=f"{scope.name}#{scope.generation} chats")
                    nursery.start_soon(reports.serve, chats, name=f"{scope.name}#{scope.generation} process reports")

                runtime.prepare_chats(chats, begin_chats)
                # Mail may be left of a time when a route led here.
                if chats.slots or gateway.router.is_target(slot.name) or mail_is_left:
                    runtime.chats = chats
                    await begin_chats()
                await self._serve(runtime, problem)
                nursery.cancel_scope.cancel()

    def _make_chats(self, runtime: ProfileRuntime, nursery: trio.Nursery) -> Chats:
        slot, gateway = self._slot, self._gateway
        return Chats(
            runtime,
            nursery,
            senders=gateway.senders,
            router=gateway.router,
            mounts=gateway.mounts,
            claims=gateway.claims.of(slot.name, slot.restart_wanted.is_set),
            find_factory=gateway.factories.find,
            locks=gateway.options.credential_locks,
            files_changed=self._settings_changed,
            restart_profile=slot.restart_wanted.set,
            restart_gateway=gateway.restart_wanted.set,
        )

    def _warn_of_routes(self, scope: ProfileScope) -> None:
        """What is left out must not go unsaid: the bot's own profile has its messages, a webhook's sender hears 404."""
        if scope.name != DEFAULT_PROFILE:
            return
        for notice in scope.config.notices:
            where = f"{notice.location} {notice.path}"
            if notice.code == ROUTE_INVALID:
                scope.log.bind(component="gateway.routes").error(f"a route is left out: {notice.text}", where=where)
            elif notice.code == WEBHOOK_ROUTE_INVALID and scope.config.webhook.enabled:
                scope.log.bind(component="gateway.webhooks").error(notice.text, where=where)

    async def _settings_changed(self) -> None:
        await wait_for_change(self._settings_files, self._loaded, self._gateway.shared.workers, self._watch_threads)

    def _load(self) -> ProfileSettings:
        gateway = self._gateway
        # Before the load, so that an edit during the load counts as a change.
        self._loaded = file_identity(self._settings_files)
        return load_profile_settings(gateway.home, self._slot.name, gateway.options.environ)

    async def _start_services(self, scope: ProfileScope, nursery: trio.Nursery) -> None:
        services = list(self._gateway.options.services)
        if scope.config.gateway.write_sessions_json:
            services.append(serve_mirror)
        for service in services:
            await nursery.start(service, scope, name=f"{scope.name}#{scope.generation} {service.__name__}")

    async def _serve(self, runtime: ProfileRuntime, problem: HermesTrioError | None) -> None:
        slot = self._slot
        slot.runtime = runtime
        try:
            if self._gateway.draining:
                # Nobody would wait for what it took on.
                runtime.accepting = False
                slot.enter(ProfileState.DRAINING)
            elif problem is None:
                slot.enter(ProfileState.RUNNING)
            else:
                slot.enter(ProfileState.DEGRADED, problem.code, str(problem))
            log = runtime.scope.log.bind(component="gateway.profile")
            log.info("profile serves", state=str(slot.state))
            await slot.restart_wanted.wait()
            log.info("profile starts again once its turns have ended")
            slot.enter(ProfileState.DRAINING)
            await runtime.drain(self._gateway.drain_seconds(runtime))
        finally:
            runtime.accepting = False
            slot.runtime = None
            if slot.state.serves:
                slot.enter(ProfileState.DRAINING)

    def _set_back(self, setback: Setback) -> None:
        slot, gateway = self._slot, self._gateway
        # A foreign exception may quote anything, and this goes to the log of the gateway and into its status.
        redact = make_redactor(self._secrets.values_to_redact() if self._secrets else ())
        detail, errors = redact(setback.detail), tuple(redact(error) for error in setback.errors)
        slot.crashes.append(CrashReport(gateway.shared.clock.now(), slot.generation, setback.reason, errors))
        slot.enter(_STATES[setback.kind], setback.reason, detail, retry_in=setback.delay)
        wait = "waits for a mend" if setback.delay is None else f"next try in {setback.delay:.0f} s"
        gateway.log.error(f"profile {slot.name} {slot.state} ({setback.reason}), {wait}: {detail}")

    async def _mended(self) -> None:
        database = (self._paths.state_db,)
        workers, threads = self._gateway.shared.workers, self._watch_threads
        # The generation that has just failed may have written it, and that mends nothing.
        left = await workers.run(file_identity, database, limiter=threads)
        await wait_for_change((*self._settings_files, *database), (*self._loaded, *left), workers, threads)


def provider_urls(settings: ProfileSettings) -> frozenset[str]:
    """The addresses of the model providers that this profile's settings lead to, those for special tasks included."""
    config = settings.config
    routes = [None, *config.api_server.model_routes, *(auxiliary_route(config, task) for task in config.auxiliary)]
    urls: set[str] = set()
    for route in routes:
        with suppress(ModelError):  # what cannot be resolved is not asked either
            urls |= {target.base_url for target in resolve_targets(config, settings.secrets, route)}
    return frozenset(urls)


def model_problem(settings: ProfileSettings) -> ModelError | None:
    """Why this profile cannot reach a model although it can serve, or None.

    Raises:
        ModelError: The configured provider does not exist, so the profile must not start.
    """
    try:
        resolve_targets(settings.config, settings.secrets)
    except ModelError as error:
        error.profile = settings.name
        if error.code == "model_not_configured":
            return error
        raise
    return None
