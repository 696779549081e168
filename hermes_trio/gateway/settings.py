"""What the gateway as a whole takes from the default profile's files; a broken default profile does not stop it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermes_trio.errors import HermesTrioError
from hermes_trio.home.accounts import accounts_of
from hermes_trio.home.config import ApiServerConfig, GatewayConfig, LoggingConfig
from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.home.secrets import load_secrets
from hermes_trio.home.settings import load_profile_settings
from hermes_trio.home.webhook_config import WebhookConfig

if TYPE_CHECKING:
    from hermes_trio.gateway.options import GatewayOptions
    from hermes_trio.home.settings import ProfileSettings


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Settings of the process.

    Attributes:
        host: Address to listen on.
        port: Port to listen on; 0 takes any free one.
        cors_origins: Web origins that may call the API.
        gateway: The ``gateway`` section.
        webhook: The webhook platform; as it was at the start of the process.
        logging: Rotation and level of the root home's logs.
        problem: Why the default profile's files could not be used, or None.
        accounts: The accounts of the default profile's bots: platform and digest.
    """

    host: str
    port: int
    cors_origins: tuple[str, ...]
    gateway: GatewayConfig
    logging: LoggingConfig
    webhook: WebhookConfig
    problem: HermesTrioError | None
    accounts: frozenset[tuple[str, str]] = frozenset()


def load_gateway_settings(options: GatewayOptions) -> GatewaySettings:
    """Read the default profile's files for what concerns the process; blocking.

    When they cannot be read the defaults hold, with ``API_SERVER_HOST`` and ``API_SERVER_PORT`` where those can be
    found: the other profiles serve at the usual address.
    """
    problem: HermesTrioError | None = None
    accounts: frozenset[tuple[str, str]] = frozenset()
    try:
        settings = load_profile_settings(options.home, DEFAULT_PROFILE, options.environ)
        config, accounts = settings.config, _accounts(settings)
        api, gateway, logging, webhook = config.api_server, config.gateway, config.logging, config.webhook
    except HermesTrioError as error:
        problem = error
        api, gateway, logging = _address_from_secrets(options), GatewayConfig(), LoggingConfig()
        webhook = WebhookConfig()
    return GatewaySettings(
        host=options.host or api.host,
        port=api.port if options.port is None else options.port,
        cors_origins=api.cors_origins,
        gateway=gateway,
        logging=logging,
        webhook=webhook,
        problem=problem,
        accounts=accounts,
    )


def _accounts(settings: ProfileSettings) -> frozenset[tuple[str, str]]:
    return frozenset(
        (platform.name, digest)
        for platform in settings.config.platforms.values()
        if platform.enabled
        for account in accounts_of(platform, settings.paths, settings.secrets)
        for digest in account.digests
    )


def _address_from_secrets(options: GatewayOptions) -> ApiServerConfig:
    usual = ApiServerConfig()
    try:
        secrets = load_secrets(options.home.profile(DEFAULT_PROFILE), DEFAULT_PROFILE, options.environ)
        port = secrets.get("API_SERVER_PORT")
        return ApiServerConfig(
            host=secrets.get("API_SERVER_HOST") or usual.host, port=int(port) if port else usual.port
        )
    except (HermesTrioError, ValueError):
        return usual
