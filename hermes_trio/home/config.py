"""The typed, immutable settings of one profile; meaning and defaults as in Hermes' ``config.yaml`` 33."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.home.agent_config import (
    ApprovalsConfig,
    CompressionConfig,
    DelegationConfig,
    SecurityConfig,
    SkillsConfig,
    TerminalConfig,
    ToolOutputConfig,
    WebConfig,
)
from hermes_trio.home.chat_config import ChatConfig
from hermes_trio.home.webhook_config import WebhookConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.home.agent_config import (
        AuxiliaryConfig,
        BudgetConfig,
        McpServerConfig,
        PriceConfig,
        ShellHookConfig,
    )
    from hermes_trio.home.platform_config import PlatformConfig
    from hermes_trio.home.provenance import Notice, UnknownKey
    from hermes_trio.home.route_config import RouteConfig

EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
DEFAULT_SESSIONS: Final = 64
DEFAULT_TURNS: Final = 2048
DEFAULT_READ: Final = 100_000
EVERY_PROFILE: Final = "*"
"""Stands for every profile in `ApiServerConfig.profiles`."""


def _no_headers() -> Mapping[str, str]:
    return MappingProxyType({})


def _nothing() -> Mapping[str, object]:
    return MappingProxyType({})


def _no_prices() -> Mapping[str, PriceConfig]:
    return MappingProxyType({})


def _no_toolsets() -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({})


def _no_platforms() -> Mapping[str, PlatformConfig]:
    return MappingProxyType({})


def _no_auxiliary() -> Mapping[str, AuxiliaryConfig]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The main model; an empty string is an unset value.

    Attributes:
        name: Model id as the provider knows it.
        provider: Provider name, ``custom:<name>``, ``auto`` or empty.
        base_url: Address of the provider's API.
        api_key: Literal key, if the user put one into the settings.
        api_mode: Wire format, or empty to tell it from the address.
        context_length: Tokens the model takes, or None.
        max_tokens: Most tokens of one answer, or None.
    """

    name: str = ""
    provider: str = ""
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    api_mode: str = ""
    context_length: int | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """One entry of the ``providers`` mapping or of the ``custom_providers`` list.

    Attributes:
        key: Key in the mapping, or the name in the list; what ``model.provider`` refers to.
        name: Name for people.
        origin: ``providers`` or ``custom_providers``.
        base_url: Address of the API.
        api_key: Literal key.
        key_env: Name of the variable in ``.env`` that holds the key.
        api_mode: Wire format, or empty.
        default_model: Model to use when none is named.
        models: Models the user listed.
        extra_headers: Sent with every request.
        extra_body: Merged into every request's JSON.
        request_timeout_seconds: Deadline of a whole request, or None.
        stale_timeout_seconds: Longest silence within a stream, or None.
        context_length: Tokens its models take, or None.
        ssl_verify: Whether certificates are checked.
        ssl_ca_cert: File with additional certificate authorities.
        enabled: Whether it may be used.
    """

    key: str
    name: str
    origin: str = "providers"
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    key_env: str = ""
    api_mode: str = ""
    default_model: str = ""
    models: tuple[str, ...] = ()
    extra_headers: Mapping[str, str] = field(default_factory=_no_headers, repr=False)
    extra_body: Mapping[str, object] = field(default_factory=_nothing, repr=False)
    request_timeout_seconds: float | None = None
    stale_timeout_seconds: float | None = None
    context_length: int | None = None
    ssl_verify: bool = True
    ssl_ca_cert: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class FallbackConfig:
    """A provider and model to try when the main one fails."""

    provider: str
    model: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    key_env: str = ""


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """How a turn runs.

    Attributes:
        max_turns: Most rounds of model and tools in one turn.
        gateway_timeout: Seconds without any activity after which a turn is given up.
        api_max_retries: Attempts at the model before falling back.
        system_prompt: Text of the active personality.
        restart_drain_timeout: Seconds running turns may take at shutdown; None (not said by the user) and 0 (what
            Hermes itself writes) mean 30.
        clarify_timeout: Seconds the user may take to answer a question of the agent.
        reasoning_effort: How hard the model is to think, from ``none`` to ``max``; empty leaves it to the provider.
    """

    max_turns: int = 90
    gateway_timeout: float = 1800.0
    api_max_retries: int = 3
    system_prompt: str = ""
    restart_drain_timeout: float | None = None
    clarify_timeout: float = 3600.0
    reasoning_effort: str = ""


@dataclass(frozen=True, slots=True)
class MemoryConfig:
    """Which memory files go into the prompt, and how many characters each may have."""

    memory_enabled: bool = True
    user_profile_enabled: bool = True
    memory_char_limit: int = 2200
    user_char_limit: int = 1375


@dataclass(frozen=True, slots=True)
class ModelRoute:
    """A model other than the main one: what a name that HTTP clients may ask for stands for, or that of a special task.

    Attributes:
        alias: The name, or the task.
        model: Model id; empty for the provider's usual one, else the main model's.
        provider: Provider name; empty for the main model's, or for what answers at ``base_url``.
        base_url: Address of its own, or empty.
        api_key: Literal key, or empty.
        setting: Where it stands, for errors; empty for ``model_routes``.
    """

    alias: str
    model: str = ""
    provider: str = ""
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    setting: str = ""


