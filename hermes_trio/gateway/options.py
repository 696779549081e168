"""What the operator asked for: the arguments of one gateway process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermes_trio.gateway.adapter_runner import installed_factory

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from hermes_trio.adapter_api.adapter import AdapterFactory
    from hermes_trio.gateway.adapter_runner import CredentialLocks
    from hermes_trio.home.paths import HomePaths

    ProfileService = Callable[..., Awaitable[None]]
    """``async def service(scope, *, task_status)``: runs in a profile's nursery until cancelled."""


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """Arguments of one gateway.

    Attributes:
        home: The Hermes home to serve.
        environ: The process environment as captured at start; feeds the default profile only.
        wanted: Profiles to serve and no others, or None for all that the home offers.
        log_level: Level of the console log.
        host: Overrides the configured listening address.
        port: Overrides the configured listening port; 0 takes any free one.
        drain_seconds: Overrides every profile's drain deadline, in seconds.
        argv: The command line, for the process record.
        color: Whether the console may be coloured.
        services: Extra tasks to run in every profile's nursery.
        find_adapter: Finds the factory of a platform's adapter.
        credential_locks: Where the locks of credentials are; None where no other gateway could use them.
        process_home: Where the lock, the control socket, the status and the log of this process are; None for `home`.
            Another one lets it run beside the gateway of the home.
    """

    home: HomePaths
    environ: Mapping[str, str]
    wanted: tuple[str, ...] | None = None
    log_level: str = "INFO"
    host: str | None = None
    port: int | None = None
    drain_seconds: float | None = None
    argv: tuple[str, ...] = ()
    color: bool = False
    services: tuple[ProfileService, ...] = ()
    find_adapter: Callable[[str], AdapterFactory] = installed_factory
    credential_locks: CredentialLocks | None = None
    process_home: HomePaths | None = None

    @property
    def own_files(self) -> HomePaths:
        """The home that holds the files of this process."""
        return self.process_home or self.home