@dataclass(frozen=True, slots=True)
class ApiServerConfig:
    """The OpenAI-compatible HTTP interface of the profile.

    Attributes:
        enabled: Whether the profile answers there: switched on, or a key is set, and nothing switches it off.
        switched_off: Whether the user explicitly switched it off.
        host: Address to listen on; only the default profile's counts.
        port: Port to listen on; only the default profile's counts.
        key: The key clients must show; empty for none.
        cors_origins: Browser origins that may call, ``*`` for all.
        model_name: Model name shown to clients; empty for the profile's name.
        model_routes: Further model names.
        profiles: Profiles that clients with the default profile's key may choose as models, `EVERY_PROFILE` for all;
            None where they may not choose. Only the default profile's counts.
    """

    enabled: bool = False
    switched_off: bool = False
    host: str = "127.0.0.1"
    port: int = 8642
    key: str = field(default="", repr=False)
    cors_origins: tuple[str, ...] = ()
    model_name: str = ""
    model_routes: tuple[ModelRoute, ...] = ()
    profiles: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class LoggingConfig:
    """Level of the profile's log files, and when and how often they are rotated."""

    level: str = "INFO"
    max_size_mb: float = 5.0
    backup_count: int = 3


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """How the profile gets out.

    Attributes:
        proxy: Address of the HTTP proxy, or empty. May hold a password.
        no_proxy: Comma-separated hosts that are reached directly.
        force_ipv4: Whether IPv6 addresses are ignored.
    """

    proxy: str = field(default="", repr=False)
    no_proxy: str = ""
    force_ipv4: bool = False


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """What concerns the process that serves the profiles; mostly read from the default profile.

    Attributes:
        multiplex_profile_allowlist: The only profiles to serve besides default; None for all; malformed is empty.
        multiplex_profiles: Upstream's switch, only reported; None when unset.
        standalone: Whether another process serves this profile.
        write_sessions_json: Whether the routing index is mirrored to ``sessions.json``.
        max_concurrent_turns: Most turns running at once over all profiles.
        profile_routes: Which messages belong to which profile, in order of declaration; the default profile's count.
        holds_unroutable: Whether messages for a profile that is parked, failed or unknown wait for it, instead of being
            dropped; the default profile's counts.
    """

    multiplex_profile_allowlist: tuple[str, ...] | None = None
    multiplex_profiles: bool | None = None
    standalone: bool = False
    write_sessions_json: bool = True
    max_concurrent_turns: int = DEFAULT_TURNS
    profile_routes: tuple[RouteConfig, ...] = ()
    holds_unroutable: bool = False


@dataclass(frozen=True, slots=True)
class ProfileConfig:
    """All settings of one profile.

    Attributes:
        max_concurrent_sessions: Most turns of this profile running at once.
        timezone: IANA name, or empty for the machine's own.
        budget: What may be spent; None for no limit.
        prices: Model id -> its price, where the user gives one.
        command_allowlist: Commands, globs of commands and names of dangers that are always allowed.
        platform_toolsets: Platform -> its toolsets; a platform that is not there has the usual ones.
        disabled_toolsets: Toolsets that no platform has.
        mcp_servers: Servers with further tools.
        hooks: Commands that run at events.
        hooks_auto_accept: Whether these run without having been accepted one by one.
        auxiliary: Task -> its model; a task that is not there has the main model.
        file_read_max_chars: Most characters of one reading of a file.
        context_file_max_chars: Most characters of a context file; None for a share of the model's window.
        code_execution_mode: Where the model's code runs: ``project`` or ``strict``.
        chat: How conversations on chat platforms work.
        platforms: Chat platform -> its settings; only those that are mentioned anywhere.
        webhook: The webhook platform; only the default profile's counts.
        raw: The whole file after interpolation, unknown keys included, deeply immutable. Holds secrets.
        unknown_keys: Keys nobody knows.
        notices: Remarks for ``check``.
    """

    model: ModelConfig = ModelConfig()
    providers: tuple[ProviderConfig, ...] = ()
    fallback_providers: tuple[FallbackConfig, ...] = ()
    agent: AgentConfig = AgentConfig()
    memory: MemoryConfig = MemoryConfig()
    api_server: ApiServerConfig = ApiServerConfig()
    logging: LoggingConfig = LoggingConfig()
    network: NetworkConfig = NetworkConfig()
    gateway: GatewayConfig = GatewayConfig()
    max_concurrent_sessions: int = DEFAULT_SESSIONS
    timezone: str = ""
    terminal: TerminalConfig = field(default_factory=TerminalConfig)
    tool_output: ToolOutputConfig = field(default_factory=ToolOutputConfig)
    approvals: ApprovalsConfig = field(default_factory=ApprovalsConfig)
    command_allowlist: tuple[str, ...] = ()
    compression: CompressionConfig = field(default_factory=CompressionConfig)
    delegation: DelegationConfig = field(default_factory=DelegationConfig)
    skills: SkillsConfig = field(default_factory=SkillsConfig)
    security: SecurityConfig = field(default_factory=SecurityConfig)
    budget: BudgetConfig | None = None
    prices: Mapping[str, PriceConfig] = field(default_factory=_no_prices)
    platform_toolsets: Mapping[str, tuple[str, ...]] = field(default_factory=_no_toolsets)
    disabled_toolsets: tuple[str, ...] = ()
    mcp_servers: tuple[McpServerConfig, ...] = ()
    hooks: tuple[ShellHookConfig, ...] = ()
    hooks_auto_accept: bool = False
    auxiliary: Mapping[str, AuxiliaryConfig] = field(default_factory=_no_auxiliary)
    web: WebConfig = field(default_factory=WebConfig)
    file_read_max_chars: int = DEFAULT_READ
    context_file_max_chars: int | None = None
    code_execution_mode: str = "project"
    chat: ChatConfig = field(default_factory=ChatConfig)
    platforms: Mapping[str, PlatformConfig] = field(default_factory=_no_platforms)
    webhook: WebhookConfig = field(default_factory=WebhookConfig)
    raw: Mapping[str, object] = field(default_factory=_nothing, repr=False)
    unknown_keys: tuple[UnknownKey, ...] = ()
    notices: tuple[Notice, ...] = ()
